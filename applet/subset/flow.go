package subset

import "strings"

// slot is one place of the operand stack: a reference, or a number that may have outgrown 16 bits.
type slot struct {
	ref  bool
	wide bool
}

// flow walks a method the way a verifier does, to find every number that is used before it is narrowed: the low 16 bits of
// + - * << & | ^ and of a changed sign depend on the low 16 bits of their operands alone, so those may follow each other; everything
// else wants a short (JCVM 2.2.3.1).
type flow struct {
	check  *checker
	class  *Class
	code   *Code
	states map[int][]slot
	todo   []int
}

func (c *checker) flow(class *Class, code *Code) {
	f := &flow{check: c, class: class, code: code, states: map[int][]slot{}}
	f.reach(0, nil)
	for len(f.todo) > 0 {
		pc := f.todo[len(f.todo)-1]
		f.todo = f.todo[:len(f.todo)-1]
		if !f.step(pc) {
			return
		}
	}
}

// reach merges a stack into what is known at pc, and comes back there when that changed anything.
func (f *flow) reach(pc int, s []slot) {
	known, seen := f.states[pc]
	if !seen {
		f.states[pc] = append([]slot{}, s...)
		f.todo = append(f.todo, pc)
		return
	}
	changed := false
	for i := range min(len(known), len(s)) {
		if s[i].wide && !known[i].wide {
			known[i].wide, changed = true, true
		}
	}
	if changed {
		f.todo = append(f.todo, pc)
	}
}

// step carries out one instruction; false ends the walk: the code is not what a compiler makes.
func (f *flow) step(pc int) bool {
	i, ok := decode(f.code.Bytes, pc)
	if !ok {
		f.check.refuse(f.code, pc, "the code ends inside an instruction")
		return false
	}
	for _, h := range f.code.Handlers {
		if pc >= h.Start && pc < h.End {
			f.reach(h.At, []slot{{ref: true}})
		}
	}
	if i.op().refused != "" {
		return false // told by the check of instructions; what follows is not known
	}
	s, ok := f.apply(i, append([]slot{}, f.states[pc]...))
	if !ok || len(s) > 0xFF {
		f.check.refuse(f.code, pc, i.op().name+": the operand stack does not fit")
		return false
	}
	for _, t := range i.targets {
		f.reach(t, s)
	}
	if isBranch(i.code) {
		f.reach(i.operand, s)
	}
	if !i.ends() {
		f.reach(i.next, s)
	}
	return true
}

// pop takes n places off the stack; ok is false when there are fewer.
func pop(s []slot, n int) (rest, popped []slot, ok bool) {
	if n > len(s) {
		return nil, nil, false
	}
	return s[:len(s)-n], s[len(s)-n:], true
}

// narrow refuses numbers that may have outgrown a short.
func (f *flow) narrow(i instruction, slots []slot) {
	for _, x := range slots {
		if x.wide {
			f.check.refuse(f.code, i.pc, i.op().name+" of an int: cast the result of the arithmetic to short or byte first")
			return
		}
	}
}

func (f *flow) apply(i instruction, s []slot) ([]slot, bool) {
	op := i.op()
	if pops, pushes, ok := strings.Cut(op.stack, ">"); ok {
		return f.plain(i, s, pops, pushes)
	}
	switch {
	case i.code == 0x12 || i.code == 0x13:
		return append(s, slot{}), true
	case i.code >= 0x57 && i.code <= 0x5F:
		return shuffle(i.code, s)
	case i.code >= 0x60 && i.code <= 0x83:
		return f.arithmetic(i, s)
	case i.code == 0x91 || i.code == 0x93:
		rest, _, ok := pop(s, 1)
		return append(rest, slot{}), ok
	}
	return f.member(i, s)
}

func (f *flow) plain(i instruction, s []slot, pops, pushes string) ([]slot, bool) {
	rest, taken, ok := pop(s, len(pops))
	f.narrow(i, taken)
	for _, p := range pushes {
		rest = append(rest, slot{ref: p == 'a'})
	}
	return rest, ok
}

// arithmetic: see flow. The right operand of a shift is no part of the value.
func (f *flow) arithmetic(i instruction, s []slot) ([]slot, bool) {
	operands := 2
	if i.code == 0x74 {
		operands = 1
	}
	rest, taken, ok := pop(s, operands)
	if !ok {
		return nil, false
	}
	wide := false
	switch i.code {
	case 0x60, 0x64, 0x68, 0x74: // iadd, isub, imul, ineg
		wide = true
	case 0x78: // ishl
		f.narrow(i, taken[1:])
		wide = true
	case 0x7E, 0x80, 0x82: // iand, ior, ixor
		wide = taken[0].wide || taken[1].wide
	default: // idiv, irem, ishr
		f.narrow(i, taken)
		wide = i.code == 0x6C // -32768 / -1
	}
	return append(rest, slot{wide: wide}), true
}

// shuffle is pop to swap; all places have one word.
func shuffle(code int, s []slot) ([]slot, bool) {
	need := map[int]int{0x57: 1, 0x58: 2, 0x59: 1, 0x5A: 2, 0x5B: 3, 0x5C: 2, 0x5D: 3, 0x5E: 4, 0x5F: 2}[code]
	rest, t, ok := pop(s, need)
	if !ok {
		return nil, false
	}
	t = append([]slot{}, t...)
	order := map[int][]int{
		0x59: {0, 0}, 0x5A: {1, 0, 1}, 0x5B: {2, 0, 1, 2}, 0x5C: {0, 1, 0, 1},
		0x5D: {1, 2, 0, 1, 2}, 0x5E: {2, 3, 0, 1, 2, 3}, 0x5F: {1, 0},
	}[code]
	for _, at := range order {
		rest = append(rest, t[at])
	}
	return rest, true
}

// member is an access to a field or a call: its descriptor says what it takes and gives.
func (f *flow) member(i instruction, s []slot) ([]slot, bool) {
	ref, ok := f.class.reference(i.operand)
	if !ok {
		return nil, false
	}
	takes, gives, ok := shape(ref.Descriptor)
	if !ok {
		return nil, false
	}
	switch i.code {
	case 0xB2, 0xB4: // get
		takes, gives = "", takes
	case 0xB3, 0xB5: // put
		gives = ""
	}
	if i.code != 0xB2 && i.code != 0xB3 && i.code != 0xB8 {
		takes = "a" + takes
	}
	return f.plain(i, s, takes, gives)
}

// shape gives what a method takes and returns, or the type of a field, in letters i and a.
func shape(descriptor string) (takes, gives string, ok bool) {
	if !strings.HasPrefix(descriptor, "(") {
		t, rest, ok := firstType(descriptor)
		return letter(t), "", ok && rest == ""
	}
	rest := descriptor[1:]
	for !strings.HasPrefix(rest, ")") {
		t, after, ok := firstType(rest)
		if !ok {
			return "", "", false
		}
		takes, rest = takes+letter(t), after
	}
	if rest == ")V" {
		return takes, "", true
	}
	t, after, ok := firstType(rest[1:])
	return takes, letter(t), ok && after == ""
}

func letter(t string) string {
	if strings.HasPrefix(t, "[") || strings.HasPrefix(t, "L") {
		return "a"
	}
	return "i"
}

// firstType splits the first type off a descriptor (JVMS 4.3.2).
func firstType(d string) (t, rest string, ok bool) {
	n := 0
	for n < len(d) && d[n] == '[' {
		n++
	}
	switch {
	case n >= len(d):
		return "", "", false
	case d[n] == 'L':
		end := strings.IndexByte(d[n:], ';')
		if end < 0 {
			return "", "", false
		}
		return d[:n+end+1], d[n+end+1:], true
	case strings.IndexByte("BCDFIJSZ", d[n]) >= 0:
		return d[:n+1], d[n+1:], true
	}
	return "", "", false
}
