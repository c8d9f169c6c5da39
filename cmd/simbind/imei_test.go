package main

import (
	"slices"
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

// TestIMEILines: a list as a spreadsheet saves it is read, and a line that cannot be is told by its number in the file.
func TestIMEILines(t *testing.T) {
	got, err := imeiLines(strings.NewReader("\uFEFF490154203237518\r\n# a remark\r\n\r\n352099001761481\r\n"))
	if err != nil || !slices.Equal(got, []string{"490154203237518", "352099001761481"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := imeiLines(strings.NewReader("# a remark\n\n" + strings.Repeat("4", 1<<17))); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v", err)
	}
}
