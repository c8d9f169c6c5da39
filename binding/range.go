package binding

import (
	"errors"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Range is two IMEIs, both included, the low one first (card interface §4, tag 82).
type Range struct{ Low, High IMEI }

// ParseRange takes LOW-HIGH, each of 14 digits, or of 15 with the right check digit; spaces are stripped. Other forms of an
// IMEI are refused here: a 15th digit 0 is as likely a slip of the counting. The error is *InputError.
func ParseRange(s string) (Range, error) {
	low, high, ok := strings.Cut(s, "-")
	if !ok {
		return Range{}, inputError("range", s, 1, "two IMEIs with a dash between them are needed")
	}
	offset := utf8.RuneCountInString(low) + 1
	if before, _, more := strings.Cut(high, "-"); more {
		return Range{}, inputError("range", s, offset+utf8.RuneCountInString(before)+1, "a second dash; only one stands in a range, between the two IMEIs")
	}
	var r Range
	var err error
	if r.Low, err = bound(s, low, 0); err != nil {
		return Range{}, err
	}
	if r.High, err = bound(s, high, offset); err != nil {
		return Range{}, err
	}
	if r.check() != nil {
		return Range{}, inputError("range", s, offset+1, "upside down: the end is below the beginning")
	}
	return r, nil
}

// bound reads one end of the range s, which begins behind offset characters.
func bound(s, end string, offset int) (IMEI, error) {
	i, notes, err := parseIMEI("range", end)
	var in *InputError
	switch {
	case errors.As(err, &in):
		return IMEI{}, inputError("range", s, in.Column+offset, in.Reason)
	case len(notes) > 0:
		return IMEI{}, inputError("range", s, 1+offset, "an end of a range has 14 digits, or 15 with the right check digit")
	}
	return i, nil
}

// check refuses what the applet would: nibbles that are no digit, and a low end above the high one.
func (r Range) check() error {
	switch {
	case !r.Low.decimal() || !r.High.decimal():
		return errors.New("it has a nibble that is no digit")
	case r.Low.Compare(r.High) > 0:
		return errors.New("it is upside down")
	}
	return nil
}

// Contains tells whether the IMEI lies in the range, both ends included.
func (r Range) Contains(i IMEI) bool { return r.Low.Compare(i) <= 0 && i.Compare(r.High) <= 0 }

// overlaps tells whether an IMEI lies in both.
func (r Range) overlaps(o Range) bool {
	return r.Low.Compare(o.High) <= 0 && o.Low.Compare(r.High) <= 0
}

// String is LOW-HIGH.
func (r Range) String() string { return r.Low.String() + "-" + r.High.String() }

// Short shows the TACs.
func (r Range) Short() string { return "range " + r.Low.Short() + "-" + r.High.Short() }

// Text is String when reveal, else Short.
func (r Range) Text(reveal bool) string {
	if reveal {
		return r.String()
	}
	return r.Short()
}

// MarshalText is Short, so that no report shows a whole IMEI by accident.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.Short()), nil }

// LogValue is Short.
func (r Range) LogValue() slog.Value { return slog.StringValue(r.Short()) }
