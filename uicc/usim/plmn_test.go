package usim

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/simbind/simbind/internal/vectors"
)

type plmnVector struct {
	ID       string
	MCC, MNC string
	PLMN     vectors.Hex
}

type plmnVectors struct {
	Codec      []plmnVector `json:"encode_decode"`
	DecodeOnly []plmnVector `json:"decode_only"`
}

func loadPLMN(t testing.TB) (v plmnVectors) {
	t.Helper()
	vectors.Load(t, "plmn.json", &v)
	if len(v.Codec) == 0 || len(v.DecodeOnly) == 0 {
		t.Fatal("a group of plmn.json is empty")
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

func TestPLMN(t *testing.T) {
	v := loadPLMN(t)
	for _, row := range append(v.Codec, v.DecodeOnly...) {
		t.Run(row.ID, func(t *testing.T) {
			want := PLMN{row.MCC, row.MNC}
			got, err := DecodePLMN(row.PLMN)
			if err != nil || got != want {
				t.Errorf("%s %v, want %s", got, err, want)
			}
			if b := want.Encode(); string(b[:]) != string(row.PLMN) {
				t.Errorf("encoded %X, want %X", b, row.PLMN)
			}
		})
	}
	for _, row := range v.Codec {
		if got, err := ParsePLMN(row.MCC, row.MNC); err != nil || got.String() != row.MCC+"-"+row.MNC {
			t.Errorf("%s: %s %v", row.ID, got, err)
		}
	}
}

func TestPLMNRefused(t *testing.T) {
	for name, bad := range map[string]string{
		"two bytes": "00F1", "four": "00F11000", "nibble A": "0AF110", "MCC of two": "00FF10", "MNC of one": "00F1F0", "hole in the MNC": "00110F",
	} {
		if got, err := DecodePLMN(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	for _, bad := range [][2]string{{"01", "01"}, {"001", "1"}, {"001", "0001"}, {"0O1", "01"}, {"", ""}} {
		if got, err := ParsePLMN(bad[0], bad[1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: %s %v", bad, got, err)
		}
	}
	if b := (PLMN{"0A1", "0"}).Encode(); b != [3]byte{0xF0, 0xF1, 0xF0} {
		t.Errorf("no digits: %X", b)
	}
}

func FuzzPLMN(f *testing.F) {
	v := loadPLMN(f)
	for _, r := range append(v.Codec, v.DecodeOnly...) {
		f.Add([]byte(r.PLMN))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePLMN(b)
		if err != nil {
			return
		}
		if back := p.Encode(); string(back[:]) != string(b) {
			t.Errorf("%X: %s, coded again %X", b, p, back)
		}
	})
}
