package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/pcsc"
)

// TestPick is the rule of docs/command-line.md: a number, a name or part of it; without one the only reader with a card.
func TestPick(t *testing.T) {
	bench := func(present ...bool) []pcsc.Reader {
		var out []pcsc.Reader
		for i, p := range present {
			out = append(out, pcsc.Reader{Name: []string{"Alpha CCID", "Beta CCID", "Alpha CCID"}[i], Present: p})
		}
		pcsc.Label(out)
		return out
	}
	rows := []struct {
		name    string
		readers []pcsc.Reader
		want    string
		got     string
		err     error
		say     string
	}{
		{"the only card", bench(false, true), "", "Beta CCID", nil, ""},
		{"by number", bench(true, true), "1", "Beta CCID", nil, ""},
		{"by part of the name", bench(true, true), "beta", "Beta CCID", nil, ""},
		{"by label among twins", bench(true, true, true), "Alpha CCID #2", "Alpha CCID", nil, ""},
		{"two cards", bench(true, true), "", "", nil, "2 readers hold a card: 0 Alpha CCID; 1 Beta CCID"},
		{"ambiguous name", bench(true, true), "ccid", "", nil, "2 readers hold a card"},
		{"no reader", nil, "", "", pcsc.ErrNoReader, ""},
		{"no such reader", bench(true), "gamma", "", pcsc.ErrNoReader, "gamma"},
		{"no such number", bench(true), "7", "", pcsc.ErrNoReader, ""},
		{"no card", bench(false, false), "", "", pcsc.ErrNoCard, "0 Alpha CCID; 1 Beta CCID"},
		{"no card in the one named", bench(false, true), "0", "", pcsc.ErrNoCard, "Alpha"},
	}
	for _, row := range rows {
		got, err := pick(row.readers, row.want)
		switch {
		case row.err == nil && row.say == "" && (err != nil || got != row.got):
			t.Errorf("%s: %q, %v", row.name, got, err)
		case row.err != nil && !errors.Is(err, row.err):
			t.Errorf("%s: %v", row.name, err)
		case row.say != "" && (err == nil || !strings.Contains(err.Error(), row.say)):
			t.Errorf("%s: %v, want %q in it", row.name, err, row.say)
		}
	}
}
