package subset

import "encoding/binary"

// instruction is one instruction of a method, decoded.
type instruction struct {
	pc, code, next int
	operand        int   // constant, index, signed number; the branch target for a branch
	targets        []int // of a switch, the default first
}

func (i instruction) op() opcode { return opcodes[i.code] }

func isBranch(code int) bool { return code >= 0x99 && code <= 0xA8 || code == 0xC6 || code == 0xC7 }

// ends tells whether the instruction never goes on to the next one.
func (i instruction) ends() bool {
	return i.code == 0xA7 || i.code == 0xAA || i.code == 0xAB || i.code >= 0xAC && i.code <= 0xB1 || i.code == 0xBF
}

// decode reads the instruction at pc; ok is false when the code ends inside it.
func decode(code []byte, pc int) (i instruction, ok bool) {
	if pc < 0 || pc >= len(code) {
		return i, false
	}
	i = instruction{pc: pc, code: int(code[pc])}
	if i.op().operand < 0 {
		return decodeSwitch(code, i)
	}
	i.next = pc + 1 + i.op().operand
	if i.next > len(code) {
		return i, false
	}
	b := code[pc+1 : i.next]
	switch {
	case i.code == 0x10: // bipush
		i.operand = int(int8(b[0]))
	case i.code == 0x11: // sipush
		i.operand = int(int16(binary.BigEndian.Uint16(b)))
	case isBranch(i.code):
		i.operand = pc + int(int16(binary.BigEndian.Uint16(b)))
	case len(b) == 1:
		i.operand = int(b[0])
	case len(b) >= 2:
		i.operand = int(binary.BigEndian.Uint16(b))
	}
	return i, true
}

// decodeSwitch reads tableswitch and lookupswitch, aligned to four bytes (JVMS 6.5).
func decodeSwitch(code []byte, i instruction) (instruction, bool) {
	at := (i.pc + 4) &^ 3
	r := &reader{b: code[min(at, len(code)):]}
	i.targets = []int{i.pc + int(int32(r.u4()))}
	n := int(int32(r.u4()))
	if i.code == 0xAA {
		n = int(int32(r.u4())) - n + 1
	}
	if n < 0 || n > len(code) {
		return i, false
	}
	for ; n > 0 && !r.bad; n-- {
		if i.code == 0xAB {
			r.u4()
		}
		i.targets = append(i.targets, i.pc+int(int32(r.u4())))
	}
	i.next = len(code) - len(r.b)
	return i, !r.bad
}

// instructions decodes a whole method; ok is false when it ends inside one.
func instructions(code []byte) (all []instruction, ok bool) {
	for pc := 0; pc < len(code); {
		i, ok := decode(code, pc)
		if !ok {
			return all, false
		}
		all = append(all, i)
		pc = i.next
	}
	return all, true
}

// constantOf gives the number that a constant instruction pushes.
func (c *Class) constantOf(i instruction) (int, bool) {
	switch {
	case i.code >= 0x02 && i.code <= 0x08:
		return i.code - 0x03, true
	case i.code == 0x10 || i.code == 0x11:
		return i.operand, true
	case i.code == 0x12 || i.code == 0x13:
		k := c.constant(i.operand, tagInteger)
		return int(k.value), k.tag == tagInteger
	}
	return 0, false
}
