// Package subset holds compiled applet classes to the Java Card subset: it says, with file and line, what a Java Card
// 2.2.1 converter would refuse and what this project refuses beyond it, and estimates what the classes cost on a card.
//
// References: the class file format, Java Virtual Machine Specification chapter 4; the subset, Java Card Virtual Machine
// Specification 2.2.1 chapter 2; the API, [API].
package subset

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrClassFile is wrapped by everything Parse refuses.
var ErrClassFile = errors.New("not a class file")

// Constant pool tags (JVMS table 4.4-A).
const (
	tagUTF8                   = 1
	tagInteger                = 3
	tagFloat                  = 4
	tagLong                   = 5
	tagDouble                 = 6
	tagClass                  = 7
	tagString                 = 8
	tagField                  = 9
	tagMethod                 = 10
	tagInterfaceMethod        = 11
	tagNameAndType            = 12
	tagMethodHandle           = 15
	tagMethodType             = 16
	tagInvokeDynamic          = 18
	classMagic         uint32 = 0xCAFEBABE
)

// Access flags (JVMS tables 4.1-B, 4.5-A, 4.6-A).
const (
	accStatic       = 0x0008
	accFinal        = 0x0010
	accSynchronized = 0x0020 // of a method
	accBridge       = 0x0040 // of a method
	accVarargs      = 0x0080 // of a method
	accNative       = 0x0100
	accInterface    = 0x0200
	accAbstract     = 0x0400
	accStrict       = 0x0800
	accSynthetic    = 0x1000
	accAnnotation   = 0x2000
	accEnum         = 0x4000
	accPublic       = 0x0001
	accPrivate      = 0x0002
	accProtected    = 0x0004
)

// Class is what the check needs of a class file.
type Class struct {
	Name, Super string // internal form: javacard/framework/Applet
	Source      string // of the SourceFile attribute, "" without one
	Major       int
	Flags       int
	Interfaces  []string
	Fields      []Member
	Methods     []Member
	Attributes  []string

	pool []constant
}

// Member is a field or a method.
type Member struct {
	Name, Descriptor string
	Flags            int
	Attributes       []string
	Constant         bool  // a field with a ConstantValue
	Code             *Code // nil: a field, or a method without a body
}

// Code is the body of a method.
type Code struct {
	MaxStack, MaxLocals int
	Bytes               []byte
	Handlers            []Handler
	Lines               []Line // ascending by PC
	Locals              []Local
	Attributes          []string
}

// Handler is one row of the exception table; Catch is "" for any.
type Handler struct {
	Start, End, At int
	Catch          string
}

// Line is where the code of a source line begins.
type Line struct{ PC, Number int }

// Local is a local variable and its type.
type Local struct {
	PC               int
	Name, Descriptor string
}

// Reference is a constant of the pool: a class (Name empty), or a member of a class.
type Reference struct{ Class, Name, Descriptor string }

type constant struct {
	tag   byte
	text  string
	value int32
	a, b  int
}

// reader takes numbers off the front; after the first lack it gives zeros and remembers.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u1() int {
	if v := r.take(1); v != nil {
		return int(v[0])
	}
	return 0
}

func (r *reader) u2() int {
	if v := r.take(2); v != nil {
		return int(binary.BigEndian.Uint16(v))
	}
	return 0
}

func (r *reader) u4() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

// maxClass bounds a class file: a Java Card package has 64 kB at most.
const maxClass = 1 << 20

// Parse reads a class file (JVMS 4.1). It trusts no length and no index.
func Parse(b []byte) (*Class, error) {
	if len(b) > maxClass {
		return nil, fmt.Errorf("%w: %d bytes", ErrClassFile, len(b))
	}
	r := &reader{b: b}
	if r.u4() != classMagic {
		return nil, fmt.Errorf("%w: does not begin with CAFEBABE", ErrClassFile)
	}
	r.u2()
	c := &Class{Major: r.u2()}
	if err := c.readPool(r); err != nil {
		return nil, err
	}
	c.Flags = r.u2()
	c.Name, c.Super = c.className(r.u2()), c.className(r.u2())
	for n := r.u2(); n > 0 && !r.bad; n-- {
		c.Interfaces = append(c.Interfaces, c.className(r.u2()))
	}
	c.Fields = c.members(r)
	c.Methods = c.members(r)
	c.attributes(r, func(name string, v *reader) {
		c.Attributes = append(c.Attributes, name)
		if name == "SourceFile" {
			c.Source = c.utf8(v.u2())
		}
	})
	if r.bad || len(r.b) > 0 || c.Name == "" {
		return nil, fmt.Errorf("%w: a length or an index does not fit", ErrClassFile)
	}
	return c, nil
}

func (c *Class) readPool(r *reader) error {
	count := r.u2()
	c.pool = make([]constant, 1, max(count, 1))
	for len(c.pool) < count && !r.bad {
		k := constant{tag: byte(r.u1())}
		switch k.tag {
		case tagUTF8:
			k.text = string(r.take(r.u2()))
		case tagInteger:
			k.value = int32(r.u4())
		case tagFloat:
			r.u4()
		case tagLong, tagDouble:
			r.take(8)
			c.pool = append(c.pool, k, constant{}) // takes two places
			continue
		case tagClass, tagString, tagMethodType:
			k.a = r.u2()
		case tagField, tagMethod, tagInterfaceMethod, tagNameAndType, tagInvokeDynamic:
			k.a, k.b = r.u2(), r.u2()
		case tagMethodHandle:
			k.a, k.b = r.u1(), r.u2()
		default:
			return fmt.Errorf("%w: constant of unknown tag %d", ErrClassFile, k.tag)
		}
		c.pool = append(c.pool, k)
	}
	if r.bad {
		return fmt.Errorf("%w: ends inside its constants", ErrClassFile)
	}
	return nil
}

// constant gives a constant with one of the tags, or the zero one.
func (c *Class) constant(i int, tags ...byte) constant {
	if i <= 0 || i >= len(c.pool) {
		return constant{}
	}
	for _, t := range tags {
		if c.pool[i].tag == t {
			return c.pool[i]
		}
	}
	return constant{}
}

func (c *Class) utf8(i int) string { return c.constant(i, tagUTF8).text }

func (c *Class) className(i int) string { return c.utf8(c.constant(i, tagClass).a) }

// reference resolves a member constant; ok is false when it is something else.
func (c *Class) reference(i int) (ref Reference, ok bool) {
	k := c.constant(i, tagField, tagMethod, tagInterfaceMethod)
	n := c.constant(k.b, tagNameAndType)
	ref = Reference{c.className(k.a), c.utf8(n.a), c.utf8(n.b)}
	return ref, ref.Class != "" && ref.Name != "" && ref.Descriptor != ""
}

func (c *Class) members(r *reader) []Member {
	var out []Member
	for n := r.u2(); n > 0 && !r.bad; n-- {
		m := Member{Flags: r.u2()}
		m.Name, m.Descriptor = c.utf8(r.u2()), c.utf8(r.u2())
		c.attributes(r, func(name string, v *reader) {
			m.Attributes = append(m.Attributes, name)
			switch name {
			case "ConstantValue":
				m.Constant = true
			case "Code":
				m.Code = c.code(v)
			}
		})
		out = append(out, m)
	}
	return out
}

// attributes walks an attribute table; what each leaves unread is skipped.
func (c *Class) attributes(r *reader, each func(name string, v *reader)) {
	for n := r.u2(); n > 0 && !r.bad; n-- {
		name := c.utf8(r.u2())
		v := &reader{b: r.take(int(r.u4()))}
		each(name, v)
		r.bad = r.bad || v.bad
	}
}

func (c *Class) code(r *reader) *Code {
	k := &Code{MaxStack: r.u2(), MaxLocals: r.u2()}
	k.Bytes = r.take(int(r.u4()))
	for n := r.u2(); n > 0 && !r.bad; n-- {
		k.Handlers = append(k.Handlers, Handler{r.u2(), r.u2(), r.u2(), c.className(r.u2())})
	}
	c.attributes(r, func(name string, v *reader) {
		k.Attributes = append(k.Attributes, name)
		switch name {
		case "LineNumberTable":
			for n := v.u2(); n > 0 && !v.bad; n-- {
				k.Lines = append(k.Lines, Line{v.u2(), v.u2()})
			}
		case "LocalVariableTable":
			for n := v.u2(); n > 0 && !v.bad; n-- {
				l := Local{PC: v.u2()}
				v.u2()
				l.Name, l.Descriptor = c.utf8(v.u2()), c.utf8(v.u2())
				v.u2()
				k.Locals = append(k.Locals, l)
			}
		}
	})
	return k
}

// line is the source line of a place in the code, 0 when the class does not tell.
func (k *Code) line(pc int) int {
	line, from := 0, -1
	for _, l := range k.Lines {
		if l.PC <= pc && l.PC > from {
			line, from = l.Number, l.PC
		}
	}
	return line
}
