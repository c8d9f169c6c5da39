package binding

import "testing"

func TestParsePattern(t *testing.T) {
	for _, row := range []struct{ in, want, short string }{
		{"49015420323751", "49015420323751", "49015420******"},
		{"49015420??????", "49015420******", "prefix of 8 digits 49015420…"},
		{"49015420xxXXFf", "49015420******", "prefix of 8 digits 49015420…"},
		{"49-015420-3?3751", "490154203*3751", "pattern 49015420…"},
		{"4901542032375*", "4901542032375*", "prefix of 13 digits 49015420…"},
	} {
		p, err := ParsePattern(row.in)
		if err != nil || p.String() != row.want || p.Short() != row.short {
			t.Errorf("%q: %s, %s, %v", row.in, p, p.Short(), err)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, row := range []struct {
		in     string
		column int
		reason string
	}{
		{"", 1, "0 places"},
		{"4901542032375", 14, "13 places"},
		{"490154203237518", 15, "15 places"},
		{"4901542032375A", 14, "no digit"},
		{"4901542032375E", 14, "no digit"},
		{"FFFFFFFFFFFFFF", 1, "every IMEI"},
		{"??????????????", 1, "every IMEI"},
		{"4901?420323751", 5, "within the first 8 digits"},
		{"49-01?420323751", 6, "within the first 8 digits"},
		{"4901542０323751", 8, "full-width"},
	} {
		t.Run(row.in, func(t *testing.T) {
			_, err := ParsePattern(row.in)
			wantInputError(t, err, "pattern", row.column, row.reason)
		})
	}
	if p, err := ParseOpenPattern("4901?420323751"); err != nil || !p.OpenTAC() {
		t.Error(p, err)
	}
}

func TestParsePrefixRefuses(t *testing.T) {
	for _, row := range []struct {
		in     string
		column int
		reason string
	}{
		{"", 1, "0 digits"},
		{"4901542", 8, "7 digits, a prefix has 8 to 14"},
		{"49-01542", 9, "7 digits"},
		{"490154203237518", 15, "15 digits"},
		{"4901542X", 8, "no digit"},
		{"49015420F", 9, "no digit"},
		{"49015420323751/01", 15, "slash"},
	} {
		t.Run(row.in, func(t *testing.T) {
			_, _, err := ParsePrefix(row.in)
			if row.reason == "slash" {
				wantInputError(t, err, "prefix", 16, "16 digits")
				return
			}
			wantInputError(t, err, "prefix", row.column, row.reason)
		})
	}
}

func TestParseRange(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"49015420323700-49015420323799", "49015420323700-49015420323799"},
		{"490154203237518-490154203237518", "49015420323751-49015420323751"},
		{" 49015420323700 - 49015420323799 ", "49015420323700-49015420323799"},
		{"00000000000000-99999999999999", "00000000000000-99999999999999"},
	} {
		if r, err := ParseRange(row.in); err != nil || r.String() != row.want {
			t.Errorf("%q: %s, %v", row.in, r, err)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	for _, row := range []struct {
		in     string
		column int
		reason string
	}{
		{"", 1, "dash"},
		{"49015420323700", 1, "dash"},
		{"49015420323799-49015420323700", 16, "upside down"},
		{"4901542032370-49015420323799", 14, "13 digits"},
		{"49015420323700-4901542032379", 29, "13 digits"},
		{"49015420323700-", 16, "0 digits"},
		{"-49015420323700", 1, "0 digits"},
		{"49015420323700-4901542032379X", 29, "no digit"},
		{"49015420323700-490154203237517", 30, "check digit"},
		{"490154203237000-49015420323799", 1, "14 digits, or 15"},
		{"49015420323700-4901542032379900", 16, "14 digits, or 15"},
		{"49-015420-323700-49-015420-323799", 10, "second dash"},
		{"49015420323700-49015420323799-", 30, "second dash"},
		{"49015420323700–49015420323799", 1, "dash"},
	} {
		t.Run(row.in, func(t *testing.T) {
			r, err := ParseRange(row.in)
			wantInputError(t, err, "range", row.column, row.reason)
			if r != (Range{}) {
				t.Errorf("a range beside an error: %s", r)
			}
		})
	}
}

func TestPatternMatches(t *testing.T) {
	for _, row := range []struct {
		pattern, imei string
		want          bool
	}{
		{"49015420323751", "49015420323751", true},
		{"49015420323751", "49015420323750", false},
		{"49015420FFFFFF", "49015420999999", true},
		{"49015420FFFFFF", "49015421000000", false},
		{"FFFFFFFFFFFFF1", "12345678901231", true},
		{"FFFFFFFFFFFFF1", "12345678901232", false},
		{"4F015420323751", "49015420323751", true},
		{"4F015420323751", "40015420323751", true},
		{"4F015420323751", "39015420323751", false},
	} {
		if got := mustPattern(t, row.pattern).Matches(mustIMEI(t, row.imei)); got != row.want {
			t.Errorf("%s against %s: %v", row.pattern, row.imei, got)
		}
	}
}

func TestRangeContains(t *testing.T) {
	r := mustRange(t, "49015420323700-49015420323799")
	for imei, want := range map[string]bool{
		"49015420323699": false, "49015420323700": true, "49015420323750": true, "49015420323799": true, "49015420323800": false,
	} {
		if got := r.Contains(mustIMEI(t, imei)); got != want {
			t.Errorf("%s: %v", imei, got)
		}
	}
	if _, ok := mustPattern(t, "490154203F3751").Range(); ok {
		t.Error("a pattern open in its middle is no range")
	}
}

func FuzzParseText(f *testing.F) {
	v := loadIMEI(f)
	for _, row := range v.Normalise {
		f.Add(row.Input)
	}
	for _, row := range v.PrefixRange {
		f.Add(row.Prefix)
		f.Add(row.Low + "-" + row.High)
	}
	f.Add("49015420??????")
	f.Add("49015420323751/01")
	f.Fuzz(func(t *testing.T, s string) {
		if i, _, err := ParseIMEI(s); err == nil {
			if again, _, err := ParseIMEI(i.String()); err != nil || again != i || !i.Valid() {
				t.Errorf("%q: %s does not read back: %v", s, i, err)
			}
		}
		if p, err := ParsePattern(s); err == nil {
			if again, err := ParsePattern(p.String()); err != nil || again != p || p.OpenTAC() {
				t.Errorf("%q: %s does not read back: %v", s, p, err)
			}
		}
		if p, _, err := ParsePrefix(s); err == nil {
			if r, ok := p.Range(); !ok || r.check() != nil {
				t.Errorf("%q: %s is no range", s, p)
			}
		}
		if r, err := ParseRange(s); err == nil {
			if again, err := ParseRange(r.String()); err != nil || again != r {
				t.Errorf("%q: %s does not read back: %v", s, r, err)
			}
		}
		_, _ = ParseScheme(s)
		if n := len([]rune(shorten(s))); n > 41 {
			t.Errorf("%d characters of input kept", n)
		}
	})
}

func FuzzDecodeMobileIdentity(f *testing.F) {
	for _, row := range loadIMEI(f).IMEI {
		f.Add([]byte(row.MobileIdentity))
	}
	f.Add([]byte{0x43, 0x09, 0x51, 0x24, 0x30, 0x32, 0x57, 0x01, 0xF0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if i, err := DecodeMobileIdentity(b); err == nil && !i.Valid() {
			t.Errorf("%X: %s", b, i)
		}
	})
}
