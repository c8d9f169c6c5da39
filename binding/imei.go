// Package binding says which terminals a (U)SIM shall work in: identities, patterns, ranges,
// the configuration and state of the binding applet and their bytes (docs/card-interface.md),
// and the decision itself, offline. It does no I/O.
package binding

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
)

// ErrMalformed is wrapped by every refusal of bytes that do not follow the card interface.
var ErrMalformed = errors.New("not as the card interface says")

// IMEI is TAC and SNR, 14 digits in 7 bytes, the first digit in the high nibble of the first
// byte. The 15th digit, check digit or spare 0, is never part of it (TS 23.003 clause 6.2.1).
type IMEI [7]byte

// Digits of the identities (TS 23.003 clause 6.2).
const (
	tacDigits    = 8
	imeiDigits   = 14 // as compared: TAC and SNR
	checkDigits  = 15 // with check digit or spare digit
	imeisvDigits = 16 // with the software version instead
)

// ParseIMEI takes an IMEI of 14 or 15 digits or an IMEISV of 16; spaces and dashes are stripped, and a
// slash before the software version.
//
// A 15th digit must be the Luhn digit (TS 23.003 annex B); a 0 in its place is the form terminals send and
// accepted with NoteTerminalForm. All zeros are refused: a card takes them as no IMEI. The error is *InputError.
func ParseIMEI(s string) (IMEI, Notes, error) {
	out, notes, err := parseIMEI("IMEI", s)
	if err == nil && out == (IMEI{}) {
		return IMEI{}, nil, inputError("IMEI", s, 1, "all zeros: no terminal has it, and a card takes it as no IMEI")
	}
	return out, notes, err
}

func parseIMEI(field, s string) (IMEI, Notes, error) {
	ds, err := parseDigits(field, s)
	if err != nil {
		return IMEI{}, nil, err
	}
	switch len(ds) {
	case imeiDigits:
		return imeiOf(ds), nil, nil
	case imeisvDigits:
		return imeiOf(ds), Notes{NoteIMEISV}, nil
	case checkDigits:
		return checked(field, s, ds)
	}
	return IMEI{}, nil, wrongCount(field, s, ds, imeisvDigits, "an IMEI has 14 or 15 and an IMEISV 16")
}

// checked holds the 15th digit against the Luhn digit of the others.
func checked(field, s string, ds []digit) (IMEI, Notes, error) {
	out, last := imeiOf(ds), ds[imeiDigits]
	switch want := out.CheckDigit(); last.value {
	case want:
		return out, nil, nil
	case 0:
		return out, Notes{NoteTerminalForm}, nil
	default:
		return IMEI{}, nil, inputError(field, s, last.column, fmt.Sprintf("the check digit is %d, the other digits want %d", last.value, want))
	}
}

// imeiOf packs the first 14 digits.
func imeiOf(ds []digit) IMEI {
	var out IMEI
	for i := range out {
		out[i] = ds[2*i].value<<4 | ds[2*i+1].value
	}
	return out
}

// DecodeIMEI takes the 7 bytes of the card interface; every nibble must be a decimal digit.
func DecodeIMEI(b []byte) (IMEI, error) {
	var out IMEI
	if len(b) != len(out) {
		return out, fmt.Errorf("%w: IMEI of %d bytes, want 7", ErrMalformed, len(b))
	}
	copy(out[:], b)
	if !out.decimal() {
		return IMEI{}, fmt.Errorf("%w: IMEI with a nibble that is no digit", ErrMalformed)
	}
	return out, nil
}

func (i IMEI) nibble(n int) byte { return i[n/2] >> (4 * (1 - n%2)) & 0x0F }

func (i IMEI) decimal() bool {
	for n := range imeiDigits {
		if i.nibble(n) > 9 {
			return false
		}
	}
	return true
}

// Valid tells whether a card may take it as an IMEI: 14 decimal digits, not all 0 (card interface §8.4).
func (i IMEI) Valid() bool { return i != IMEI{} && i.decimal() }

// CheckDigit is the Luhn digit of the 14, which stands 15th in print (TS 23.003 annex B): from the right
// every second digit is doubled, beginning with the rightmost, and its digit sum taken.
func (i IMEI) CheckDigit() byte {
	sum := 0
	for n := range imeiDigits {
		v := int(i.nibble(n))
		if n%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return byte((10 - sum%10) % 10)
}

// Compare orders IMEIs as digit strings: -1, 0 or 1.
func (i IMEI) Compare(o IMEI) int { return bytes.Compare(i[:], o[:]) }

// String is the 14 digits.
func (i IMEI) String() string { return fmt.Sprintf("%X", i[:]) }

// TAC is the first 8 digits: the model.
func (i IMEI) TAC() string { return i.String()[:tacDigits] }

// Short is the TAC; the serial number is masked.
func (i IMEI) Short() string { return i.TAC() + "******" }

// MarshalText is Short, so that no report shows a whole IMEI by accident.
func (i IMEI) MarshalText() ([]byte, error) { return []byte(i.Short()), nil }

// LogValue is Short.
func (i IMEI) LogValue() slog.Value { return slog.StringValue(i.Short()) }

// TestIMEI tells an identity from the range for tests: its TAC begins with 00 (GSMA TS.06).
func (i IMEI) TestIMEI() bool { return i[0] == 0 }

// Test is TestIMEI.
func (i IMEI) Test() bool { return i.TestIMEI() }

// Pattern is the pattern that matches this IMEI alone.
func (i IMEI) Pattern() Pattern { return Pattern(i) }
