// Package usim knows the files of a (U)SIM (3GPP TS 31.102): where each stands, and how its bytes read.
package usim

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMalformed is wrapped by every refusal of file content.
var ErrMalformed = errors.New("malformed file content")

// IMSI is 6 to 15 digits.
type IMSI string

const minIMSI, maxIMSI = 6, 15

// ParseIMSI takes digits, with spaces or dashes between them.
func ParseIMSI(s string) (IMSI, error) {
	clean := strings.NewReplacer(" ", "", "-", "").Replace(s)
	for _, r := range clean {
		if r < '0' || r > '9' {
			return "", fmt.Errorf("%w: an IMSI is digits alone", ErrMalformed)
		}
	}
	if len(clean) < minIMSI || len(clean) > maxIMSI {
		return "", fmt.Errorf("%w: an IMSI has 6 to 15 digits, here are %d", ErrMalformed, len(clean))
	}
	return IMSI(clean), nil
}

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

// EncodeIMSI is the 9 bytes of EF_IMSI (clause 4.2.2): the number of bytes that follow, a parity nibble with the first
// digit above it, then swapped pairs; FF to the end.
func EncodeIMSI(i IMSI) [9]byte {
	out := [9]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
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

// ErrNoIMSI is an EF_IMSI that holds none: blank, or the denial value.
var ErrNoIMSI = errors.New("no IMSI")

// DecodeIMSI reads EF_IMSI, 9 bytes; a missing last filler byte is accepted. Nothing is said of plausibility beyond
// the coding.
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
	odd, err := oddCount(b[1])
	if err != nil {
		return "", err
	}
	count := 2*int(b[0]) - 2
	if odd {
		count++
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

func oddCount(b byte) (bool, error) {
	switch b & 0x0F {
	case 0x09:
		return true, nil
	case 0x01:
		return false, nil
	}
	return false, fmt.Errorf("%w: EF_IMSI: the nibble of the identity type is %X, want 9 or 1", ErrMalformed, b&0x0F)
}

// nibble is digit n, from 0: the first stands in the high nibble of byte 2, then swapped pairs follow.
func nibble(b []byte, n int) byte {
	v := b[1+(n+1)/2]
	if n%2 == 0 {
		return v >> 4
	}
	return v & 0x0F
}

// Plausible tells whether the content may be backed up as a subscriber's (docs/card-interface.md §1); the error names
// the rule that failed.
func Plausible(raw [9]byte) error {
	if raw[0] < 4 || raw[0] > 8 {
		return fmt.Errorf("%w: its length byte is %02X, not 04 to 08", ErrMalformed, raw[0])
	}
	imsi, err := DecodeIMSI(raw[:])
	if err != nil {
		return err
	}
	for n := len(imsi); n < maxIMSI; n++ {
		if nibble(raw[:], n) != 0x0F {
			return fmt.Errorf("%w: something stands behind its last digit", ErrMalformed)
		}
	}
	if len(imsi) < minIMSI {
		return fmt.Errorf("%w: %d digits, an IMSI has 6 to 15", ErrMalformed, len(imsi))
	}
	if strings.Count(string(imsi), "0") == len(imsi) {
		return fmt.Errorf("%w: all digits are 0", ErrMalformed)
	}
	return nil
}
