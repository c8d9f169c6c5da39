package binding

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// with is a configuration with something changed.
func with(s Scheme, change func(*Configuration)) Configuration {
	c := DefaultConfiguration(s)
	change(&c)
	return c
}

// TestWorkedBytes are the rows of card interface §9.
func TestWorkedBytes(t *testing.T) {
	preset := func(pattern string) Configuration {
		return with(Preset, func(c *Configuration) { c.Patterns = []Pattern{mustPattern(t, pattern)} })
	}
	first := DefaultConfiguration(FirstInsert)
	template, err := first.Encode()
	if err != nil {
		t.Fatal(err)
	}
	store := StoreData(template, 255)
	if len(store) != 1 {
		t.Fatalf("%d blocks", len(store))
	}
	for _, row := range []struct {
		what   string
		encode func() ([]byte, error)
		want   string
	}{
		{"first-insert, defaults", first.Encode, "E0 03 80 01 01"},
		{"preset, one full IMEI", preset("49015420323751").Encode, "E0 0C 80 01 02 81 07 49015420323751"},
		{"preset, TAC", preset("49015420FFFFFF").Encode, "E0 0C 80 01 02 81 07 49015420FFFFFF"},
		{"the first row read back", func() ([]byte, error) { return first.Canonical(), nil }, "E0 17 80 01 01 83 01 00 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 01"},
		{"unbind, generation 0003", Unbind().Expecting(3).Encode, "E2 07 80 01 03 8A 02 0003"},
		{"STORE DATA of the first row", store[0].Bytes, "80 E2 90 00 05 E0 03 80 01 01"},
	} {
		t.Run(row.what, func(t *testing.T) {
			got, err := row.encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(bytesOf(t, row.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	full := with(FirstInsert, func(c *Configuration) {
		c.Ranges = []Range{mustRange(t, "49015420323700-49015420323799")}
		c.Patterns = []Pattern{mustPattern(t, "35209900FFFFFF"), mustPattern(t, "35693803564380")}
		c.Policy = AllowNoIMEI | StrictStart | PairingStatus
		c.Denial = [9]byte{0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
		c.Refresh, c.MaxTerminals = 0x02, 2
	})
	entries := "80 01 01 81 07 35209900FFFFFF 81 07 35693803564380 82 0E 4901542032370049015420323799"
	rest := "83 01 0B 84 09 08FFFFFFFFFFFFFFFF 85 01 02 86 01 02"
	got, err := full.EncodeExpecting(0xFFFF)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bytesOf(t, "E0 3D"+entries+rest+"8A 02 FFFF"), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(bytesOf(t, "E0 39"+entries+rest), full.Canonical()); diff != "" {
		t.Error(diff)
	}
	back, err := ParseConfiguration(full.Canonical())
	if err != nil || !back.Equal(full) {
		t.Errorf("%v, %v", back, err)
	}
	if full.Hex() != fmt.Sprintf("%X", full.Canonical()) {
		t.Error(full.Hex())
	}
}

func TestValidate(t *testing.T) {
	imsi := [9]byte{0x08, 0x09, 0x10, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98}
	low, high := mustIMEI(t, "49015420323700"), mustIMEI(t, "49015420323799")
	for _, row := range []struct {
		what   string
		c      Configuration
		reason string // empty: valid
	}{
		{"off", DefaultConfiguration(Off), ""},
		{"first-insert", DefaultConfiguration(FirstInsert), ""},
		{"preset without entry", DefaultConfiguration(Preset), "at least one"},
		{"scheme 03", with(Off, func(c *Configuration) { c.Scheme = 3 }), "scheme 03"},
		{"no terminal", with(Off, func(c *Configuration) { c.MaxTerminals = 0 }), "0 terminals"},
		{"four terminals", with(FirstInsert, func(c *Configuration) { c.MaxTerminals = 4 }), ""},
		{"five terminals", with(FirstInsert, func(c *Configuration) { c.MaxTerminals = 5 }), "5 terminals"},
		{"pattern all F", with(Preset, func(c *Configuration) { c.Patterns = []Pattern{Pattern(noIMEI)} }), "pattern 1: it matches every IMEI"},
		{"pattern with A", with(Preset, func(c *Configuration) {
			c.Patterns = []Pattern{low.Pattern(), {0x49, 0xA1, 0x54, 0x20, 0x32, 0x37, 0x51}}
		}), "pattern 2: place 3 is A"},
		{"range", with(Preset, func(c *Configuration) { c.Ranges = []Range{{low, high}, {low, low}} }), ""},
		{"range upside down", with(Preset, func(c *Configuration) { c.Ranges = []Range{{low, high}, {high, low}} }), "range 2: it is upside down"},
		{"range with F", with(Preset, func(c *Configuration) { c.Ranges = []Range{{low, IMEI(noIMEI)}} }), "range 1: it has a nibble"},
		{"policy b7", with(Off, func(c *Configuration) { c.Policy = 0x40 }), "b7"},
		{"policy b8", with(Off, func(c *Configuration) { c.Policy = 0x80 }), "b8"},
		{"policy b1 to b6", with(Off, func(c *Configuration) { c.Policy = 0x3F }), ""},
		{"plausible denial", with(FirstInsert, func(c *Configuration) { c.Denial, c.Policy = imsi, AllowNoIMEI|OpenIdentity|PairingStatus|ObserveOnly }), ""},
		{"plausible denial, strict start", with(FirstInsert, func(c *Configuration) { c.Denial, c.Policy = imsi, StrictStart }), "looks like an IMSI"},
		{"plausible denial, keep location", with(FirstInsert, func(c *Configuration) { c.Denial, c.Policy = imsi, KeepLocation }), "looks like an IMSI"},
		{"refresh 01", with(Off, func(c *Configuration) { c.Refresh = 1 }), "qualifier 01"},
		{"refresh 03", with(Off, func(c *Configuration) { c.Refresh = 3 }), "qualifier 03"},
		{"refresh 04", with(Off, func(c *Configuration) { c.Refresh = 4 }), ""},
		{"refresh 06", with(Off, func(c *Configuration) { c.Refresh = 6 }), ""},
		{"refresh 07", with(Off, func(c *Configuration) { c.Refresh = 7 }), "qualifier 07"},
		{"255 entries", with(Preset, func(c *Configuration) { c.Patterns, c.Ranges = make([]Pattern, 200), make([]Range, 55) }), ""},
		{"256 entries", with(Preset, func(c *Configuration) { c.Patterns, c.Ranges = make([]Pattern, 200), make([]Range, 56) }), "256 patterns and ranges"},
	} {
		t.Run(row.what, func(t *testing.T) {
			err := row.c.Validate(nil)
			_, encodeErr := row.c.Encode()
			if row.reason == "" {
				if err != nil || encodeErr != nil {
					t.Error(err, encodeErr)
				}
				return
			}
			wantInputError(t, err, "configuration", 0, row.reason)
			wantInputError(t, encodeErr, "configuration", 0, row.reason)
		})
	}
}

func TestValidateAgainstCard(t *testing.T) {
	all := FeatureStrictStart | FeaturePairing | FeatureRefresh56
	for _, row := range []struct {
		what    string
		c       Configuration
		info    Information
		missing Features // 0 with room too small
		reason  string
	}{
		{"nothing special", DefaultConfiguration(FirstInsert), Information{Capacity: 16}, 0, ""},
		{"strict start", with(Off, func(c *Configuration) { c.Policy = StrictStart }), Information{Capacity: 16, Features: all &^ FeatureStrictStart}, FeatureStrictStart, "strict start"},
		{"EF_IPS", with(Off, func(c *Configuration) { c.Policy = PairingStatus }), Information{Capacity: 16, Features: all &^ FeaturePairing}, FeaturePairing, "EF_IPS"},
		{"REFRESH 05", with(Off, func(c *Configuration) { c.Refresh = 5 }), Information{Capacity: 16, Features: all &^ FeatureRefresh56}, FeatureRefresh56, "REFRESH 05"},
		{"REFRESH 06", with(Off, func(c *Configuration) { c.Refresh = 6 }), Information{Capacity: 16}, FeatureRefresh56, "REFRESH 06"},
		{"REFRESH 04 needs nothing", with(Off, func(c *Configuration) { c.Refresh = 4 }), Information{Capacity: 16}, 0, ""},
		{"all offered", with(Off, func(c *Configuration) { c.Policy, c.Refresh = StrictStart|PairingStatus, 5 }), Information{Capacity: 16, Features: all}, 0, ""},
		{"16 of 16", with(Preset, func(c *Configuration) { c.Patterns = make([]Pattern, 16) }), Information{Capacity: 16}, 0, ""},
		{"17 of 16", with(Preset, func(c *Configuration) { c.Patterns, c.Ranges = make([]Pattern, 16), make([]Range, 1) }), Information{Capacity: 16}, 0, "17 patterns and ranges, the applet holds 16"},
	} {
		t.Run(row.what, func(t *testing.T) {
			err := row.c.Validate(&row.info)
			var e *UnsupportedError
			if row.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &e) || e.Feature != row.missing || !strings.Contains(e.Reason, row.reason) || e.Room != 16 || e.Entries != row.c.Entries() {
				t.Errorf("%#v", err)
			}
		})
	}
	broken := DefaultConfiguration(Preset)
	wantInputError(t, broken.Validate(&Information{Capacity: 16}), "configuration", 0, "at least one")
}

func TestPlausibleIMSI(t *testing.T) {
	for _, row := range []struct {
		in   string
		want bool
	}{
		{"080910101032547698", true},  // 15 digits
		{"084910101032547698", true},  //
		{"0891101010325476F8", true},  // 14 digits: even, the last nibble F
		{"08011010103254769F", false}, // F below a digit
		{"0701101010325476F9", false}, // a digit behind the last
		{"080110101032547698", false}, // 15 digits said even
		{"0809101010325476F8", false}, // 14 digits said odd
		{"0329FFFFFFFFFFFFFF", false},
		{"0321F3FFFFFFFFFFFF", false},
		{"04112143F5FFFFFFFF", true}, // 6 digits
		{"0419214365FFFFFFFF", true}, // 7 digits
		{"0419214365FFFFFF0F", false},
		{"0409210000000000FF", false},
		{"00FFFFFFFFFFFFFFFF", false},
		{"08FFFFFFFFFFFFFFFF", false},
		{"FFFFFFFFFFFFFFFFFF", false},
		{"09091010103254769A", false},
		{"08A910101032547698", false},
		{"080210101032547698", false},
	} {
		if got := PlausibleIMSI([9]byte(bytesOf(t, row.in))); got != row.want {
			t.Errorf("%s: %v", row.in, got)
		}
	}
}

func TestParseConfigurationRefuses(t *testing.T) {
	tail := "83 01 00 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 01"
	for _, row := range []struct{ what, bytes, reason string }{
		{"empty", "", "no tag"},
		{"another template", "E1 03 80 01 01", "not one template E0"},
		{"bytes behind", "E0 17 80 01 01" + tail + "00", "not one template E0"},
		{"cut", "E0 17 80 01 01 83 01 00", "says 23 bytes, 6 are left"},
		{"length not shortest", "E0 81 17 80 01 01" + tail, "shortest form"},
		{"without scheme", "E0 14" + tail, "E0 without tag 80"},
		{"short form of a write", "E0 03 80 01 01", "E0 without tag 83"},
		{"without policy", "E0 14 80 01 01 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 01", "E0 without tag 83"},
		{"without terminals", "E0 14 80 01 01 83 01 00 84 09 00FFFFFFFFFFFFFFFF 85 01 00", "E0 without tag 86"},
		{"scheme twice", "E0 1A 80 01 01 80 01 01" + tail, "tag 80 stands twice"},
		{"policy twice", "E0 1A 80 01 01 83 01 00" + tail, "tag 83 stands twice"},
		{"scheme of two bytes", "E0 18 80 02 0101" + tail, "tag 80 has 2 bytes, want 1"},
		{"pattern of six bytes", "E0 1F 80 01 01 81 06 490154203237" + tail, "tag 81 has 6 bytes, want 7"},
		{"range before pattern", "E0 30 80 01 01 82 0E 4901542032370049015420323799 81 07 49015420323751" + tail, "tag 81 behind tag 82"},
		{"range upside down", "E0 27 80 01 01 82 0E 4901542032379949015420323700" + tail, "upside down"},
		{"range that is no IMEI", "E0 27 80 01 01 82 0E 490154203237004901542032379F" + tail, "nibble that is no digit"},
		{"pattern nibble B", "E0 20 80 01 01 81 07 4B015420323751" + tail, "place 2 is B"},
		{"preset without entry", "E0 17 80 01 02" + tail, "at least one"},
		{"scheme 03", "E0 17 80 01 03" + tail, "scheme 03"},
		{"denial of eight bytes", "E0 16 80 01 01 83 01 00 84 08 00FFFFFFFFFFFFFF 85 01 00 86 01 01", "tag 84 has 8 bytes"},
		{"policy behind terminals", "E0 17 80 01 01 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 01 83 01 00", "tag 83 behind tag 86"},
		{"terminals 05", "E0 17 80 01 01 83 01 00 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 05", "5 terminals"},
		{"content is no TLV", "E0 03 80 05 01", "says 5 bytes, 1 are left"},
		{"content with long length", "E0 04 80 81 01 01", "shortest form"},
	} {
		t.Run(row.what, func(t *testing.T) {
			c, err := ParseConfiguration(bytesOf(t, row.bytes))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("taken as %v, error %v, want %q", c, err, row.reason)
			}
		})
	}
}

func TestParseConfigurationIgnoresUnknownTags(t *testing.T) {
	b := bytesOf(t, "E0 1D 80 01 01 9F01 00 83 01 00 84 09 00FFFFFFFFFFFFFFFF 85 01 00 86 01 01 87 01 07")
	c, err := ParseConfiguration(b)
	if err != nil || !c.Equal(DefaultConfiguration(FirstInsert)) {
		t.Errorf("%v, %v", c, err)
	}
}

func TestEqual(t *testing.T) {
	a, b := mustPattern(t, "49015420FFFFFF"), mustPattern(t, "35209900FFFFFF")
	c := with(Preset, func(c *Configuration) { c.Patterns = []Pattern{a, b} })
	if !c.Equal(with(Preset, func(c *Configuration) { c.Patterns, c.Ranges = []Pattern{a, b}, []Range{} })) {
		t.Error("an empty list differs from none")
	}
	for what, o := range map[string]Configuration{
		"order":     with(Preset, func(c *Configuration) { c.Patterns = []Pattern{b, a} }),
		"scheme":    with(FirstInsert, func(c *Configuration) { c.Patterns = []Pattern{a, b} }),
		"policy":    with(Preset, func(c *Configuration) { c.Patterns, c.Policy = []Pattern{a, b}, OpenIdentity }),
		"denial":    with(Preset, func(c *Configuration) { c.Patterns, c.Denial = []Pattern{a, b}, [9]byte{8} }),
		"refresh":   with(Preset, func(c *Configuration) { c.Patterns, c.Refresh = []Pattern{a, b}, 4 }),
		"terminals": with(Preset, func(c *Configuration) { c.Patterns, c.MaxTerminals = []Pattern{a, b}, 2 }),
		"one less":  with(Preset, func(c *Configuration) { c.Patterns = []Pattern{a} }),
	} {
		if len(c.Differences(o)) == 0 || len(c.Differences(c)) != 0 {
			t.Errorf("differences: %v", c.Differences(o))
		}
		if c.Equal(o) || o.Equal(c) {
			t.Errorf("another %s is equal", what)
		}
	}
}

func TestConfigurationJSON(t *testing.T) {
	c := with(Preset, func(c *Configuration) {
		c.Patterns = []Pattern{mustPattern(t, "49015420323751"), mustPattern(t, "490154203FFFFF")}
		c.Ranges = []Range{mustRange(t, "49015420323700-49015420323799")}
		c.Policy, c.Refresh = AllowNoIMEI|ObserveOnly, 2
	})
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"scheme":"preset","patterns":["49015420******","prefix of 9 digits 49015420…"],"ranges":["range 49015420******-49015420******"],` +
		`"policy":["allow_no_imei","observe_only"],"denial":"00FFFFFFFFFFFFFFFF","refresh":"02","max_terminals":1}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if v := c.View(true); v.Patterns[0] != "49015420323751" || v.Patterns[1] != "490154203*****" || v.Ranges[0] != "49015420323700-49015420323799" {
		t.Errorf("%+v", v)
	}
	if s := fmt.Sprintf("%v %s", c, c); strings.Contains(s, "323751") {
		t.Error(s)
	}
}

func TestNotes(t *testing.T) {
	c := with(Preset, func(c *Configuration) {
		c.Patterns = []Pattern{
			mustPattern(t, "49015420323751"), mustPattern(t, "49015420323751"), mustPattern(t, "49015420FFFFFF"),
			mustPattern(t, "4901FF20323751"), mustPattern(t, "35209900100000"), mustPattern(t, "00000000000000"),
		}
		c.Ranges = []Range{mustRange(t, "35209900000000-35209900199999"), mustRange(t, "35209900199999-35209901000000")}
		c.MaxTerminals = 2
	})
	want := Notes{
		"pattern 1 is covered by pattern 3",
		"pattern 2 is the same as pattern 1",
		"pattern 3: " + NoteModel,
		"pattern 4 is open within the TAC: terminals of many models match",
		"pattern 5 is covered by range 1",
		"pattern 6 is all zeros: no terminal has it",
		"range 2 goes over more than one TAC",
		"range 2 overlaps range 1",
		"preset: how many terminals may become bound is not used",
	}
	if diff := cmp.Diff(want, c.Notes()); diff != "" {
		t.Error(diff)
	}
	if n := DefaultConfiguration(FirstInsert).Notes(); n != nil {
		t.Error(n)
	}
}

func TestParseScheme(t *testing.T) {
	for in, want := range map[string]Scheme{"off": Off, "First-Insert": FirstInsert, "first_insert": FirstInsert, " preset ": Preset} {
		if s, err := ParseScheme(in); err != nil || s != want {
			t.Errorf("%q: %v, %v", in, s, err)
		}
	}
	for _, in := range []string{"", "on", "firstinsert", "unknown"} {
		_, err := ParseScheme(in)
		wantInputError(t, err, "scheme", 1, "none of off")
	}
}

// anyConfiguration draws a valid configuration.
func anyConfiguration() *rapid.Generator[Configuration] {
	digits := func(t *rapid.T, label string) IMEI {
		i, _, err := parseIMEI("IMEI", rapid.StringMatching(`[0-9]{14}`).Draw(t, label))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	return rapid.Custom(func(t *rapid.T) Configuration {
		c := DefaultConfiguration(rapid.SampledFrom([]Scheme{Off, FirstInsert, Preset}).Draw(t, "scheme"))
		for range rapid.IntRange(0, 20).Draw(t, "patterns") {
			p := digits(t, "pattern").Pattern()
			for n := rapid.IntRange(1, 14).Draw(t, "open from"); n < imeiDigits; n++ {
				p.setNibble(n, anyDigit)
			}
			c.Patterns = append(c.Patterns, p)
		}
		for range rapid.IntRange(0, 20).Draw(t, "ranges") {
			r := Range{digits(t, "low"), digits(t, "high")}
			if r.Low.Compare(r.High) > 0 {
				r.Low, r.High = r.High, r.Low
			}
			c.Ranges = append(c.Ranges, r)
		}
		if c.Scheme == Preset && c.Entries() == 0 {
			c.Scheme = FirstInsert
		}
		c.Policy = Policy(rapid.ByteRange(0, 0x3F).Draw(t, "policy"))
		c.Refresh = rapid.SampledFrom([]byte{0, 2, 4, 5, 6}).Draw(t, "refresh")
		c.MaxTerminals = rapid.ByteRange(1, 4).Draw(t, "terminals")
		return c
	})
}

func TestConfigurationReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyConfiguration().Draw(t, "configuration")
		back, err := ParseConfiguration(c.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, back); diff != "" || !back.Equal(c) {
			t.Fatal(diff)
		}
		short, err := c.Encode()
		if err != nil || len(short) > len(c.Canonical()) {
			t.Fatal(len(short), err)
		}
		p := NewParts(ObjectConfiguration)
		for rest := c.Canonical(); !p.Done(); rest = rest[min(PartSize, len(rest)):] {
			if err := p.Add(rest[:min(PartSize, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if string(p.Bytes()) != string(c.Canonical()) {
			t.Fatal("joined otherwise")
		}
	})
}

func FuzzParseConfiguration(f *testing.F) {
	c := with(Preset, func(c *Configuration) {
		c.Patterns = []Pattern{mustPattern(f, "49015420FFFFFF")}
		c.Ranges = []Range{mustRange(f, "49015420323700-49015420323799")}
	})
	f.Add(c.Canonical())
	f.Add(DefaultConfiguration(FirstInsert).Canonical())
	short, err := c.EncodeExpecting(7)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(short)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfiguration(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		again, err := ParseConfiguration(c.Canonical())
		if err != nil || !again.Equal(c) {
			t.Errorf("does not read back: %v", err)
		}
		if _, err := c.Encode(); err != nil {
			t.Errorf("cannot be written: %v", err)
		}
	})
}
