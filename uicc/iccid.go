package uicc

import (
	"fmt"
	"strings"
)

// ICCID is the digits of EF_ICCID without filler, 18 to 20 as a rule (ITU-T E.118, clause 13.2). It identifies the
// card in every ledger and key file; it is compared in digits, never in the bytes of the file.
type ICCID string

// Digits of an ICCID: fewer than ten cannot be shortened without showing all of it; EF_ICCID has room for twenty.
const minICCID, maxICCID = 10, 20

// DecodeICCID reads 10 bytes of swapped nibbles, ended by F fillers.
func DecodeICCID(b []byte) (ICCID, error) {
	if len(b) != 10 {
		return "", fmt.Errorf("%w: EF_ICCID of %d bytes, want 10", ErrMalformed, len(b))
	}
	var digits strings.Builder
	ended := false
	for _, v := range b {
		for _, n := range []byte{v & 0x0F, v >> 4} {
			switch {
			case n == 0x0F:
				ended = true
			case n > 9 || ended:
				return "", fmt.Errorf("%w: EF_ICCID is no string of digits", ErrMalformed)
			default:
				digits.WriteByte('0' + n)
			}
		}
	}
	if digits.Len() < minICCID {
		return "", fmt.Errorf("%w: EF_ICCID of %d digits", ErrMalformed, digits.Len())
	}
	return ICCID(digits.String()), nil
}

// parting strips what people put between digits.
var parting = strings.NewReplacer(" ", "", "-", "")

// ParseICCID takes what people write: digits with spaces or dashes, an F filler at the end.
func ParseICCID(s string) (ICCID, error) {
	clean := strings.TrimRight(strings.ToUpper(parting.Replace(s)), "F")
	if !allDigits(clean) {
		return "", fmt.Errorf("%w: an ICCID is digits alone", ErrMalformed)
	}
	if len(clean) < 18 || len(clean) > maxICCID {
		return "", fmt.Errorf("%w: an ICCID has 18 to 20 digits, here are %d", ErrMalformed, len(clean))
	}
	return ICCID(clean), nil
}

// Encode is the 10 bytes of EF_ICCID.
func (i ICCID) Encode() [10]byte {
	var out [10]byte
	for n := range 2 * len(out) {
		v := byte(0x0F)
		if n < len(i) {
			v = i[n] - '0'
		}
		if n%2 == 1 {
			v <<= 4
		}
		out[n/2] |= v
	}
	return out
}

// String is the digits.
func (i ICCID) String() string { return string(i) }

// Short is the first six and the last four digits.
func (i ICCID) Short() string {
	if len(i) < minICCID {
		return "***"
	}
	return string(i[:6]) + "***" + string(i[len(i)-4:])
}

// Same compares the digits, without filler; an unknown ICCID is the same as none.
func (i ICCID) Same(o ICCID) bool { return i != "" && i == o }

// CheckDigit is the Luhn digit that belongs behind digits (ITU-T E.118 annex A), '0' to '9'.
func CheckDigit(digits string) (byte, error) {
	if digits == "" || !allDigits(digits) {
		return 0, fmt.Errorf("%w: a check digit needs digits", ErrMalformed)
	}
	return '0' + byte((10-luhn(digits+"0"))%10), nil
}

// CheckDigitOK tells whether the last digit is the Luhn digit of the others. Real cards break this rule: worth
// a warning, never a failure.
func (i ICCID) CheckDigitOK() bool {
	return len(i) > 1 && allDigits(string(i)) && luhn(string(i)) == 0
}

// luhn is the sum of the digits modulo 10, every second from the right doubled.
func luhn(digits string) int {
	sum := 0
	for n := range len(digits) {
		v := int(digits[len(digits)-1-n] - '0')
		if n%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum % 10
}
