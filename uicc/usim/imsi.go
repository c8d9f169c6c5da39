// Package usim knows the files of a (U)SIM (3GPP TS 31.102): where each stands, and how its bytes read.
//
// "Clause" without a document is a clause of TS 31.102.
package usim

import (
	"errors"
	"fmt"
	"strings"
)

// IMSI is the subscriber's number (clause 4.2.2, TS 23.003 clause 2.2): 6 to 15 digits. On the card it takes 9 bytes:
// length, a parity nibble with the first digit above it, swapped pairs, F. It is personal data: show Short.
type IMSI string

const minIMSI, maxIMSI = 6, 15

// parting strips what people put between digits.
var parting = strings.NewReplacer(" ", "", "-", "")

// ParseIMSI takes digits, with spaces or dashes between them. Digits are never in its errors.
func ParseIMSI(s string) (IMSI, error) {
	clean := parting.Replace(s)
	if !allDigits(clean) {
		return "", fmt.Errorf("%w: an IMSI is digits alone", ErrMalformed)
	}
	if len(clean) < minIMSI || len(clean) > maxIMSI {
		return "", fmt.Errorf("%w: an IMSI has 6 to 15 digits, here are %d", ErrMalformed, len(clean))
	}
	return IMSI(clean), nil
}

// String is all the digits.
func (i IMSI) String() string { return string(i) }

// Short shows MCC, MNC and the last two digits; with an MNC length that is not 2 or 3 the MCC alone.
func (i IMSI) Short(mncLength int) string {
	head := 3
	if mncLength == 2 || mncLength == 3 {
		head += mncLength
	}
	if len(i) < head+2 {
		return "***"
	}
	return string(i[:head]) + "***" + string(i[len(i)-2:])
}

// PLMN splits off the home network; ok is false when the length of the MNC is not known (see AD.MNC).
func (i IMSI) PLMN(mncLength int) (p PLMN, ok bool) {
	if mncLength != 2 && mncLength != 3 || len(i) < 3+mncLength {
		return PLMN{}, false
	}
	return PLMN{string(i[:3]), string(i[3 : 3+mncLength])}, true
}

// blank is an EF_IMSI that holds none.
var blank = [9]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// EncodeIMSI is the 9 bytes of EF_IMSI (clause 4.2.2): the number of bytes that follow, a parity nibble with the first
// digit above it, then swapped pairs; FF to the end. Something that is no IMSI of 1 to 15 digits gives the blank file.
func EncodeIMSI(i IMSI) [9]byte {
	out := blank
	if len(i) < 1 || len(i) > maxIMSI || !allDigits(string(i)) {
		return out
	}
	out[0] = byte(len(i)/2 + 1)
	parity := byte(0x01)
	if len(i)%2 == 1 {
		parity = 0x09
	}
	out[1] = parity | (i[0]-'0')<<4
	for n := 1; n < len(i); n++ {
		v := i[n] - '0'
		at := 1 + (n+1)/2
		if n%2 == 1 {
			out[at] = 0xF0 | v
		} else {
			out[at] = out[at]&0x0F | v<<4
		}
	}
	return out
}

// ErrNoIMSI is an EF_IMSI that holds none: blank, or with length 0.
var ErrNoIMSI = errors.New("no IMSI")

// DecodeIMSI reads EF_IMSI, 9 bytes; a missing last filler byte is accepted. Nothing is said of plausibility beyond
// the coding of the digits that its length byte announces: for that, see Plausible.
func DecodeIMSI(b []byte) (IMSI, error) {
	if len(b) == 8 {
		b = append(append([]byte{}, b...), 0xFF)
	}
	if len(b) != 9 {
		return "", fmt.Errorf("%w: EF_IMSI of %d bytes, want 9", ErrMalformed, len(b))
	}
	if b[0] == 0x00 || b[0] == 0xFF {
		return "", ErrNoIMSI
	}
	if b[0] > 8 {
		return "", fmt.Errorf("%w: EF_IMSI says %d bytes, at most 8", ErrMalformed, b[0])
	}
	count, err := digitCount(b)
	if err != nil {
		return "", err
	}
	digits := make([]byte, 0, maxIMSI)
	for n := range count {
		v := nibble(b, n)
		if v > 9 {
			return "", fmt.Errorf("%w: EF_IMSI: digit %d is %X", ErrMalformed, n+1, v)
		}
		digits = append(digits, '0'+v)
	}
	if len(digits) == 0 {
		return "", ErrNoIMSI
	}
	return IMSI(digits), nil
}

// digitCount is what length byte and parity nibble say together, 0 to 15.
func digitCount(b []byte) (int, error) {
	switch b[1] & 0x0F {
	case 0x09:
		return 2*int(b[0]) - 1, nil
	case 0x01:
		return 2*int(b[0]) - 2, nil
	}
	return 0, fmt.Errorf("%w: EF_IMSI: the nibble of type and parity is %X, want 9 or 1", ErrMalformed, b[1]&0x0F)
}

// nibble is digit n, from 0: the first stands in the high nibble of byte 2, then swapped pairs follow.
func nibble(b []byte, n int) byte {
	v := b[1+(n+1)/2]
	if n%2 == 0 {
		return v >> 4
	}
	return v & 0x0F
}
