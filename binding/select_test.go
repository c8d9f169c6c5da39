package binding

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/tlv"
)

const information = "E318 80 02 0100 81 01 01 82 01 20 83 01 07 84 07 A0000000871002 85 01 03"

// selectAnswer builds 6F {84, A5 {9F65, E3, E1}} from the parts that are given.
func selectAnswer(t testing.TB, aid []byte, parts ...string) []byte {
	var inside []byte
	for _, p := range parts {
		b := bytesOf(t, p)
		if b[0] == 0xE1 || b[0] == 0xE3 {
			b = relength(t, p)
		}
		inside = append(inside, b...)
	}
	return tlv.Encode(0x6F, tlv.Encode(0x84, aid), tlv.Encode(0xA5, inside))
}

func TestParseSelectAnswer(t *testing.T) {
	a, err := ParseSelectAnswer(selectAnswer(t, DefaultAID, "9F65 01 EF", information, openState), DefaultAID)
	if err != nil {
		t.Fatal(err)
	}
	want := Information{Major: 1, Interface: 1, Capacity: 32, Features: FeatureStrictStart | FeatureIMEISV | FeaturePairing, ADF: bytesOf(t, "A0000000871002"), Copies: 3}
	if diff := cmp.Diff(want, a.Information); diff != "" {
		t.Error(diff)
	}
	if a.MaxCommand != 239 || a.State.Generation != 2 || !bytes.Equal(a.AID, DefaultAID) || a.Information.Version() != "1.0" {
		t.Errorf("%+v", a)
	}
	if !a.Information.Copies.USIM() || !a.Information.Copies.GSM() || a.Information.Features.String() != "strict start, IMEISV fallback, EF_IPS" {
		t.Error(a.Information.Copies, a.Information.Features)
	}
	j, err := json.Marshal(a.Information.View())
	if want := `{"version":"1.0","interface":1,"capacity":32,"features":["strict_start","imeisv","pairing_status"],"adf":"A0000000871002","copies":["adf_usim","df_gsm"]}`; err != nil || string(j) != want {
		t.Errorf("%s, %v", j, err)
	}
}

func TestParseSelectAnswerLengths(t *testing.T) {
	for field, want := range map[string]int{"": 255, "9F65 01 FF": 255, "9F65 02 0100": 256, "9F65 02 00EF": 239} {
		a, err := ParseSelectAnswer(selectAnswer(t, DefaultAID, orUnknown(field), information, openState), DefaultAID)
		if err != nil || a.MaxCommand != want {
			t.Errorf("%q: %d, %v", field, a.MaxCommand, err)
		}
	}
}

// orUnknown stands an unknown object in for a missing field: it has to be ignored.
func orUnknown(field string) string {
	if field == "" {
		return "9F6E 01 00"
	}
	return field
}

func TestParseSelectAnswerRefuses(t *testing.T) {
	whole := selectAnswer(t, DefaultAID, "9F65 01 FF", information, openState)
	for _, row := range []struct {
		what   string
		bytes  []byte
		reason string
	}{
		{"empty", nil, "no tag"},
		{"cut", whole[:len(whole)-1], "are left"},
		{"bytes behind", append(bytes.Clone(whole), 0), "not one template 6F"},
		{"FCP", append([]byte{0x62}, whole[1:]...), "not one template 6F"},
		{"without 84", tlv.Encode(0x6F, tlv.Encode(0xA5)), "without tag 84"},
		{"without A5", tlv.Encode(0x6F, tlv.Encode(0x84, DefaultAID)), "without tag A5"},
		{"84 twice", tlv.Encode(0x6F, tlv.Encode(0x84, DefaultAID), tlv.Encode(0x84, DefaultAID), tlv.Encode(0xA5)), "tag 84 stands twice"},
		{"without E3", selectAnswer(t, DefaultAID, openState), "without tag E3"},
		{"without E1", selectAnswer(t, DefaultAID, information), "without tag E1"},
		{"E1 twice", selectAnswer(t, DefaultAID, information, openState, openState), "tag E1 stands twice"},
		{"9F65 zero", selectAnswer(t, DefaultAID, "9F65 01 00", information, openState), "9F65"},
		{"9F65 of three bytes", selectAnswer(t, DefaultAID, "9F65 03 000100", information, openState), "9F65 has 3 bytes"},
		{"E3 without capacity", selectAnswer(t, DefaultAID, strings.Replace(information, "82 01 20", "", 1), openState), "E3 without tag 82"},
		{"E3 with too little room", selectAnswer(t, DefaultAID, strings.Replace(information, "82 01 20", "82 01 0F", 1), openState), "room for 15"},
		{"E3 with a short AID", selectAnswer(t, DefaultAID, strings.Replace(information, "84 07 A0000000871002", "84 04 A0000000", 1), openState), "5 to 16"},
		{"E1 malformed", selectAnswer(t, DefaultAID, information, "E103 80 01 00"), "E1 without tag 82"},
	} {
		t.Run(row.what, func(t *testing.T) {
			a, err := ParseSelectAnswer(row.bytes, DefaultAID)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("%+v, %v; want %q", a, err, row.reason)
			}
		})
	}
}

// TestOtherApplication: an answer of somebody else is not believed, whatever it holds (§2).
func TestOtherApplication(t *testing.T) {
	isd := bytesOf(t, "A000000151000000")
	for _, b := range [][]byte{
		selectAnswer(t, isd, "9F65 01 FF"),
		selectAnswer(t, isd, information, openState),
		selectAnswer(t, DefaultPackageAID, information, openState),
	} {
		_, err := ParseSelectAnswer(b, DefaultAID)
		var other *OtherApplicationError
		if !errors.As(err, &other) || !errors.Is(err, ErrMalformed) || !bytes.Equal(other.Asked, DefaultAID) {
			t.Errorf("%v", err)
		}
	}
}

func TestOtherVersion(t *testing.T) {
	newer := strings.Replace(information, "81 01 01", "81 01 02", 1)
	_, err := ParseSelectAnswer(selectAnswer(t, DefaultAID, strings.Replace(newer, "82 01 20", "82 02 0020", 1), openState), DefaultAID)
	var v *VersionError
	if !errors.As(err, &v) || v.Have != 2 {
		t.Error(err)
	}
}

func TestParseInformation(t *testing.T) {
	if i, err := ParseInformation(relength(t, information)); err != nil || i.Capacity != 32 {
		t.Error(i, err)
	}
	for _, b := range [][]byte{nil, {0xE3}, {0xE1, 0}, {0xE3, 0}, {0xE3, 0, 0}, {0xE3, 1, 0x80}} {
		if i, err := ParseInformation(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%X: %+v, %v", b, i, err)
		}
	}
}

func FuzzParseSelectAnswer(f *testing.F) {
	f.Add(selectAnswer(f, DefaultAID, "9F65 01 FF", information, openState))
	f.Add(selectAnswer(f, DefaultPackageAID, information, openState))
	f.Add(bytesOf(f, "6F108408A000000151000000A5049F6501FF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseSelectAnswer(b, DefaultAID)
		var version *VersionError
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.As(err, &version) {
				t.Errorf("%v is neither malformed nor of another version", err)
			}
			return
		}
		if a.MaxCommand < 1 || a.MaxCommand > 65535 || a.Information.Capacity < MinimumEntries {
			t.Errorf("%+v", a)
		}
	})
}

func FuzzParseInformation(f *testing.F) {
	f.Add(relength(f, information))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseInformation(b)
		var version *VersionError
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.As(err, &version) {
			t.Error(err)
		}
		_ = i.View()
	})
}
