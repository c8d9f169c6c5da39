package binding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/internal/vectors"
)

type imeiVectors struct {
	IMEI []struct {
		ID, IMEI, TAC, SNR string
		MatchKey           string      `json:"match_key"`
		LuhnValid          bool        `json:"luhn_valid"`
		MobileIdentity     vectors.Hex `json:"mobile_identity"`
	}
	IMEISV []struct {
		ID, IMEISV     string
		MatchKey       string      `json:"match_key"`
		MobileIdentity vectors.Hex `json:"mobile_identity"`
	}
	CheckDigit []struct {
		ID, Number string
		CheckDigit byte `json:"check_digit"`
	} `json:"check_digit"`
	Normalise []struct {
		ID, Input, Expect, Warning string
		MatchKey                   string `json:"match_key"`
	}
	PrefixRange []struct {
		ID, Prefix, Low, High, Expect, Note string
	} `json:"prefix_range"`
	PrefixMatch []struct {
		ID, IMEI, Prefix string
		Match            bool
	} `json:"prefix_match"`
}

func loadIMEI(t testing.TB) imeiVectors {
	t.Helper()
	var v imeiVectors
	vectors.Load(t, "imei.json", &v)
	if len(v.IMEI)*len(v.IMEISV)*len(v.CheckDigit)*len(v.Normalise)*len(v.PrefixRange)*len(v.PrefixMatch) == 0 {
		t.Fatal("a group of imei.json is empty")
	}
	return v
}

func TestVectorsIMEI(t *testing.T) {
	for _, v := range loadIMEI(t).IMEI {
		t.Run(v.ID, func(t *testing.T) {
			i, notes, err := ParseIMEI(v.IMEI)
			switch {
			case v.LuhnValid && (err != nil || notes != nil):
				t.Fatalf("notes %q, error %v", notes, err)
			case !v.LuhnValid && strings.HasSuffix(v.IMEI, "0") && (err != nil || !notes.Has(NoteTerminalForm)):
				t.Fatalf("notes %q, error %v, want the terminal form", notes, err)
			case !v.LuhnValid && !strings.HasSuffix(v.IMEI, "0"):
				wantInputError(t, err, "IMEI", 15, "check digit")
				i = mustIMEI(t, v.MatchKey)
			}
			if got := []string{i.String(), i.TAC(), i.String()[8:]}; !cmp.Equal(got, []string{v.MatchKey, v.TAC, v.SNR}) {
				t.Error(got)
			}
			wire, err := DecodeMobileIdentity(v.MobileIdentity)
			if err != nil || wire != i {
				t.Errorf("mobile identity: %v, %v", wire, err)
			}
		})
	}
}

func TestVectorsIMEISV(t *testing.T) {
	for _, v := range loadIMEI(t).IMEISV {
		t.Run(v.ID, func(t *testing.T) {
			i, notes, err := ParseIMEI(v.IMEISV)
			if err != nil || i.String() != v.MatchKey || !notes.Has(NoteIMEISV) {
				t.Errorf("%v, %q, %v", i, notes, err)
			}
			if slash, _, err := ParseIMEI(v.IMEISV[:14] + "/" + v.IMEISV[14:]); err != nil || slash != i {
				t.Errorf("with slash: %v, %v", slash, err)
			}
			if wire, err := DecodeMobileIdentity(v.MobileIdentity); err != nil || wire != i {
				t.Errorf("mobile identity: %v, %v", wire, err)
			}
		})
	}
}

func TestVectorsCheckDigit(t *testing.T) {
	for _, v := range loadIMEI(t).CheckDigit {
		t.Run(v.ID, func(t *testing.T) {
			if got := mustIMEI(t, v.Number).CheckDigit(); got != v.CheckDigit {
				t.Errorf("%d, want %d", got, v.CheckDigit)
			}
		})
	}
}

func TestVectorsNormalise(t *testing.T) {
	for _, v := range loadIMEI(t).Normalise {
		t.Run(v.ID, func(t *testing.T) {
			i, notes, err := ParseIMEI(v.Input)
			if v.Expect == "error" {
				if err == nil {
					t.Errorf("%q was taken as %s", v.Input, i)
				}
				return
			}
			if err != nil || i.String() != v.MatchKey || (v.Warning != "") != (len(notes) > 0) {
				t.Errorf("%s, %q, %v; want %s, warning %q", i, notes, err, v.MatchKey, v.Warning)
			}
		})
	}
}

func TestVectorsPrefix(t *testing.T) {
	all := loadIMEI(t)
	for _, v := range all.PrefixRange {
		t.Run(v.ID, func(t *testing.T) {
			p, notes, err := ParsePrefix(v.Prefix)
			if v.Expect == "error" {
				if err == nil {
					t.Errorf("%q was taken as %s", v.Prefix, p)
				}
				return
			}
			r, ok := p.Range()
			if err != nil || !ok || r.Low.String() != v.Low || r.High.String() != v.High {
				t.Fatalf("%v, %v, %v", r, ok, err)
			}
			if notes.Has(NoteModel) != (len(v.Prefix) == 8) {
				t.Errorf("notes %q", notes)
			}
			if !p.Matches(r.Low) || !p.Matches(r.High) {
				t.Error("the ends of its range do not match the prefix")
			}
		})
	}
	for _, v := range all.PrefixMatch {
		t.Run(v.ID, func(t *testing.T) {
			p, _, err := ParsePrefix(v.Prefix)
			i, _, err2 := ParseIMEI(v.IMEI)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			r, _ := p.Range()
			if p.Matches(i) != v.Match || r.Contains(i) != v.Match {
				t.Errorf("pattern %v, range %v, want %v", p.Matches(i), r.Contains(i), v.Match)
			}
		})
	}
}

func TestParseIMEI(t *testing.T) {
	for _, row := range []struct {
		in, want, note string
	}{
		{"35209900176148", "35209900176148", ""},
		{"352099001761481", "35209900176148", ""},
		{"35-209900-176148-1", "35209900176148", ""},
		{"  352099 001761 48 1 ", "35209900176148", ""},
		{"352099001761480", "35209900176148", NoteTerminalForm},
		{"35209900176148/23", "35209900176148", NoteIMEISV},
		{"356938035643809", "35693803564380", ""},
		{"001010000000016", "00101000000001", ""},
		{"99999999999999", "99999999999999", ""},
		{"999999999999994", "99999999999999", ""},
		{"00000000000001", "00000000000001", ""},
	} {
		i, notes, err := ParseIMEI(row.in)
		if err != nil || i.String() != row.want || (row.note == "") != (notes == nil) || row.note != "" && !notes.Has(row.note) {
			t.Errorf("%q: %s, %q, %v", row.in, i, notes, err)
		}
	}
}

func TestParseIMEIRefuses(t *testing.T) {
	for _, row := range []struct {
		in     string
		column int
		reason string
	}{
		{"", 1, "0 digits"},
		{"4901542032375", 14, "13 digits"},
		{"49015420323751012", 17, "17 digits"},
		{"490154203237517", 15, "check digit is 7, the other digits want 8"},
		{"49-015420-323751-7", 18, "check digit is 7"},
		{"123456789012345", 15, "check digit is 5, the other digits want 7"},
		{"4901542032375A8", 14, `'A' is no digit`},
		{"O90154203237518", 1, `'O' is no digit`},
		{"49015420323751８", 15, "full-width"},
		{"４90154203237518", 1, "full-width"},
		{"é490154203237518", 1, `'é' is no digit`},
		{"490154203237518/", 16, "is no digit"},
		{"49015420323751/8", 15, "slash"},
		{"49015420/323751", 9, "is no digit"},
		{"49015420323751//01", 16, "is no digit"},
		{"4.90154E+14", 2, "is no digit"},
		{"490154\xff203237518", 7, "no text"},
		{"490154203237518\n", 16, "is no digit"},
		{"00000000000000", 1, "all zeros"},
		{"000000000000000", 1, "all zeros"},
	} {
		t.Run(row.in, func(t *testing.T) {
			i, notes, err := ParseIMEI(row.in)
			wantInputError(t, err, "IMEI", row.column, row.reason)
			if i != (IMEI{}) || notes != nil {
				t.Errorf("an identity beside an error: %s, %q", i, notes)
			}
		})
	}
}

func TestInputErrorMasks(t *testing.T) {
	_, _, err := ParseIMEI("49-015420-323751-7")
	want := &InputError{Field: "IMEI", Input: "49-015420-******-*", Column: 18, Reason: "the check digit is 7, the other digits want 8"}
	if diff := cmp.Diff(want, err); diff != "" {
		t.Error(diff)
	}
	if got := err.Error(); got != "IMEI: column 18: the check digit is 7, the other digits want 8" {
		t.Error(got)
	}
	long := shorten(strings.Repeat("7", 10000))
	if want := "77777777" + strings.Repeat("*", 32) + "…"; long != want {
		t.Errorf("%q", long)
	}
}

func TestIMEIShownShort(t *testing.T) {
	i := mustIMEI(t, "49015420323751")
	if i.Short() != "49015420******" || i.String() != "49015420323751" || i.TestIMEI() || !mustIMEI(t, "00101000000001").TestIMEI() {
		t.Error(i.Short(), i.String(), i.TestIMEI())
	}
	view := IMEIView(i)
	holder := struct {
		I IMEI
		V *IMEIView
		P Pattern
		R Range
	}{i, &view, i.Pattern(), Range{i, i}}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "i", i, "v", view, "p", i.Pattern(), "r", holder.R)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "holder", holder)
	j, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	if strings.Contains(out.String(), "323751") || strings.Count(out.String(), "49015420******") < 12 {
		t.Error(out.String())
	}
}

func TestDecodeIMEI(t *testing.T) {
	for _, s := range []string{"", "490154203237", "4901542032375101", "49015420F23751", "A9015420323751"} {
		if i, err := DecodeIMEI(bytesOf(t, s)); err == nil {
			t.Errorf("%s was taken as %s", s, i)
		}
	}
}

func TestDecodeMobileIdentity(t *testing.T) {
	for _, s := range []string{ // the digits behind the fourteenth are not looked at
		"4A09512430325781", "4A09512430325701", "4A095124303257F1", "4309512430325701F0", "43095124303257F1FF",
	} {
		if i, err := DecodeMobileIdentity(bytesOf(t, s)); err != nil || i.String() != "49015420323751" {
			t.Errorf("%s: %s, %v", s, i, err)
		}
	}
	for what, s := range map[string]string{
		"empty": "", "IMEI of 7 bytes": "4A095124303257", "IMEI of 9 bytes": "4A0951243032578100", "IMEISV of 8 bytes": "4309512430325701",
		"IMEISV of 10 bytes": "4309512430325701F000", "type nibble B": "4B09512430325781", "type nibble 9 (an IMSI)": "4909512430325781",
		"digit 2 is A": "4A0A512430325781", "digit 1 is F": "FA09512430325781", "digit 13 is F": "4A0951243032F781", "digit 14 is F": "4A0951243032578F",
		"all zeros": "0A00000000000000", "all zeros but the check digit": "0A00000000000080", "IMEISV all zeros": "0300000000000000F0",
	} {
		if i, err := DecodeMobileIdentity(bytesOf(t, s)); err == nil {
			t.Errorf("%s (%s) was taken as %s", what, s, i)
		}
	}
}

func TestIMEIView(t *testing.T) {
	for _, row := range []struct {
		in, text string
		ok       bool
	}{
		{"49015420323751", "49015420323751", true},
		{"49015420FFFFFF", "49015420******", true},
		{"490154203FFFFF", "", false},
		{"FFFFFFFFFFFFFF", "", false},
		{"4901542AFFFFFF", "", false},
		{"4901542032375F", "", false},
	} {
		v, err := decodeIMEIView(bytesOf(t, row.in))
		if (err == nil) != row.ok || row.ok && v.String() != row.text {
			t.Errorf("%s: %s, %v", row.in, v, err)
		}
	}
	whole := IMEIView(mustIMEI(t, "49015420323751"))
	if !whole.Is(mustIMEI(t, "49015420323751")) || whole.Is(mustIMEI(t, "49015420323752")) || whole.Text(true) != "49015420323751" || whole.Text(false) != "49015420******" {
		t.Error(fmt.Sprint(whole.Text(true), whole.Text(false)))
	}
}
