package usim

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/internal/vectors"
)

type imsiVector struct {
	ID, IMSI, Reason string
	EF               vectors.Hex
}

type imsiVectors struct {
	Codec       []imsiVector `json:"encode_decode"`
	DecodeOnly  []imsiVector `json:"decode_only"`
	NoIMSI      []imsiVector `json:"no_imsi"`
	Implausible []imsiVector
}

func loadIMSI(t testing.TB) (v imsiVectors) {
	t.Helper()
	vectors.Load(t, "imsi.json", &v)
	if len(v.Codec) == 0 || len(v.DecodeOnly) == 0 || len(v.NoIMSI) == 0 || len(v.Implausible) == 0 {
		t.Fatal("a group of imsi.json is empty")
	}
	return v
}

func nine(t testing.TB, b []byte) (out [9]byte) {
	t.Helper()
	if copy(out[:], b) != 9 || len(b) != 9 {
		t.Fatalf("%X is not 9 bytes", b)
	}
	return out
}

func TestIMSI(t *testing.T) {
	for _, v := range loadIMSI(t).Codec {
		t.Run(v.ID, func(t *testing.T) {
			got, err := DecodeIMSI(v.EF)
			if err != nil || got.String() != v.IMSI {
				t.Errorf("decoded %s %v, want %s", got, err, v.IMSI)
			}
			if b := EncodeIMSI(IMSI(v.IMSI)); string(b[:]) != string(v.EF) {
				t.Errorf("encoded %X, want %X", b, v.EF)
			}
			if err := Plausible(nine(t, v.EF)); err != nil {
				t.Error(err)
			}
			if typed, err := ParseIMSI(v.IMSI[:3] + " " + v.IMSI[3:5] + "-" + v.IMSI[5:]); err != nil || typed != got {
				t.Errorf("typed: %s %v", typed, err)
			}
		})
	}
	for _, v := range loadIMSI(t).DecodeOnly {
		if got, err := DecodeIMSI(v.EF); err != nil || got.String() != v.IMSI {
			t.Errorf("%s: %s %v", v.ID, got, err)
		}
	}
}

func TestNoIMSI(t *testing.T) {
	for _, v := range loadIMSI(t).NoIMSI {
		if got, err := DecodeIMSI(v.EF); !errors.Is(err, ErrNoIMSI) || got != "" {
			t.Errorf("%s: %q %v", v.ID, got, err)
		}
		if err := Plausible(nine(t, v.EF)); !errors.As(err, new(*ImplausibleError)) {
			t.Errorf("%s is plausible: %v", v.ID, err)
		}
	}
}

// TestImplausible names the rule each vector breaks.
func TestImplausible(t *testing.T) {
	rules := map[string]Rule{
		"IMSI-30": RuleLength, "IMSI-31": RuleDigits, "IMSI-32": RuleFiller, "IMSI-33": RuleType,
		"IMSI-34": RuleDigits, "IMSI-35": RuleDigits, "IMSI-36": RuleLength, "IMSI-37": RuleVaried,
	}
	for _, v := range loadIMSI(t).Implausible {
		t.Run(v.ID, func(t *testing.T) { wantRule(t, v.EF, rules[v.ID]) })
	}
	for name, row := range map[string]struct {
		ef   []byte
		rule Rule
	}{
		"blank":                     {[]byte(strings.Repeat("\xFF", 9)), RulePresent},
		"denial value":              {[]byte("\x00" + strings.Repeat("\xFF", 8)), RuleLength},
		"all ones":                  {[]byte("\x08\x19\x11\x11\x11\x11\x11\x11\x11"), RuleVaried},
		"MCC 000":                   {[]byte("\x08\x09\x00\x10\x32\x54\x76\x98\x10"), RuleMCC},
		"a byte behind":             {[]byte("\x07\x01\x10\x10\x00\x00\x21\xF3\x00"), RuleFiller},
		"too long for its digits":   {[]byte("\x08\x01\x10\x10\x00\x00\x21\xF3\xFF"), RuleDigits},
		"five digits in four bytes": {[]byte("\x04\x01\x10\x10\xFF\xFF\xFF\xFF\xFF"), RuleDigits},
	} {
		t.Run(name, func(t *testing.T) { wantRule(t, row.ef, row.rule) })
	}
	if err := Plausible(EncodeIMSI("001012")); err != nil {
		t.Errorf("six digits: %v", err)
	}
	if err := Plausible(EncodeIMSI("00101")); err == nil {
		t.Error("five digits are plausible")
	}
}

func wantRule(t *testing.T, ef []byte, want Rule) {
	t.Helper()
	var e *ImplausibleError
	err := Plausible(nine(t, ef))
	if !errors.As(err, &e) || e.Rule != want {
		t.Fatalf("%v, want rule %q", err, want)
	}
	if !strings.Contains(err.Error(), string(want)) || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNoIMSI) {
		t.Errorf("%v", err)
	}
}

func TestIMSIForms(t *testing.T) {
	for _, bad := range []string{"", "12345", "1234567890123456", "00101A123456789", "+00101012345678", "٠٠١٠١٠"} {
		if got, err := ParseIMSI(bad); !errors.Is(err, ErrMalformed) || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %s %v", bad, got, err)
		}
	}
	for _, bad := range []IMSI{"", "1234567890123456", "00101A123456789", "0010101234567890123456789"} {
		if got := EncodeIMSI(bad); got != blank {
			t.Errorf("%q: %X", bad, got)
		}
	}
	for name, bad := range map[string]string{"seven bytes": "07011010000021", "ten bytes": "080910100000214365FF", "nothing": ""} {
		if got, err := DecodeIMSI(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	imsi := IMSI("001010123456756")
	for n, want := range map[int]string{2: "00101***56", 3: "001010***56", 0: "001***56", 4: "001***56"} {
		if got := imsi.Short(n); got != want {
			t.Errorf("MNC of %d: %s, want %s", n, got, want)
		}
	}
	if got := IMSI("0010").Short(2); got != "***" {
		t.Errorf("short IMSI: %s", got)
	}
	for n, want := range map[int]string{2: "001-01 true", 3: "001-010 true", 0: "unused false", 9: "unused false"} {
		p, ok := imsi.PLMN(n)
		if got := fmt.Sprintf("%s %v", p, ok); got != want {
			t.Errorf("MNC of %d: %s, want %s", n, got, want)
		}
	}
}

func FuzzIMSI(f *testing.F) {
	v := loadIMSI(f)
	for _, rows := range [][]imsiVector{v.Codec, v.DecodeOnly, v.NoIMSI, v.Implausible} {
		for _, r := range rows {
			f.Add([]byte(r.EF))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := DecodeIMSI(b)
		if len(b) != 9 {
			return
		}
		raw := nine(t, b)
		if Plausible(raw) != nil {
			return
		}
		if err != nil || EncodeIMSI(i) != raw { // what is plausible has one coding only
			t.Errorf("%X: %v, coded again %X", b, err, EncodeIMSI(i))
		}
	})
}
