package binding

import (
	"bytes"
	"fmt"
	"strings"
)

// Pattern is 14 nibbles: 0 to 9 must match, F matches any digit; not all F (card interface §4, tag 81).
type Pattern [7]byte

// Range is two IMEIs, both included, the low one first (tag 82).
type Range struct{ Low, High IMEI }

func (p Pattern) nibble(i int) byte {
	if i%2 == 0 {
		return p[i/2] >> 4
	}
	return p[i/2] & 0x0F
}

func (p *Pattern) setNibble(i int, v byte) {
	if i%2 == 0 {
		p[i/2] = p[i/2]&0x0F | v<<4
		return
	}
	p[i/2] = p[i/2]&0xF0 | v
}

// Matches compares nibble by nibble.
func (p Pattern) Matches(i IMEI) bool {
	for n := range imeiDigits {
		if v := p.nibble(n); v != 0x0F && v != Pattern(i).nibble(n) {
			return false
		}
	}
	return true
}

// IMEI gives the identity when the pattern leaves nothing open.
func (p Pattern) IMEI() (IMEI, bool) {
	i, err := DecodeIMEI(p[:])
	return i, err == nil
}

// Prefix is the number of leading digits when only the end of the pattern is open; ok is false otherwise.
func (p Pattern) Prefix() (n int, ok bool) {
	for n < imeiDigits && p.nibble(n) != 0x0F {
		n++
	}
	for i := n; i < imeiDigits; i++ {
		if p.nibble(i) != 0x0F {
			return 0, false
		}
	}
	return n, true
}

func (p Pattern) check() error {
	open := 0
	for n := range imeiDigits {
		switch v := p.nibble(n); {
		case v == 0x0F:
			open++
		case v > 9:
			return fmt.Errorf("nibble %d is %X, neither a digit nor F", n+1, v)
		}
	}
	if open == imeiDigits {
		return fmt.Errorf("it matches every IMEI")
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

// ParsePattern takes 14 characters: digits, and F, x, ? or * for any.
func ParsePattern(s string) (Pattern, error) {
	var p Pattern
	n := 0
	column := 0
	for _, r := range s {
		column++
		var v byte
		switch {
		case r >= '0' && r <= '9':
			v = byte(r - '0')
		case strings.ContainsRune("Ff?xX*", r):
			v = 0x0F
		case r == ' ' || r == '-':
			continue
		default:
			return p, &InputError{Field: "pattern", Column: column, Reason: fmt.Sprintf("%q is neither a digit nor F", r)}
		}
		if n < imeiDigits {
			p.setNibble(n, v)
		}
		n++
	}
	if n != imeiDigits {
		return p, &InputError{Field: "pattern", Reason: fmt.Sprintf("%d places, a pattern has 14", n)}
	}
	if err := p.check(); err != nil {
		return p, &InputError{Field: "pattern", Reason: err.Error()}
	}
	return p, nil
}

// ParsePrefix takes the first 8 to 14 digits. Eight digits are a TAC: a note says that they bind to a model.
func ParsePrefix(s string) (Pattern, []string, error) {
	ds, err := parseDigits("prefix", s)
	if err != nil {
		return Pattern{}, nil, err
	}
	if len(ds) < tacDigits || len(ds) > imeiDigits {
		return Pattern{}, nil, &InputError{Field: "prefix", Reason: fmt.Sprintf("%d digits, a prefix has 8 to 14", len(ds))}
	}
	p := Pattern{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	for i, d := range ds {
		p.setNibble(i, d.value)
	}
	if len(ds) == tacDigits {
		return p, []string{"a prefix of 8 digits is a TAC: it binds to a model, not to a device"}, nil
	}
	return p, nil, nil
}

// ParseRange takes LOW-HIGH, each 14 digits, or 15 with a right check digit.
func ParseRange(s string) (Range, error) {
	low, high, ok := strings.Cut(s, "-")
	if !ok {
		return Range{}, &InputError{Field: "range", Reason: "two IMEIs with a dash between them are needed"}
	}
	var r Range
	var err error
	if r.Low, err = bound(low, 0); err != nil {
		return r, err
	}
	offset := len([]rune(low)) + 1
	if r.High, err = bound(high, offset); err != nil {
		return r, err
	}
	if bytes.Compare(r.Low[:], r.High[:]) > 0 {
		return r, &InputError{Field: "range", Column: offset + 1, Reason: "upside down: the end is below the beginning"}
	}
	return r, nil
}

func bound(s string, offset int) (IMEI, error) {
	i, _, err := ParseIMEI(s)
	if err == nil {
		return i, nil
	}
	in := err.(*InputError) // the only error ParseIMEI gives
	return i, &InputError{Field: "range", Column: max(in.Column, 1) + offset, Reason: in.Reason}
}

// Contains tells whether the IMEI lies in the range, both ends included.
func (r Range) Contains(i IMEI) bool {
	return bytes.Compare(r.Low[:], i[:]) <= 0 && bytes.Compare(i[:], r.High[:]) <= 0
}

// String is LOW-HIGH.
func (r Range) String() string { return r.Low.String() + "-" + r.High.String() }

// Short shows the TACs.
func (r Range) Short() string { return "range " + r.Low.Short() + "-" + r.High.Short() }
