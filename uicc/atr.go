package uicc

import (
	"fmt"
	"slices"
)

// ATR is an answer to reset, taken apart (ISO/IEC 7816-3 clause 8.2, TS 102 221 clause 6.3).
type ATR struct {
	Raw        []byte
	Inverse    bool     // TS 3F: inverse convention
	Protocols  []int    // 0 for T=0, 1 for T=1, in the order offered; T=15 is no protocol and is left out
	Interface  [][4]int // TA TB TC TD of each level, -1: absent; a level begins behind T0 and behind every TD
	Historical []byte   // 0 to 15 bytes
	TCK        bool     // a check byte is there and right
}

// maxATR is TS and 32 bytes.
const maxATR = 33

// globalBytes is T=15: not a protocol, but interface bytes for the card as a whole.
const globalBytes = 15

// ParseATR takes an ATR apart. Lengths that do not add up and a wrong or missing TCK are errors; what was read until
// then is returned with them.
func ParseATR(b []byte) (ATR, error) {
	a := ATR{Raw: append([]byte(nil), b...)}
	if len(b) < 2 || len(b) > maxATR || (b[0] != 0x3B && b[0] != 0x3F) {
		return a, fmt.Errorf("%w: ATR of %d bytes, or without 3B or 3F at its head", ErrMalformed, len(b))
	}
	a.Inverse = b[0] == 0x3F
	offered, off, err := a.readInterface()
	if err != nil {
		return a, err
	}
	a.setProtocols(offered)
	historical := int(b[1] & 0x0F)
	if len(b) < off+historical {
		return a, fmt.Errorf("%w: ATR says %d historical bytes, %d are left", ErrMalformed, historical, len(b)-off)
	}
	a.Historical = a.Raw[off : off+historical : off+historical]
	return a, a.checkTCK(offered, off+historical)
}

// readInterface follows the chain of TD bytes; it gives the T of each and the offset behind the last interface byte.
func (a *ATR) readInterface() (offered []int, off int, err error) {
	off, present := 2, a.Raw[1]>>4
	for {
		level := [4]int{-1, -1, -1, -1}
		for i := range level {
			if present&(1<<i) == 0 {
				continue
			}
			if off >= len(a.Raw) {
				return nil, 0, fmt.Errorf("%w: ATR ends inside its interface bytes", ErrMalformed)
			}
			level[i] = int(a.Raw[off])
			off++
		}
		a.Interface = append(a.Interface, level)
		td := level[3]
		if td < 0 {
			return offered, off, nil
		}
		offered = append(offered, td&0x0F)
		present = byte(td >> 4)
	}
}

// setProtocols: without any TD the card speaks T=0 alone (ISO/IEC 7816-3 clause 8.2.3).
func (a *ATR) setProtocols(offered []int) {
	for _, t := range offered {
		if t != globalBytes && !slices.Contains(a.Protocols, t) {
			a.Protocols = append(a.Protocols, t)
		}
	}
	if len(offered) == 0 {
		a.Protocols = []int{0}
	}
}

// checkTCK: the check byte is there unless T=0 is all that the TD bytes name; all bytes behind TS add up to 0 by XOR
// (ISO/IEC 7816-3 clause 8.2.5).
func (a *ATR) checkTCK(offered []int, off int) error {
	needed := slices.ContainsFunc(offered, func(t int) bool { return t != 0 })
	switch rest := len(a.Raw) - off; {
	case rest > 1 || rest == 1 && !needed:
		return fmt.Errorf("%w: %d bytes behind the ATR", ErrMalformed, rest)
	case rest == 0 && needed:
		return fmt.Errorf("%w: ATR without its TCK", ErrMalformed)
	case rest == 0:
		return nil
	}
	var sum byte
	for _, v := range a.Raw[1:] {
		sum ^= v
	}
	if sum != 0 {
		return fmt.Errorf("%w: TCK of the ATR is wrong", ErrMalformed)
	}
	a.TCK = true
	return nil
}

// Offers tells whether the card can speak protocol T=t.
func (a ATR) Offers(t int) bool { return slices.Contains(a.Protocols, t) }

// String is hex.
func (a ATR) String() string { return fmt.Sprintf("%X", a.Raw) }
