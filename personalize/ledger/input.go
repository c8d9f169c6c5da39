package ledger

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText  = 2000 // bytes of a note
	maxLabel = 200  // bytes of a name
	maxCards = 10_000_000
)

// limited makes any text fit to be kept: valid UTF-8, no control characters, bounded.
func limited(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= maxText {
		return s
	}
	cut := maxText - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func label(field, s string, needed bool) error {
	switch {
	case needed && strings.TrimSpace(s) == "":
		return &InputError{field, "missing"}
	case len(s) > maxLabel:
		return &InputError{field, fmt.Sprintf("%d bytes, at most %d", len(s), maxLabel)}
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return &InputError{field, "not plain text"}
	}
	return nil
}

func (a Actor) check() error {
	for _, x := range []struct {
		field, text string
		needed      bool
	}{{"station", a.Station, true}, {"operator", a.Operator, true}, {"reader", a.Reader, false}, {"tool", a.Tool, true}} {
		if err := label(x.field, x.text, x.needed); err != nil {
			return err
		}
	}
	return nil
}

func checkDigest(field, s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 || s != strings.ToLower(s) {
		return &InputError{field, "not 64 hex digits in lower case"}
	}
	return nil
}

func checkICCID(s string) error {
	if len(s) < 5 || len(s) > 20 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return &InputError{"ICCID", "not 5 to 20 digits"}
	}
	return nil
}

func needReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return &InputError{"reason", "missing"}
	}
	return nil
}
