package subset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is something a converter would refuse, or that does not belong on a card.
type Finding struct {
	File  string // source file
	Line  int    // 0: the class file does not tell
	Where string // class.method, in internal form
	What  string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Where, f.What)
}

// Limits of a method and a class. The format allows 255 stack words and locals; a card's stack is a few hundred bytes.
const (
	maxStack   = 16
	maxLocals  = 32
	maxMethods = 60  // of a class; the format allows 128 virtual ones
	maxFields  = 127 // two bytes each at most, 255 bytes an object
	maxCode    = 0x7FFF
	maxMajor   = 52 // Java 8
)

// checker gathers findings about one class of a package.
type checker struct {
	own      map[string]*Class
	class    *Class
	method   *Member
	findings []Finding
}

// Check holds the classes of one package to the subset. Findings are in the order of file and line.
func Check(classes []*Class) []Finding {
	c := &checker{own: map[string]*Class{}}
	for _, k := range classes {
		c.own[k.Name] = k
	}
	for _, k := range classes {
		c.class, c.method = k, nil
		c.checkClass()
	}
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return slices.Compact(c.findings)
}

// refuse notes a finding at a place of the code; code nil: at the class.
func (c *checker) refuse(code *Code, pc int, what string) {
	f := Finding{File: c.class.Source, Where: c.class.Name, What: what}
	if f.File == "" {
		f.File = c.class.Name + ".class"
	}
	if code != nil {
		f.Line = code.line(pc)
	}
	if c.method != nil {
		f.Where += "." + c.method.Name
	}
	c.findings = append(c.findings, f)
}

// classAttributes, codeAttributes and memberAttributes are what a converter reads or skips.
var (
	classAttributes  = []string{"SourceFile", "Deprecated"}
	memberAttributes = []string{"Code", "ConstantValue", "Exceptions", "Deprecated"}
	codeAttributes   = []string{"LineNumberTable", "LocalVariableTable", "StackMapTable"}
)

func (c *checker) checkClass() {
	k := c.class
	if k.Major > maxMajor {
		c.refuse(nil, 0, fmt.Sprintf("class file version %d: compile with --release 8", k.Major))
	}
	if k.Flags&(accEnum|accAnnotation|accSynthetic) != 0 {
		c.refuse(nil, 0, "enums, annotations and classes made by the compiler are not in the subset")
	}
	if pkg := packageOf(k.Name); pkg == "" || c.mixed(pkg) {
		c.refuse(nil, 0, "the applet is one named package")
	}
	if k.Flags&accPublic == 0 && k.Flags&accInterface == 0 && c.extendedByPublic(k.Name) {
		c.noExternal(slices.Concat(k.Fields, k.Methods))
	}
	c.attributes(nil, k.Attributes, classAttributes)
	for _, name := range append(k.Interfaces[:len(k.Interfaces):len(k.Interfaces)], k.Super) {
		c.classReference(nil, 0, name)
	}
	if len(k.Methods) > maxMethods || len(k.Fields) > maxFields {
		c.refuse(nil, 0, fmt.Sprintf("%d methods and %d fields: at most %d and %d", len(k.Methods), len(k.Fields), maxMethods, maxFields))
	}
	for i := range k.Fields {
		c.method = nil
		c.checkField(k.Fields[i])
	}
	for i := range k.Methods {
		c.method = &k.Methods[i]
		c.checkMethod()
	}
}

// extendedByPublic tells whether a public class of the package has this one above it.
func (c *checker) extendedByPublic(name string) bool {
	for _, k := range c.own {
		if k.Super == name && (k.Flags&accPublic != 0 || k.Name != name && c.extendedByPublic(k.Name)) {
			return true
		}
	}
	return false
}

// noExternal refuses public and protected members: a class that others do not see cannot bequeath them to one that they do (JCVM
// clause 2.2.1.1, access control in Java packages).
func (c *checker) noExternal(members []Member) {
	for _, m := range members {
		if m.Flags&(accPublic|accProtected) != 0 {
			c.refuse(nil, 0, "public or protected "+m.Name+" of a package-visible class that a public class extends")
		}
	}
}

func packageOf(class string) string { return class[:max(strings.LastIndexByte(class, '/'), 0)] }

func (c *checker) mixed(pkg string) bool {
	for name := range c.own {
		if packageOf(name) != pkg {
			return true
		}
	}
	return false
}

var attributeReasons = map[string]string{
	"InnerClasses":     "inner classes are not in the subset here",
	"BootstrapMethods": "lambdas and string concatenation are not in the subset",
	"Signature":        "generics are not in the subset",
}

func (c *checker) attributes(code *Code, have, may []string) {
	for _, a := range have {
		if slices.Contains(may, a) {
			continue
		}
		why := attributeReasons[a]
		if why == "" {
			why = "attribute " + a + " is not in the subset"
		}
		c.refuse(code, 0, why)
	}
}

// typeReason tells why a type is not in the subset, "" when it is.
func typeReason(t string) string {
	element := strings.TrimLeft(t, "[")
	switch {
	case len(t)-len(element) > 1:
		return "arrays have one dimension"
	case element == "I":
		return isInt
	case element == "J":
		return isLong
	case element == "F", element == "D":
		return isFloat
	case element == "C":
		return isChar
	}
	return ""
}

// types checks every type of a descriptor, and that the classes in it are known.
func (c *checker) types(code *Code, pc int, descriptor, of string) {
	rest := strings.TrimPrefix(descriptor, "(")
	for rest != "" {
		if rest[0] == ')' || rest == "V" {
			rest = rest[1:]
			continue
		}
		t, after, ok := firstType(rest)
		if !ok {
			c.refuse(code, pc, of+": descriptor "+descriptor+" is malformed")
			return
		}
		rest = after
		if why := typeReason(t); why != "" {
			c.refuse(code, pc, of+": "+why)
		} else if name := strings.TrimLeft(t, "["); name[0] == 'L' {
			c.classReference(code, pc, name[1:len(name)-1])
		}
	}
}

// checkField tells the line of the first use of a field: a class file holds none for its declaration.
func (c *checker) checkField(f Member) {
	c.attributes(nil, f.Attributes, memberAttributes)
	code, pc := c.firstUse(f)
	c.types(code, pc, f.Descriptor, "field "+f.Name)
	if f.Flags&(accSynthetic|accEnum) != 0 {
		c.refuse(nil, 0, "field "+f.Name+" is made by the compiler")
	}
	if f.Flags&accStatic != 0 && f.Flags&accFinal == 0 {
		c.refuse(code, pc, "field "+f.Name+": a static variable is one for all instances")
	}
}

func (c *checker) firstUse(f Member) (*Code, int) {
	for _, m := range c.class.Methods {
		if m.Code == nil {
			continue
		}
		all, _ := instructions(m.Code.Bytes)
		for _, i := range all {
			if ref, ok := c.class.reference(i.operand); ok && i.code >= 0xB2 && i.code <= 0xB5 &&
				ref == (Reference{c.class.Name, f.Name, f.Descriptor}) {
				return m.Code, i.pc
			}
		}
	}
	return nil, 0
}

func (c *checker) checkMethod() {
	m, code := c.method, c.method.Code
	c.attributes(code, m.Attributes, memberAttributes)
	if m.Flags&(accSynthetic|accBridge|accVarargs|accSynchronized|accNative|accStrict) != 0 {
		c.refuse(code, 0, "synchronized, native, strictfp, varargs and methods made by the compiler are not in the subset")
	}
	if m.Name == "finalize" && m.Descriptor == "()V" {
		c.refuse(code, 0, "finalize is not called on a card")
	}
	c.types(code, 0, m.Descriptor, m.Name)
	if code == nil {
		return
	}
	if c.class.Flags&accInterface != 0 && m.Name != "<clinit>" {
		c.refuse(code, 0, "a method of an interface has no body")
	}
	c.attributes(code, code.Attributes, codeAttributes)
	if code.MaxStack > maxStack || code.MaxLocals > maxLocals || len(code.Bytes) > maxCode {
		c.refuse(code, 0, fmt.Sprintf("stack %d, locals %d, %d bytes: at most %d, %d, %d",
			code.MaxStack, code.MaxLocals, len(code.Bytes), maxStack, maxLocals, maxCode))
	}
	for _, l := range code.Locals {
		c.types(code, max(l.PC-1, 0), l.Descriptor, "variable "+l.Name) // it begins behind the store of its first value
	}
	c.checkCode(code)
	c.flow(c.class, code)
}

func (c *checker) checkCode(code *Code) {
	all, ok := instructions(code.Bytes)
	if !ok {
		c.refuse(code, len(code.Bytes), "the code ends inside an instruction")
	}
	for _, h := range code.Handlers {
		if h.Catch != "" {
			c.classReference(code, h.At, h.Catch)
		}
	}
	for n, i := range all {
		if why := i.op().refused; why != "" {
			c.refuse(code, i.pc, why)
			continue
		}
		c.instruction(code, i)
		if length, transient := transientLength(c.class, all, n); transient && length < 0 {
			c.refuse(code, i.pc, "the length of a transient array is a constant")
		}
	}
}

func (c *checker) instruction(code *Code, i instruction) {
	switch i.code {
	case 0x12, 0x13: // ldc, ldc_w
		c.loadConstant(code, i)
	case 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9:
		c.memberReference(code, i)
	case 0xBB, 0xBD, 0xC0, 0xC1:
		c.classOperand(code, i)
	case 0xBC: // newarray
		if i.operand != 4 && i.operand != 8 && i.operand != 9 {
			c.refuse(code, i.pc, "an array holds boolean, byte, short or objects")
		}
	}
	if i.code >= 0xBB && i.code <= 0xBD {
		c.allocation(code, i.pc)
	}
	if c.method.Name == "<clinit>" && !initialises(i.code) {
		c.refuse(code, i.pc, "static fields hold constants and arrays of constants alone")
	}
}

// initialises: what the initialisation of constant arrays consists of, which a converter turns into an image.
func initialises(code int) bool {
	switch code {
	case 0x54, 0x56, 0x59, 0xB1, 0xB3, 0xBC: // bastore, sastore, dup, return, putstatic, newarray
		return true
	}
	return code >= 0x02 && code <= 0x08 || code == 0x10 || code == 0x11
}

// allocation refuses objects that are made after installation: a card that has no object deletion never gets them back.
func (c *checker) allocation(code *Code, pc int) {
	switch c.method.Name {
	case "<init>", "<clinit>", "install":
	default:
		c.refuse(code, pc, "objects and arrays are made at installation alone")
	}
}

func (c *checker) loadConstant(code *Code, i instruction) {
	switch k := c.class.constant(i.operand, tagInteger, tagFloat, tagString, tagClass); k.tag {
	case tagInteger:
		if k.value != int32(int16(k.value)) {
			c.refuse(code, i.pc, fmt.Sprintf("constant %d is no short", k.value))
		}
	case tagFloat:
		c.refuse(code, i.pc, isFloat)
	case tagString:
		c.refuse(code, i.pc, "String is not in the subset")
	default:
		c.refuse(code, i.pc, "class literals are not in the subset")
	}
}

func (c *checker) classOperand(code *Code, i instruction) {
	name := c.class.className(i.operand)
	if t, array := strings.CutPrefix(name, "["); array {
		if i.code == 0xBD || strings.HasPrefix(t, "[") {
			c.refuse(code, i.pc, "arrays have one dimension")
			return
		}
		c.types(code, i.pc, t, "array")
		return
	}
	c.classReference(code, i.pc, name)
}

func (c *checker) classReference(code *Code, pc int, name string) {
	if c.own[name] == nil && api[name] == nil {
		c.refuse(code, pc, "class "+strings.ReplaceAll(name, "/", ".")+" is not in the API")
	}
}

func (c *checker) memberReference(code *Code, i instruction) {
	ref, ok := c.class.reference(i.operand)
	if !ok {
		c.refuse(code, i.pc, "a reference that resolves to nothing")
		return
	}
	c.types(code, i.pc, ref.Descriptor, ref.Name)
	if c.own[ref.Class] != nil && c.inherits(ref) {
		if strings.HasPrefix(ref.Name, "makeTransient") {
			c.allocation(code, i.pc)
		}
		return
	}
	if _, ok := lookUp(ref.Class, ref.Name+ref.Descriptor); !ok {
		c.refuse(code, i.pc, strings.ReplaceAll(ref.Class, "/", ".")+"."+ref.Name+ref.Descriptor+" is not in the API")
	}
	if strings.HasPrefix(ref.Name, "makeTransient") {
		c.allocation(code, i.pc)
	}
}

// inherits looks a member up in a class of the package and in what it inherits from.
func (c *checker) inherits(ref Reference) bool {
	for name, n := ref.Class, 0; n < 16; n++ {
		k := c.own[name]
		if k == nil {
			_, ok := lookUp(name, ref.Name+ref.Descriptor)
			return ok
		}
		for _, m := range slices.Concat(k.Fields, k.Methods) {
			if m.Name == ref.Name && m.Descriptor == ref.Descriptor {
				return true
			}
		}
		name = k.Super
	}
	return false
}
