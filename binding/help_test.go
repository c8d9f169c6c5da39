package binding

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// bytesOf reads hex with spaces.
func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustIMEI(t testing.TB, s string) IMEI {
	t.Helper()
	i, err := DecodeIMEI(bytesOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func mustPattern(t testing.TB, s string) Pattern {
	t.Helper()
	p, err := ParseOpenPattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustRange(t testing.TB, s string) Range {
	t.Helper()
	r, err := ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantInputError holds err against field, column and a part of the reason.
func wantInputError(t *testing.T, err error, field string, column int, reason string) {
	t.Helper()
	var in *InputError
	if !errors.As(err, &in) {
		t.Fatalf("error %v (%T), want *InputError", err, err)
	}
	if in.Field != field || in.Column != column || !strings.Contains(in.Reason, reason) {
		t.Errorf("got %s, column %d, %q; want %s, column %d, %q", in.Field, in.Column, in.Reason, field, column, reason)
	}
}
