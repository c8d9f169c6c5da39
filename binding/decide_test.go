package binding

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDecide is the table host and card have to agree on (card interface §8.3 to §8.5). In a row, entries are
// patterns of 14 nibbles or ranges LOW-HIGH, bound are IMEIs, and an empty imei is a terminal that answers without one.
func TestDecide(t *testing.T) {
	const (
		a, b, c = "49015420323751", "35693803564380", "12345678901234"
		tac     = "49015420FFFFFF"
		span    = "49015420323700-49015420323799"
		zeros   = "00000000000000"
	)
	for _, row := range []struct {
		what, scheme, entries, bound, imei string
		policy                             Policy
		terminals                          byte
		want                               Decision
		entry                              string
	}{
		{"off", "off", "", "", a, 0, 1, AllowedOff, "none"},
		{"off, no IMEI, policy deny", "off", "", "", "", 0, 1, AllowedOff, "none"},
		{"off, entries are not looked at", "off", b, "", a, 0, 1, AllowedOff, "none"},
		{"off, observe only", "off", "", "", a, ObserveOnly, 1, AllowedOff, "none"},

		{"armed: first", "first-insert", "", "", a, 0, 1, AllowedBoundNow, "first insert"},
		{"armed: no IMEI", "first-insert", "", "", "", 0, 1, DeniedNoIMEI, "none"},
		{"armed: no IMEI allowed", "first-insert", "", "", "", AllowNoIMEI, 1, AllowedNoIMEI, "none"},
		{"armed: all zeros are none", "first-insert", "", "", zeros, 0, 1, DeniedNoIMEI, "none"},
		{"armed: all zeros allowed, never bound", "first-insert", "", "", zeros, AllowNoIMEI, 1, AllowedNoIMEI, "none"},
		{"armed: pattern matches", "first-insert", tac, "", a, 0, 1, AllowedBoundNow, "pattern 1 (prefix of 8 digits 49015420…)"},
		{"armed: pattern does not match", "first-insert", tac, "", b, 0, 1, DeniedOther, "none"},
		{"armed: second pattern", "first-insert", b + " " + a, "", a, 0, 1, AllowedBoundNow, "pattern 2 (49015420******)"},
		{"armed: range matches", "first-insert", span, "", a, 0, 1, AllowedBoundNow, "range 1 (range 49015420******-49015420******)"},
		{"armed: range does not match", "first-insert", span, "", "49015420323800", 0, 1, DeniedOther, "none"},
		{"armed: no match, no-imei policy is another matter", "first-insert", tac, "", b, AllowNoIMEI, 1, DeniedOther, "none"},
		{"armed: observe only", "first-insert", "", "", a, ObserveOnly, 1, AllowedBoundNow, "first insert"},
		{"armed: room for two", "first-insert", "", "", a, 0, 2, AllowedBoundNow, "first insert"},

		{"bound: equal", "first-insert", "", a, a, 0, 1, Allowed, "bound terminal 1 (49015420******)"},
		{"bound: other", "first-insert", "", a, b, 0, 1, DeniedOther, "none"},
		{"bound: other serial of the model", "first-insert", "", a, "49015420323752", 0, 1, DeniedOther, "none"},
		{"bound: second of two", "first-insert", "", a + " " + b, b, 0, 2, Allowed, "bound terminal 2 (35693803******)"},
		{"bound: third of two", "first-insert", "", a + " " + b, c, 0, 2, DeniedOther, "none"},
		{"bound: only equality, though a pattern matches", "first-insert", tac, a, "49015420323752", 0, 1, DeniedOther, "none"},
		{"bound: only equality, though no pattern matches", "first-insert", tac, b, b, 0, 1, Allowed, "bound terminal 1 (35693803******)"},
		{"bound: only equality, though there is room", "first-insert", "", a, b, 0, 2, DeniedOther, "none"},
		{"bound: no IMEI", "first-insert", "", a, "", 0, 1, DeniedNoIMEI, "none"},
		{"bound: no IMEI allowed", "first-insert", "", a, "", AllowNoIMEI, 1, AllowedNoIMEI, "none"},
		{"bound: all zeros are none", "first-insert", "", a, zeros, 0, 1, DeniedNoIMEI, "none"},
		{"bound: observe only", "first-insert", "", a, b, ObserveOnly, 1, DeniedOther, "none"},
		{"bound: strict start decides the same", "first-insert", "", a, b, StrictStart, 1, DeniedOther, "none"},

		{"preset: full IMEI", "preset", a, "", a, 0, 1, Allowed, "pattern 1 (49015420******)"},
		{"preset: other IMEI", "preset", a, "", b, 0, 1, DeniedOther, "none"},
		{"preset: TAC", "preset", tac, "", a, 0, 1, Allowed, "pattern 1 (prefix of 8 digits 49015420…)"},
		{"preset: other TAC", "preset", tac, "", b, 0, 1, DeniedOther, "none"},
		{"preset: lowest of a range", "preset", span, "", "49015420323700", 0, 1, Allowed, "range 1 (range 49015420******-49015420******)"},
		{"preset: highest of a range", "preset", span, "", "49015420323799", 0, 1, Allowed, "range 1 (range 49015420******-49015420******)"},
		{"preset: below a range", "preset", span, "", "49015420323699", 0, 1, DeniedOther, "none"},
		{"preset: above a range", "preset", span, "", "49015420323800", 0, 1, DeniedOther, "none"},
		{"preset: patterns before ranges", "preset", span + " " + a, "", a, 0, 1, Allowed, "pattern 1 (49015420******)"},
		{"preset: second range", "preset", "35693803000000-35693803999999 " + span, "", a, 0, 1, Allowed, "range 2 (range 49015420******-49015420******)"},
		{"preset: mask", "preset", "4901542F323751", "", a, 0, 1, Allowed, "pattern 1 (pattern 4901542*…)"},
		{"preset: mask, other serial", "preset", "4901542F323751", "", "49015420323752", 0, 1, DeniedOther, "none"},
		{"preset: what is bound does not count", "preset", a, b, b, 0, 1, DeniedOther, "none"},
		{"preset: no IMEI", "preset", a, "", "", 0, 1, DeniedNoIMEI, "none"},
		{"preset: no IMEI allowed", "preset", a, "", "", AllowNoIMEI, 1, AllowedNoIMEI, "none"},
		{"preset: all zeros match nothing, though in range", "preset", "00000000000000-99999999999999", "", zeros, 0, 1, DeniedNoIMEI, "none"},
		{"preset: observe only", "preset", a, "", b, ObserveOnly, 1, DeniedOther, "none"},
	} {
		t.Run(row.what, func(t *testing.T) {
			scheme, err := ParseScheme(row.scheme)
			if err != nil {
				t.Fatal(err)
			}
			cfg := with(scheme, func(c *Configuration) { c.Policy, c.MaxTerminals = row.policy, row.terminals })
			for _, e := range strings.Fields(row.entries) {
				if strings.Contains(e, "-") {
					cfg.Ranges = append(cfg.Ranges, mustRange(t, e))
				} else {
					cfg.Patterns = append(cfg.Patterns, mustPattern(t, e))
				}
			}
			if err := cfg.Validate(nil); err != nil {
				t.Fatal(err)
			}
			var bound []IMEI
			for _, s := range strings.Fields(row.bound) {
				bound = append(bound, mustIMEI(t, s))
			}
			var imei *IMEI
			if row.imei != "" {
				i := mustIMEI(t, row.imei)
				imei = &i
			}
			v := cfg.Decide(bound, imei)
			if v.Decision != row.want || v.Entry.String() != row.entry || v.Reason == "" {
				t.Errorf("%s by %s (%s), want %s by %s", v.Decision, v.Entry, v.Reason, row.want, row.entry)
			}
			if enforced := row.policy&ObserveOnly == 0 || scheme == Off; v.Enforced != enforced || v.Allowed() != (row.want.Allows() || !enforced) {
				t.Errorf("enforced %v, allowed %v", v.Enforced, v.Allowed())
			}
		})
	}
}

// TestDecideProperties: a terminal that became bound is allowed at its next start, and no other is.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyConfiguration().Draw(t, "configuration")
		imei, other := IMEI{0x49, 1}, IMEI{0x49, 2}
		if c.Entries() > 0 && rapid.Bool().Draw(t, "from an entry") {
			if len(c.Ranges) > 0 {
				imei = c.Ranges[0].Low
			} else if r, ok := c.Patterns[0].Range(); ok {
				imei = r.Low
			}
		}
		v := c.Decide(nil, &imei)
		switch {
		case c.Scheme == Off && v.Decision != AllowedOff,
			c.Scheme == Preset && (v.Decision == Allowed) != (imei.Valid() && c.Match(imei).Kind != EntryNone),
			c.Scheme != FirstInsert && v.Decision == AllowedBoundNow,
			!imei.Valid() && v.Decision == AllowedBoundNow:
			t.Fatal(v)
		}
		if v.Decision != AllowedBoundNow {
			return
		}
		bound := []IMEI{imei}
		if again := c.Decide(bound, &imei); again.Decision != Allowed || again.Entry.Kind != EntryBound {
			t.Fatal(again)
		}
		if stranger := c.Decide(bound, &other); other != imei && stranger.Decision != DeniedOther {
			t.Fatal(stranger)
		}
	})
}

func TestVerdictJSON(t *testing.T) {
	i := mustIMEI(t, "49015420323751")
	got, err := json.Marshal(with(Preset, func(c *Configuration) { c.Patterns = []Pattern{i.Pattern()} }).Decide(nil, &i))
	want := `{"decision":"allowed","entry":{"kind":"pattern","index":1,"text":"49015420******"},"reason":"the IMEI matches a preset entry","enforced":true}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
