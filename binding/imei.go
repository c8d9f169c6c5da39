// Package binding says which terminals a (U)SIM shall work in: identities, patterns, ranges,
// the configuration and state of the binding applet and their bytes (docs/card-interface.md),
// and the decision itself, offline. It does no I/O.
package binding

import (
	"fmt"
	"strings"
)

// IMEI is TAC and SNR, 14 digits in 7 bytes, the first digit in the high nibble of the first
// byte. The 15th digit, check digit or spare 0, is never part of it (TS 23.003 clause 6.2.1).
type IMEI [7]byte

// Digits of an IMEI as it is compared.
const (
	imeiDigits = 14
	tacDigits  = 8
)

// InputError is a text that names no IMEI, pattern or range.
type InputError struct {
	Field  string // "IMEI", "prefix", "range", "pattern", "scheme", "configuration"
	Column int    // character in the text, from 1; 0 when the whole is meant
	Reason string
}

func (e *InputError) Error() string {
	if e.Column > 1 {
		return fmt.Sprintf("%s: character %d: %s", e.Field, e.Column, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Field, e.Reason)
}

// ParseIMEI takes an IMEI of 14 or 15 digits or an IMEISV of 16, with spaces, dashes or a slash between
// them. A 15th digit must be the Luhn digit; a 0 in its place is accepted with a note, as terminals send it.
func ParseIMEI(s string) (IMEI, []string, error) {
	digits, err := parseDigits("IMEI", s)
	if err != nil {
		return IMEI{}, nil, err
	}
	var notes []string
	switch len(digits) {
	case 14, 16:
	case 15:
		want := luhn(digits[:imeiDigits])
		switch got := digits[imeiDigits]; {
		case got.value == want:
		case got.value == 0:
			notes = append(notes, "the 15th digit is 0, the form terminals send: the check digit is not verified")
		default:
			return IMEI{}, nil, &InputError{Field: "IMEI", Column: got.column, Reason: fmt.Sprintf("the check digit is %d, the other digits want %d", got.value, want)}
		}
	default:
		return IMEI{}, nil, &InputError{Field: "IMEI", Reason: fmt.Sprintf("%d digits, an IMEI has 14 or 15 and an IMEISV 16", len(digits))}
	}
	return imeiOf(digits), notes, nil
}

type digit struct {
	value  byte
	column int // character, from 1
}

// parseDigits strips separators and refuses everything that is no ASCII digit.
func parseDigits(field, s string) ([]digit, error) {
	var out []digit
	column := 0
	for _, r := range s {
		column++
		switch {
		case r >= '0' && r <= '9':
			out = append(out, digit{byte(r - '0'), column})
		case r == ' ' || r == '-' || r == '/' || r == '\t':
		default:
			return nil, &InputError{Field: field, Column: column, Reason: fmt.Sprintf("%q is no digit", r)}
		}
	}
	return out, nil
}

// imeiOf packs the first 14 digits.
func imeiOf(ds []digit) IMEI {
	var out IMEI
	for i := range out {
		out[i] = ds[2*i].value<<4 | ds[2*i+1].value
	}
	return out
}

// luhn is the check digit of TS 23.003 annex B over 14 digits: from the right every second
// digit is doubled, beginning with the rightmost.
func luhn(ds []digit) byte {
	sum := 0
	for i, d := range ds {
		v := int(d.value)
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte((10 - sum%10) % 10)
}

// DecodeIMEI takes the 7 bytes of the card interface; every nibble must be a decimal digit.
func DecodeIMEI(b []byte) (IMEI, error) {
	var out IMEI
	if len(b) != len(out) {
		return out, fmt.Errorf("%w: IMEI of %d bytes, want 7", ErrMalformed, len(b))
	}
	for _, v := range b {
		if v>>4 > 9 || v&0x0F > 9 {
			return out, fmt.Errorf("%w: IMEI nibble is no digit", ErrMalformed)
		}
	}
	copy(out[:], b)
	return out, nil
}

// String is the 14 digits.
func (i IMEI) String() string { return fmt.Sprintf("%X", i[:]) }

// CheckDigit is the Luhn digit of the 14.
func (i IMEI) CheckDigit() byte {
	ds, _ := parseDigits("IMEI", i.String()) // digits by construction
	return luhn(ds)
}

// Short is the TAC; the serial number is masked.
func (i IMEI) Short() string { return i.String()[:tacDigits] + "******" }

// Test tells a test IMEI: its TAC begins with 00 (GSMA TS.06, test reporting body).
func (i IMEI) Test() bool { return i[0] == 0 }

// Pattern is the pattern that matches this IMEI alone.
func (i IMEI) Pattern() Pattern { return Pattern(i) }

// IMEIView is an IMEI as a card may show it: whole, or its TAC with the rest masked by F.
type IMEIView [7]byte

// String is the digits, with * for what the card does not show.
func (v IMEIView) String() string {
	return strings.ReplaceAll(fmt.Sprintf("%X", v[:]), "F", "*")
}

// Short masks the serial number.
func (v IMEIView) Short() string { return v.String()[:tacDigits] + "******" }

// IMEI gives the identity when it is shown whole.
func (v IMEIView) IMEI() (IMEI, bool) {
	i, err := DecodeIMEI(v[:])
	return i, err == nil
}
