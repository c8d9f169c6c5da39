package subset

import (
	"cmp"
	"slices"
	"strings"
)

// Sizes is what a class costs on a card, in bytes, estimated without a kit. See Estimate.
type Sizes struct {
	Class     string
	Code      int // instructions, as the converter makes them
	Other     int // method headers, exception handlers, class structure, constants, references to them
	MaxStack  int // words, of the deepest method
	MaxLocals int
	Methods   int
	Object    int // fields of one object
}

// Load is what the class adds to the load file.
func (s Sizes) Load() int { return s.Code + s.Other }

// Package is what a package costs.
type Package struct {
	Classes    []Sizes
	Frame      int               // header, directory, imports, applet, heads of the components
	Persistent int               // arrays made at installation, static arrays, fields of the objects, without the platform's headers
	Transient  int               // arrays of makeTransient…
	Imports    map[string]string // package, the version it needs at least

	own map[string]*Class
}

// Load is the size of the load file without Descriptor and Debug, which a card does not need.
func (p Package) Load() int {
	n := p.Frame
	for _, c := range p.Classes {
		n += c.Load()
	}
	return n
}

// What the structures of a CAP cost (JCVM chapter 6).
const (
	methodHeader    = 2
	extendedHeader  = 4 // for more than 15 words of stack, locals or arguments
	handlerSize     = 8
	constantSize    = 4
	classHeader     = 10
	virtualEntry    = 2
	interfaceHeader = 3
	frameSize       = 150 // component heads 11×3, header, directory, applet, imports with their AIDs
)

// Estimate translates instruction by instruction: the short forms of the Java Card machine for what javac made. It is meant to be
// a little above what a converter makes, which shares constants and has shorter forms still.
func Estimate(classes []*Class) Package {
	p := Package{Frame: frameSize, Imports: map[string]string{}, own: map[string]*Class{}}
	for _, c := range classes {
		p.own[c.Name] = c
	}
	constants := map[Reference]bool{}
	for _, c := range classes {
		s := Sizes{Class: c.Name, Methods: len(c.Methods), Other: classHeader + interfaceHeader*len(c.Interfaces)}
		for _, f := range c.Fields {
			if f.Flags&accStatic == 0 {
				s.Object += 2
			}
		}
		for _, m := range c.Methods {
			p.method(c, m, &s, constants)
		}
		p.Classes = append(p.Classes, s)
		p.imports(c)
	}
	p.objects(classes)
	slices.SortFunc(p.Classes, func(a, b Sizes) int { return cmp.Compare(a.Class, b.Class) })
	return p
}

func (p *Package) method(c *Class, m Member, s *Sizes, constants map[Reference]bool) {
	if m.Code == nil {
		s.Other += methodHeader
		return
	}
	all, _ := instructions(m.Code.Bytes)
	if m.Name == "<clinit>" {
		s.Other += staticArrays(c, all)
		return
	}
	s.Other += methodHeader + handlerSize*len(m.Code.Handlers)
	if m.Code.MaxStack > 15 || m.Code.MaxLocals > 15 {
		s.Other += extendedHeader - methodHeader
	}
	if m.Flags&(accStatic|accPrivate) == 0 && m.Name != "<init>" {
		s.Other += virtualEntry
	}
	s.MaxStack, s.MaxLocals = max(s.MaxStack, m.Code.MaxStack), max(s.MaxLocals, m.Code.MaxLocals)
	for n, i := range all {
		s.Code += cardSize(c, all, n)
		if i.code >= 0xB2 && i.code <= 0xBB || i.code == 0xBD || i.code == 0xC0 || i.code == 0xC1 {
			s.Other++ // its entry in the reference location component
			ref := p.declared(c, i)
			if !constants[ref] {
				constants[ref] = true
				s.Other += constantSize
			}
		}
	}
}

// declared is the constant an instruction needs; a field has one for its class, whichever subclass names it.
func (p *Package) declared(c *Class, i instruction) Reference {
	ref, ok := c.reference(i.operand)
	if !ok {
		return Reference{Class: c.className(i.operand)}
	}
	for n := 0; n < len(p.own) && i.code <= 0xB5; n++ {
		k := p.own[ref.Class]
		if k == nil || slices.ContainsFunc(k.Fields, func(f Member) bool { return f.Name == ref.Name }) {
			break
		}
		ref.Class = k.Super
	}
	return ref
}

// cardSize is the length of what stands for an instruction on the card.
func cardSize(c *Class, all []instruction, n int) int {
	i := all[n]
	switch {
	case isBranch(i.code) && (i.operand-i.pc > 127 || i.operand-i.pc < -128):
		return 3 // the wide form
	case i.code == 0xAA:
		return 7 + 2*(len(i.targets)-1)
	case i.code == 0xAB:
		return 5 + 4*(len(i.targets)-1)
	case i.code == 0xB4 && n > 0 && all[n-1].code == 0x2A:
		return 1 // aload_0, getfield: one instruction of two bytes
	case i.code == 0x12 || i.code == 0x13:
		return 3
	}
	return i.op().card
}

// staticArrays is the image of constant arrays: they are data on the card, not code.
func staticArrays(c *Class, all []instruction) int {
	n := 0
	for at, i := range all {
		if length, ok := arrayLength(c, all, at); ok {
			n += 3 + length
		} else if i.code == 0xB3 {
			n += 2
		}
	}
	return n
}

// arrayLength is the length in bytes of an array made with a constant length.
func arrayLength(c *Class, all []instruction, at int) (int, bool) {
	if all[at].code != 0xBC || at == 0 {
		return 0, false
	}
	length, ok := c.constantOf(all[at-1])
	if all[at].operand == 9 {
		length *= 2
	}
	return length, ok
}

func (p *Package) imports(c *Class) {
	need := func(class, since string) {
		if k := api[class]; k != nil && cmp.Compare(since, p.Imports[k.pkg]) > 0 {
			p.Imports[k.pkg] = since
		}
	}
	for i := range c.pool {
		if name := c.className(i); api[name] != nil {
			need(name, api[name].since)
		}
		if ref, ok := c.reference(i); ok {
			if since, ok := lookUp(ref.Class, ref.Name+ref.Descriptor); ok {
				need(ref.Class, since)
			}
		}
	}
}

// objects adds up what installation makes: every new and every array once, as constructors and install hold no loops.
func (p *Package) objects(classes []*Class) {
	fields := map[string]int{}
	for _, s := range p.Classes {
		fields[s.Class] = s.Object
	}
	for _, c := range classes {
		for _, m := range c.Methods {
			if m.Code == nil {
				continue
			}
			all, _ := instructions(m.Code.Bytes)
			for at, i := range all {
				if length, ok := arrayLength(c, all, at); ok {
					p.Persistent += length
				}
				if i.code == 0xBB {
					p.Persistent += fields[c.className(i.operand)]
				}
				if length, ok := transientLength(c, all, at); ok {
					p.Transient += length
				}
			}
		}
	}
}

// transientLength is the size of an array of makeTransient…Array(length, event), -1 when the length is no constant.
func transientLength(c *Class, all []instruction, at int) (length int, transient bool) {
	ref, ok := c.reference(all[at].operand)
	if !ok || all[at].code != 0xB8 || at < 2 || !strings.HasPrefix(ref.Name, "makeTransient") {
		return 0, false
	}
	n, ok := c.constantOf(all[at-2])
	if !ok || n < 0 {
		return -1, true
	}
	if ref.Name != "makeTransientByteArray" && ref.Name != "makeTransientBooleanArray" {
		n *= 2
	}
	return n, true
}
