package usim

import (
	"fmt"
	"strings"
)

// SPN is EF_SPN (clause 4.2.12).
type SPN struct {
	Display byte // b1: show the registered PLMN in the home network; b2: do not show the name elsewhere
	Name    string
}

var codecSPN = Codec{Decode: func(b []byte) (any, error) {
	if err := length("EF_SPN", b, 17); err != nil {
		return nil, err
	}
	return SPN{Display: b[0], Name: Alpha(b[1:])}, nil
}}

// DialNumber is a record of EF_MSISDN (clause 4.2.26).
type DialNumber struct {
	Name   string
	Number string // digits, * and #, with + before an international number; empty: none. Personal data
}

// dialTail is the fixed part behind the alpha identifier: length, TON and NPI, ten bytes of digits, two record links.
const dialTail = 14

var codecMSISDN = Codec{Decode: func(b []byte) (any, error) {
	if len(b) < dialTail {
		return nil, fmt.Errorf("%w: EF_MSISDN record of %d bytes, at least %d", ErrMalformed, len(b), dialTail)
	}
	at := len(b) - dialTail
	number, err := dialDigits(b[at:])
	return DialNumber{Name: Alpha(b[:at]), Number: number}, err
}}

// dialDigits reads length, TON and NPI, digits (clause 4.4.2.3, TS 24.008 clause 10.5.4.7): swapped nibbles, F ends them.
func dialDigits(tail []byte) (string, error) {
	n := int(tail[0])
	if n == 0xFF || n == 0 {
		return "", nil
	}
	if n > 11 {
		return "", fmt.Errorf("%w: EF_MSISDN number of %d bytes", ErrMalformed, n)
	}
	var out strings.Builder
	if tail[1]&0x70 == 0x10 { // type of number: international
		out.WriteByte('+')
	}
	const digits = "0123456789*#p?e"
	for _, v := range tail[2 : 1+n] {
		for _, d := range []byte{v & 0x0F, v >> 4} {
			if d == 0x0F {
				return out.String(), nil
			}
			out.WriteByte(digits[d])
		}
	}
	return out.String(), nil
}
