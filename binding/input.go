package binding

import (
	"fmt"
	"slices"
	"strings"
)

// InputError is a text or a value somebody gave that names no IMEI, prefix, pattern, range or
// configuration. Nothing was sent to a card.
type InputError struct {
	Field  string // "IMEI", "prefix", "range", "pattern", "scheme", "configuration"
	Input  string // what was given, digits behind the eighth masked; empty: no text
	Column int    // character of the text, from 1; 0: no text, the whole configuration is meant
	Reason string
}

// Error reads "IMEI: column 15: the check digit is 7, the other digits want 8". The input is left out:
// who gave it knows it, and an IMEI is personal data.
func (e *InputError) Error() string {
	if e.Column > 1 {
		return fmt.Sprintf("%s: column %d: %s", e.Field, e.Column, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Field, e.Reason)
}

// Notes are remarks on an input that was accepted and yet deserves a second look. Each is one of the
// constants below, or a sentence of [Configuration.Notes].
type Notes []string

// Notes of the parsers.
const (
	NoteTerminalForm = "terminal form: the 15th digit is 0, the check digit is not verified"
	NoteIMEISV       = "an IMEISV: the two digits of the software version are dropped"
	NoteModel        = "8 digits are a TAC: it binds to a model, not to a device"
)

// Has tells whether the note is among them.
func (n Notes) Has(note string) bool { return slices.Contains(n, note) }

// digit is one decimal digit and where it stood.
type digit struct {
	value  byte
	column int // character, from 1
}

// parseDigits strips spaces and dashes and refuses everything else that is no ASCII digit.
// A slash may stand before the last two of sixteen digits, as printed before a software version.
func parseDigits(field, s string) ([]digit, error) {
	var out []digit
	slash := 0
	column := 0
	for _, r := range s {
		column++
		switch {
		case r >= '0' && r <= '9':
			out = append(out, digit{byte(r - '0'), column})
		case r == ' ' || r == '-':
		case r == '/' && slash == 0 && len(out) == imeiDigits:
			slash = column
		default:
			return nil, inputError(field, s, column, noDigit(r))
		}
	}
	if slash != 0 && len(out) != imeisvDigits {
		return nil, inputError(field, s, slash, "a slash stands only before the two digits of a software version")
	}
	return out, nil
}

// noDigit says why a character is none.
func noDigit(r rune) string {
	switch {
	case r >= 0xFF10 && r <= 0xFF19:
		return fmt.Sprintf("%q is a full-width digit", r)
	case r == '\uFFFD':
		return "a byte that is no text"
	}
	return fmt.Sprintf("%q is no digit", r)
}

// wrongCount is a text with too few or too many digits: the column is the first digit too many,
// or the place behind the last one.
func wrongCount(field, s string, ds []digit, most int, want string) error {
	column := 1
	switch {
	case len(ds) > most:
		column = ds[most].column
	case len(ds) > 0:
		column = ds[len(ds)-1].column + 1
	}
	return inputError(field, s, column, fmt.Sprintf("%d digits, %s", len(ds), want))
}

func inputError(field, s string, column int, reason string) error {
	return &InputError{Field: field, Input: shorten(s), Column: column, Reason: reason}
}

// shorten masks every digit behind the eighth and cuts what is longer than any sensible input.
func shorten(s string) string {
	const most = 40
	var b strings.Builder
	digits, n := 0, 0
	for _, r := range s {
		if n++; n > most {
			return b.String() + "…"
		}
		if r >= '0' && r <= '9' || r >= 0xFF10 && r <= 0xFF19 {
			if digits++; digits > tacDigits {
				r = '*'
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}
