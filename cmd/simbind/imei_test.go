package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/simbind/simbind/diagnose"
)

// FuzzGivenIMEI: whatever was typed, it is printed short, without control characters, and with no whole identity in it.
func FuzzGivenIMEI(f *testing.F) {
	for _, s := range []string{"490154203237518", "49-015420-323751/99", "\x1b[2J490154203237518", "\xff\xfe", strings.Repeat("4", 500), "４９０１５４２０３２３７５１"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := explainIMEI(s, diagnose.Show{})
		if v.Given != givenIMEI(s, diagnose.Show{}) || v.Valid == (v.Reason != "") {
			t.Fatalf("%+v", v)
		}
		digits := 0
		for _, r := range v.Given {
			if r < ' ' || r >= 0x7F && r < 0xA0 || r == unicode.ReplacementChar && !strings.ContainsRune(s, unicode.ReplacementChar) {
				t.Fatalf("%q", v.Given)
			}
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		if digits > 8 || len([]rune(v.Given)) > maxGiven+1 {
			t.Fatalf("%q", v.Given)
		}
	})
}
