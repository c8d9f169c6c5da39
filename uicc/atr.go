package uicc

import "fmt"

// ATR is an answer to reset, taken apart (ISO/IEC 7816-3 clause 8.2).
type ATR struct {
	Raw        []byte
	Inverse    bool     // TS 3F
	Protocols  []int    // T=0, T=1, 15 for global bytes, in the order offered
	Interface  [][4]int // TA TB TC TD of each level, -1: absent
	Historical []byte
	TCK        bool // a check byte is there and right
}

// maxATR is TS and 32 bytes.
const maxATR = 33

// ParseATR takes an ATR apart; lengths that do not add up and a wrong TCK are errors.
func ParseATR(b []byte) (ATR, error) {
	a := ATR{Raw: append([]byte(nil), b...)}
	if len(b) < 2 || len(b) > maxATR || (b[0] != 0x3B && b[0] != 0x3F) {
		return a, fmt.Errorf("%w: ATR of %d bytes, or without 3B or 3F at its head", ErrMalformed, len(b))
	}
	a.Inverse = b[0] == 0x3F
	historical := int(b[1] & 0x0F)
	off, err := a.readInterface(b)
	if err != nil {
		return a, err
	}
	if len(b) < off+historical {
		return a, fmt.Errorf("%w: ATR says %d historical bytes, %d are left", ErrMalformed, historical, len(b)-off)
	}
	a.Historical = a.Raw[off : off+historical]
	return a, a.checkTCK(b, off+historical)
}

func (a *ATR) readInterface(b []byte) (int, error) {
	off, present := 2, b[1]>>4
	for {
		level := [4]int{-1, -1, -1, -1}
		for i := range level {
			if present&(1<<i) == 0 {
				continue
			}
			if off >= len(b) {
				return 0, fmt.Errorf("%w: ATR ends inside its interface bytes", ErrMalformed)
			}
			level[i] = int(b[off])
			off++
		}
		a.Interface = append(a.Interface, level)
		td := level[3]
		if td < 0 {
			break
		}
		a.addProtocol(td & 0x0F)
		present = byte(td >> 4)
	}
	if len(a.Protocols) == 0 {
		a.Protocols = []int{0} // no TD1: T=0 alone
	}
	return off, nil
}

func (a *ATR) addProtocol(t int) {
	for _, have := range a.Protocols {
		if have == t {
			return
		}
	}
	a.Protocols = append(a.Protocols, t)
}

// checkTCK: the check byte is there unless T=0 is the only protocol; all bytes behind TS add up to 0 by XOR.
func (a *ATR) checkTCK(b []byte, off int) error {
	needed := false
	for _, t := range a.Protocols {
		needed = needed || t != 0
	}
	switch rest := len(b) - off; {
	case rest > 1 || rest == 1 && !needed:
		return fmt.Errorf("%w: %d bytes behind the ATR", ErrMalformed, rest)
	case rest == 0 && needed:
		return fmt.Errorf("%w: ATR without its TCK", ErrMalformed)
	case rest == 0:
		return nil
	}
	var sum byte
	for _, v := range b[1:] {
		sum ^= v
	}
	if sum != 0 {
		return fmt.Errorf("%w: TCK of the ATR is wrong", ErrMalformed)
	}
	a.TCK = true
	return nil
}

// Offers tells whether the card can speak that protocol.
func (a ATR) Offers(t int) bool {
	for _, p := range a.Protocols {
		if p == t {
			return true
		}
	}
	return false
}
