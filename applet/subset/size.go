package subset

import (
	"cmp"
	"slices"
	"strings"
)

// Sizes is what a class costs on a card, in bytes, worked out without a kit. See Estimate.
type Sizes struct {
	Class     string
	Methods   int
	Code      int // instructions, as the converter makes them
	Heads     int // method headers, rows of exception handlers
	Structure int // of the Class component
	MaxStack  int // words, of the deepest method
	MaxLocals int
	Object    int // fields of one object

	Each []Method
}

// Method is what one method costs: instructions, header and handlers.
type Method struct {
	Name        string
	Code, Heads int
}

// Component is one component of a CAP file, with its tag and size.
type Component struct {
	Name  string
	Bytes int
}

// Package is what a package costs.
type Package struct {
	Classes    []Sizes
	Components []Component       // of the load file: all but Descriptor and Debug, which a card does not need
	Persistent int               // arrays made at installation, static arrays, fields of the objects, without the platform's headers
	Transient  int               // arrays of makeTransient…
	Imports    map[string]string // package, the version it needs at least

	own       map[string]*Class
	constants map[Reference]bool
	indices   [2][]int // where the Method component names constants, by one byte and by two
	arrays    int      // bytes of the rows of static arrays
}

// Load is the size of the load file.
func (p Package) Load() int {
	n := 0
	for _, c := range p.Components {
		n += c.Bytes
	}
	return n
}

// What the structures of a CAP cost (JCVM 2.2.1 chapter 6).
const (
	componentHead   = 3 // tag, size (6.1)
	methodHeader    = 2 // 6.9.2
	extendedHeader  = 4 // for more than 15 words of stack, locals or arguments
	handlerSize     = 8 // 6.9.1
	constantSize    = 4 // 6.7
	classHeader     = 10
	virtualEntry    = 2
	interfaceHeader = 3 // 6.8.2: the interface, how many methods, one byte each
	arrayHeader     = 3 // 6.10: type, count

	// The names of the default package and applet (docs/card-interface.md §2).
	packageAID = 8
	appletAID  = 9
)

// Estimate says how long the components are that a converter makes. Of instructions it knows the length exactly; what a converter
// may still shorten is named at translate.
func Estimate(classes []*Class) Package {
	p := Package{Imports: map[string]string{}, own: map[string]*Class{}, constants: map[Reference]bool{}}
	for _, c := range classes {
		p.own[c.Name] = c
	}
	ordered := slices.SortedFunc(slices.Values(classes), func(a, b *Class) int { return cmp.Compare(a.Name, b.Name) })
	method := 1 // the count of handlers, in front of them and of the methods
	for _, c := range ordered {
		for _, m := range c.Methods {
			if m.Code != nil && m.Name != "<clinit>" {
				method += p.handlers(c, m.Code, method)
			}
		}
	}
	for _, c := range ordered {
		s := Sizes{Class: c.Name, Structure: p.structure(c)}
		for _, f := range c.Fields {
			if f.Flags&accStatic == 0 {
				s.Object += 2
			}
		}
		for _, m := range c.Methods {
			method += p.method(c, m, &s, method)
		}
		p.Classes = append(p.Classes, s)
		p.imports(c)
	}
	p.objects(classes)
	p.components(method)
	return p
}

// handlers is the length of the rows of exception handlers, which name the class they catch (6.9.1).
func (p *Package) handlers(c *Class, code *Code, at int) int {
	for n, h := range code.Handlers {
		if h.Catch != "" {
			p.name(place{at: handlerSize*n + 6, wide: true, ref: Reference{Class: h.Catch}}, at)
		}
	}
	return handlerSize * len(code.Handlers)
}

// name notes a constant, and where the Method component names it.
func (p *Package) name(x place, base int) {
	p.constants[x.ref] = true
	width := 0
	if x.wide {
		width = 1
	}
	p.indices[width] = append(p.indices[width], base+x.at)
}

// method is the length of a method in the Method component, whose handlers stand in front of all methods.
func (p *Package) method(c *Class, m Member, s *Sizes, at int) int {
	if m.Name == "<clinit>" { // no code on the card, but an image
		all, _ := instructions(m.Code.Bytes)
		p.arrays += staticArrays(c, all)
		return 0
	}
	s.Methods++
	if m.Code == nil {
		s.Heads += methodHeader
		return methodHeader
	}
	head := methodHeader
	arguments := argumentWords(m)
	if m.Code.MaxStack > 15 || arguments > 15 || m.Code.MaxLocals-arguments > 15 {
		head = extendedHeader
	}
	t := p.translate(c, m)
	for _, x := range t.constants {
		p.name(x, at+head)
	}
	s.MaxStack, s.MaxLocals = max(s.MaxStack, m.Code.MaxStack), max(s.MaxLocals, m.Code.MaxLocals)
	s.Code += t.length
	heads := head + handlerSize*len(m.Code.Handlers)
	s.Heads += heads
	s.Each = append(s.Each, Method{m.Name + m.Descriptor, t.length, heads})
	return head + t.length
}

func argumentWords(m Member) int {
	takes, _, _ := shape(m.Descriptor)
	if m.Flags&accStatic == 0 {
		return len(takes) + 1
	}
	return len(takes)
}

// structure is the length of class_info (6.8.2). The tables of virtual methods reach from the lowest token of a method that is
// declared or overridden to the highest.
func (p *Package) structure(c *Class) int {
	public, visible := p.virtual(c.Super)
	low, high := len(public), len(public)
	own := 0
	for _, m := range c.Methods {
		if m.Flags&(accStatic|accPrivate) != 0 || m.Name == "<init>" {
			continue
		}
		key := m.Name + m.Descriptor
		if m.Flags&(accPublic|accProtected) == 0 {
			if !slices.Contains(visible, key) {
				own++
			}
			continue
		}
		if at := slices.Index(public, key); at >= 0 {
			low = min(low, at)
		} else {
			high++
		}
	}
	n := classHeader + virtualEntry*(high-low+own)
	for _, i := range allInterfaces(c) {
		n += interfaceHeader + interfaceMethods(i)
	}
	return n
}

// virtual are the virtual methods a class has, by token: public and protected ones, and those of the package.
func (p *Package) virtual(class string) (public, visible []string) {
	k := p.own[class]
	if k == nil {
		return apiVirtual(class), nil
	}
	public, visible = p.virtual(k.Super)
	for _, m := range k.Methods {
		key := m.Name + m.Descriptor
		if m.Flags&(accStatic|accPrivate) != 0 || m.Name == "<init>" {
			continue
		}
		if m.Flags&(accPublic|accProtected) == 0 {
			visible = append(visible, key)
		} else if !slices.Contains(public, key) {
			public = append(public, key)
		}
	}
	return public, visible
}

// apiVirtual are the virtual methods of an API class in the order of their tokens.
func apiVirtual(class string) []string {
	var out []string
	for _, parent := range parents[class] {
		out = append(out, apiVirtual(parent)...)
	}
	if k := api[class]; k != nil {
		out = append(out, k.virtual...)
	}
	return out
}

// allInterfaces are those a class names, and theirs.
func allInterfaces(c *Class) []string {
	var out []string
	for _, i := range c.Interfaces {
		for _, name := range append([]string{i}, parents[i]...) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func interfaceMethods(name string) int {
	if k := api[name]; k != nil {
		return len(k.virtual)
	}
	return 0
}

// components adds up the load file; method is the length of the Method component without its head. A converter makes the format 2.1 of a
// package without remote classes and debug information: no name of the package in the header, eleven sizes in the directory, no pool of
// signatures in front of the classes (docs/applet.md).
func (p *Package) components(method int) {
	class := componentHead
	for _, s := range p.Classes {
		class += s.Structure
	}
	imported := componentHead + 1
	for _, x := range packages {
		if p.Imports[x[0]] != "" {
			imported += 3 + len(x[1])/2
		}
	}
	p.Components = []Component{
		{"Header", componentHead + 4 + 3 + 3 + packageAID},
		{"Directory", componentHead + 2*11 + 6 + 3},
		{"Import", imported},
		{"Applet", componentHead + 1 + 1 + appletAID + 2},
		{"Class", class},
		{"Method", componentHead + method},
		{"StaticField", componentHead + 10 + p.arrays},
		{"ConstantPool", componentHead + 2 + constantSize*len(p.constants)},
		{"RefLocation", componentHead + 4 + steps(p.indices[0]) + steps(p.indices[1])},
	}
}

// steps is the length of a list of places: a byte from one to the next, and one more for every 255 between them (6.11).
func steps(places []int) int {
	n, last := 0, 0
	slices.Sort(places)
	for _, at := range places {
		n += 1 + (at-last)/255
		last = at
	}
	return n
}

// staticArrays is the image of constant arrays: they are data on the card, not code.
func staticArrays(c *Class, all []instruction) int {
	n := 0
	for at := range all {
		if length, ok := arrayLength(c, all, at); ok {
			n += arrayHeader + length
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
