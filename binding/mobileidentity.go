package binding

import "fmt"

// DecodeMobileIdentity takes the value of the toolkit object IMEI (tag 14/94, 8 bytes) or IMEISV (62/E2, 9 bytes), as a
// terminal answers PROVIDE LOCAL INFORMATION: the mobile identity of TS 24.008 clause 10.5.1.4 without its header.
//
// It is as strict as the applet (card interface §8.4): length and type nibble agree, digits 1 to 14 are decimal and not all 0.
// The digits behind them are not looked at. An error means "no IMEI", never "another terminal".
func DecodeMobileIdentity(b []byte) (IMEI, error) {
	switch {
	case len(b) == 8 && b[0]&0x0F == 0x0A: // odd number of digits, type 2
	case len(b) == 9 && b[0]&0x0F == 0x03: // even number, type 3
	default:
		return IMEI{}, fmt.Errorf("%w: %d bytes are neither an IMEI nor an IMEISV", ErrMalformed, len(b))
	}
	var p Pattern
	p.setNibble(0, b[0]>>4)
	for n := 1; n < imeiDigits; n++ {
		v := b[(n+1)/2]
		if n%2 == 0 {
			v >>= 4
		}
		p.setNibble(n, v&0x0F)
	}
	if i := IMEI(p); i.Valid() {
		return i, nil
	}
	return IMEI{}, fmt.Errorf("%w: the digits are no IMEI", ErrMalformed)
}
