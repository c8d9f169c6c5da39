package uicc

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
)

// script is a card that knows its lines: every command has to be the next one, byte for byte, and none may be left.
type script struct {
	t     *testing.T
	lines [][2]string // command, answer with status word; both hex; an empty answer is a broken link
}

var errLink = errors.New("card gone")

func play(t *testing.T, lines ...[2]string) *script {
	t.Helper()
	s := &script{t: t, lines: lines}
	t.Cleanup(func() {
		if len(s.lines) > 0 {
			t.Errorf("%d lines of the script were never asked for, first %s", len(s.lines), s.lines[0][0])
		}
	})
	return s
}

func (s *script) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	s.t.Helper()
	b, err := c.Bytes()
	if err != nil {
		s.t.Fatalf("%s: %v", c, err)
	}
	if len(s.lines) == 0 {
		s.t.Fatalf("unexpected command %X", b)
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	if got := hex.EncodeToString(b); got != hexLower(line[0]) {
		s.t.Fatalf("command %s, want %s", got, hexLower(line[0]))
	}
	if line[1] == "" {
		return apdu.Response{}, errLink
	}
	r, err := apdu.ParseResponse(unhex(s.t, line[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	return r, nil
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

func hexLower(s string) string {
	b, _ := hex.DecodeString(s)
	return hex.EncodeToString(b)
}
