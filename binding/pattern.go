package binding

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Pattern is 14 nibbles: 0 to 9 must match, F matches any digit; not all F (card interface §4, tag 81).
type Pattern [7]byte

// anyDigit is the nibble that matches every digit.
const anyDigit = 0x0F

func (p Pattern) nibble(n int) byte { return IMEI(p).nibble(n) }

func (p *Pattern) setNibble(n int, v byte) {
	if n%2 == 0 {
		p[n/2] = p[n/2]&0x0F | v<<4
		return
	}
	p[n/2] = p[n/2]&0xF0 | v
}

// Matches compares nibble by nibble.
func (p Pattern) Matches(i IMEI) bool {
	for n := range imeiDigits {
		if v := p.nibble(n); v != anyDigit && v != i.nibble(n) {
			return false
		}
	}
	return true
}

// IMEI gives the identity when the pattern leaves nothing open.
func (p Pattern) IMEI() (IMEI, bool) { return IMEI(p), IMEI(p).decimal() }

// Prefix is the number of leading digits, 0 to 14, when nothing but the end of the pattern is open.
func (p Pattern) Prefix() (n int, ok bool) {
	for n < imeiDigits && p.nibble(n) != anyDigit {
		n++
	}
	for i := n; i < imeiDigits; i++ {
		if p.nibble(i) != anyDigit {
			return 0, false
		}
	}
	return n, true
}

// Range is the same set as a range, which only a prefix is: digits and 0…0 to digits and 9…9.
func (p Pattern) Range() (r Range, ok bool) {
	n, ok := p.Prefix()
	if !ok {
		return Range{}, false
	}
	low, high := p, p
	for ; n < imeiDigits; n++ {
		low.setNibble(n, 0)
		high.setNibble(n, 9)
	}
	return Range{Low: IMEI(low), High: IMEI(high)}, true
}

// OpenTAC tells whether one of the first 8 nibbles is open: terminals of many models match.
func (p Pattern) OpenTAC() bool {
	for n := range tacDigits {
		if p.nibble(n) == anyDigit {
			return true
		}
	}
	return false
}

// Model tells whether the pattern is a whole TAC and nothing more.
func (p Pattern) Model() bool {
	n, ok := p.Prefix()
	return ok && n == tacDigits
}

// covers tells whether every IMEI that q matches is matched by p too.
func (p Pattern) covers(q Pattern) bool {
	for n := range imeiDigits {
		if v := p.nibble(n); v != anyDigit && v != q.nibble(n) {
			return false
		}
	}
	return true
}

// check refuses what the applet would: nibbles A to E, and all F.
func (p Pattern) check() error {
	open := 0
	for n := range imeiDigits {
		switch v := p.nibble(n); {
		case v == anyDigit:
			open++
		case v > 9:
			return fmt.Errorf("place %d is %X, neither a digit nor F", n+1, v)
		}
	}
	if open == imeiDigits {
		return errors.New("it matches every IMEI")
	}
	return nil
}

// String is the 14 nibbles, * for any.
func (p Pattern) String() string { return strings.ReplaceAll(fmt.Sprintf("%X", p[:]), "F", "*") }

// Short shows the TAC and how much of the serial number is fixed.
func (p Pattern) Short() string {
	n, ok := p.Prefix()
	switch {
	case ok && n == imeiDigits:
		return IMEI(p).Short()
	case ok:
		return fmt.Sprintf("prefix of %d digits %s…", n, p.String()[:min(n, tacDigits)])
	}
	return "pattern " + p.String()[:tacDigits] + "…"
}

// Text is String when reveal, else Short.
func (p Pattern) Text(reveal bool) string {
	if reveal {
		return p.String()
	}
	return p.Short()
}

// MarshalText is Short, so that no report shows a whole IMEI by accident.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.Short()), nil }

// LogValue is Short.
func (p Pattern) LogValue() slog.Value { return slog.StringValue(p.Short()) }

// ParsePattern takes 14 places: digits, and F, x, ? or * for any; spaces and dashes are stripped. The TAC must
// be given whole: [ParseOpenPattern] takes one that is open there. The error is *InputError.
func ParsePattern(s string) (Pattern, error) {
	p, columns, err := parsePattern(s)
	if err != nil {
		return Pattern{}, err
	}
	for n := range tacDigits {
		if p.nibble(n) == anyDigit {
			return Pattern{}, inputError("pattern", s, columns[n], "open within the first 8 digits, the TAC: terminals of other models would match")
		}
	}
	return p, nil
}

// ParseOpenPattern is ParsePattern for a pattern that is meant to match many models. One that is open throughout is refused.
func ParseOpenPattern(s string) (Pattern, error) {
	p, _, err := parsePattern(s)
	return p, err
}

// parsePattern gives the column of each place too.
func parsePattern(s string) (p Pattern, columns []int, err error) {
	column := 0
	for _, r := range s {
		column++
		v := byte(anyDigit)
		switch {
		case r >= '0' && r <= '9':
			v = byte(r - '0')
		case strings.ContainsRune("FfXx?*", r):
		case r == ' ' || r == '-':
			continue
		default:
			return Pattern{}, nil, inputError("pattern", s, column, noDigit(r)+" and none of F, x, ?, *")
		}
		if len(columns) < imeiDigits {
			p.setNibble(len(columns), v)
		}
		columns = append(columns, column)
	}
	if n := len(columns); n != imeiDigits {
		at := column + 1
		if n > imeiDigits {
			at = columns[imeiDigits]
		}
		return Pattern{}, nil, inputError("pattern", s, at, fmt.Sprintf("%d places, a pattern has 14", n))
	}
	if err := p.check(); err != nil {
		return Pattern{}, nil, inputError("pattern", s, 1, err.Error())
	}
	return p, columns, nil
}

// ParsePrefix takes the first 8 to 14 digits; spaces and dashes are stripped. Eight digits are a TAC and come with
// NoteModel. The error is *InputError.
func ParsePrefix(s string) (Pattern, Notes, error) {
	ds, err := parseDigits("prefix", s)
	if err != nil {
		return Pattern{}, nil, err
	}
	if len(ds) < tacDigits || len(ds) > imeiDigits {
		return Pattern{}, nil, wrongCount("prefix", s, ds, imeiDigits, "a prefix has 8 to 14")
	}
	p := Pattern{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	for n, d := range ds {
		p.setNibble(n, d.value)
	}
	if p.Model() {
		return p, Notes{NoteModel}, nil
	}
	return p, nil, nil
}
