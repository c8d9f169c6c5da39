package subset

// place is an index of the constant pool inside translated code: where it stands, and whether it has one byte or two.
type place struct {
	at   int
	wide bool
	ref  Reference
}

// translated is a method as the converter makes it: how long its instructions are, and where they name constants.
type translated struct {
	length    int
	constants []place
}

// translate gives every instruction of javac the length of what stands for it on the card (JCVM 2.2.1 chapter 7). Branches are short
// until one does not reach (clause 7.5, goto and goto_w): then it is wide, which may push another out of reach, so it goes on until
// nothing changes.
//
// What a converter may do beyond it is left out, so that its code is not longer: sinc for n++ of a local, putfield_…_this.
func (p *Package) translate(c *Class, m Member) translated {
	all, _ := instructions(m.Code.Bytes)
	ofThis := ofThis(all, m)
	wide := make([]bool, len(all))
	for {
		at := map[int]int{} // place on the card, by place in the class
		n := 0
		for i, x := range all {
			at[x.pc] = n
			n += cardLength(x, ofThis[i], wide[i])
		}
		if !widen(all, at, wide) {
			return translated{n, p.places(c, all, at, ofThis)}
		}
	}
}

// ofThis tells which instructions are getfield behind aload_0: together they are getfield_…_this, of two bytes. Static methods have
// no this, and what is jumped to stands alone.
func ofThis(all []instruction, m Member) []bool {
	targets := map[int]bool{}
	for _, i := range all {
		if isBranch(i.code) {
			targets[i.operand] = true
		}
		for _, to := range i.targets {
			targets[to] = true
		}
	}
	out := make([]bool, len(all))
	for n := 1; n < len(all) && m.Flags&accStatic == 0; n++ {
		out[n] = all[n].code == 0xB4 && all[n-1].code == 0x2A && !targets[all[n].pc]
	}
	return out
}

// widen makes every branch wide that does not reach, and tells whether there was one.
func widen(all []instruction, at map[int]int, wide []bool) bool {
	found := false
	for i, x := range all {
		if distance := at[x.operand] - at[x.pc]; isBranch(x.code) && !wide[i] && distance != int(int8(distance)) {
			wide[i], found = true, true
		}
	}
	return found
}

// cardLength is the length of one instruction: of an aload_0 in front of getfield_…_this it is 1, and so of that.
func cardLength(i instruction, ofThis, wide bool) int {
	switch {
	case wide:
		return i.op().card + 1
	case i.code == 0xAA: // stableswitch: default, low, high, offsets
		return 7 + 2*(len(i.targets)-1)
	case i.code == 0xAB: // slookupswitch: default, count, pairs
		return 5 + 4*(len(i.targets)-1)
	case ofThis:
		return 1
	}
	return i.op().card
}

// places are the constants a method names. An array class is no constant: checkcast, instanceof and newarray name it by a type.
func (p *Package) places(c *Class, all []instruction, at map[int]int, ofThis []bool) []place {
	var out []place
	for n, i := range all {
		if i.code < 0xB2 || i.code > 0xC1 || i.code == 0xBC || i.code == 0xBE || i.code == 0xBF {
			continue
		}
		ref := p.declared(c, i)
		if ref.Name == "" && (ref.Class == "" || ref.Class[0] == '[') {
			continue
		}
		x := place{at: at[i.pc] + 1, wide: true, ref: ref}
		switch {
		case i.code == 0xB4 || i.code == 0xB5: // getfield, putfield
			x.wide = false
			if ofThis[n] {
				x.at--
			}
		case i.code == 0xB9 || i.code == 0xC0 || i.code == 0xC1: // behind nargs, or the type
			x.at++
		}
		out = append(out, x)
	}
	return out
}

// declared is the constant an instruction needs. A member has one for the class that declares it, whichever subclass names it
// (JCVM 2.2.1 clause 6.7.2).
func (p *Package) declared(c *Class, i instruction) Reference {
	ref, ok := c.reference(i.operand)
	if !ok {
		return Reference{Class: c.className(i.operand)}
	}
	for range p.own {
		k := p.own[ref.Class]
		if k == nil || k.declares(ref) {
			break
		}
		ref.Class = k.Super
	}
	return ref
}

func (c *Class) declares(ref Reference) bool {
	for _, list := range [][]Member{c.Fields, c.Methods} {
		for _, m := range list {
			if m.Name == ref.Name && m.Descriptor == ref.Descriptor {
				return true
			}
		}
	}
	return false
}
