package usim

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
)

func TestServices(t *testing.T) {
	s := Services{10: 0x10, 12: 0x20, 15: 0x02, 16: 0x02}
	if diff := cmp.Diff([]int{ServiceEMM, ServicePairing, Service5GSMM, ServiceNonIMSISUPI}, s.List()); diff != "" {
		t.Error(diff)
	}
	for _, n := range []int{-1, 0, 1, 84, 86, 136, 137, 1000} {
		if s.Available(n) {
			t.Errorf("service %d", n)
		}
	}
	if Services(nil).Available(1) || len(Services(nil).List()) != 0 {
		t.Error("an empty table offers nothing")
	}
	for n, want := range map[int]string{102: "USAT application pairing", 130: "SUPI of type NSI, GLI or GCI", 77: "service 77"} {
		if got := ServiceName(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestAD(t *testing.T) {
	type vector struct {
		ID        string
		EF        vectors.Hex
		Mode      vectors.Hex
		ModeName  string `json:"mode_name"`
		Ciphering bool   `json:"ciphering_indicator"`
		OFM       bool
		DRX       bool `json:"extended_drx"`
		MNCLength int  `json:"mnc_length"`
	}
	var v struct{ UICC, SIM []vector }
	vectors.Load(t, "ad.json", &v)
	if len(v.UICC) == 0 || len(v.SIM) == 0 {
		t.Fatal("a group of ad.json is empty")
	}
	for _, row := range v.UICC {
		t.Run(row.ID, func(t *testing.T) {
			got, err := DecodeAD(row.EF)
			want := AD{Mode: row.Mode[0], CipheringIndicator: row.Ciphering, ExtendedDRX: row.DRX, MNC: row.MNCLength}
			if err != nil || got != want || got.ModeName() != row.ModeName {
				t.Errorf("%+v %s %v, want %+v %s", got, got.ModeName(), err, want, row.ModeName)
			}
			if MNCLength(row.EF) != row.MNCLength {
				t.Errorf("MNC of %d digits", MNCLength(row.EF))
			}
		})
	}
	for _, row := range v.SIM {
		got, err := DecodeAD(row.EF)
		if err != nil || got.MNC != 0 || got.Mode != row.Mode[0] || got.CipheringIndicator != row.OFM || got.ModeName() != row.ModeName {
			t.Errorf("%s: %+v %v", row.ID, got, err)
		}
	}
	for _, b := range [][]byte{nil, {0}, {0, 0, 0, 1}, {0, 0, 0, 4}, {0, 0, 0, 0xFF}} {
		if n := MNCLength(b); n != 0 {
			t.Errorf("%X: MNC of %d digits, want unknown", b, n)
		}
	}
	if got := (AD{Mode: 0x55}).ModeName(); got != "mode 55" {
		t.Error(got)
	}
}

func TestAlpha(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"FFFFFFFF":           "",
		"4D61676963FF41":     "Magic",
		"005B5C7B7C":         "@ÄÖäö",
		"1B41":               "?A", // the escape and control characters are never shown
		"4D0A0D41":           "M??A",
		"4190":               "A?",
		"80":                 "",
		"8000410042FFFF0043": "AB",
		"8004100041FF":       "\u0410A",
		"80202E0041":         "?A", // right-to-left override
		"80D83D":             "?",  // half of a pair
		"8102089041FF":       "\u0410A",
		"8105084190":         "A\u0410", // says more than there is
		"81":                 "?",
		"8203053041D3D3":     "A\u0583\u0583",
		"820305":             "?¥é", // too short for a base: read as the default alphabet
	} {
		if got := Alpha(unhex(t, text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// card answers from a table of commands; what is not in it does not exist.
func card(t *testing.T, answers map[string]string) apdu.Transmitter {
	return apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
		b, err := c.Bytes()
		if err != nil {
			return apdu.Response{}, err
		}
		answer, ok := answers[fmt.Sprintf("%X", b)]
		if !ok {
			answer = "6A83"
		}
		return apdu.ParseResponse(unhex(t, answer))
	})
}

func TestFindUSIM(t *testing.T) {
	const mf, dir1, dir2 = "00A40004023F0000", "00B201F400", "00B202F400"
	const template = "62088202782183023F00"
	const isim = "61124F10A0000000871004FFFFFFFF8907090000"
	const usim = "61124F10A0000000871002FFFFFFFF8907090000"
	for name, row := range map[string]struct {
		answers map[string]string
		want    string
		err     error
	}{
		"behind an ISIM": {map[string]string{mf: template + "9000", dir1: isim + "9000", dir2: usim + "9000"}, "A0000000871002FFFFFFFF8907090000", nil},
		"none":           {map[string]string{mf: template + "9000", dir1: isim + "9000"}, "", nil},
		"no MF":          {map[string]string{mf: "6A82"}, "", apdu.SWFileNotFound},
		"no EF_DIR":      {map[string]string{mf: template + "9000", dir1: "6A82"}, "", apdu.SWFileNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FindUSIM(t.Context(), card(t, row.answers))
			if fmt.Sprintf("%X", got) != row.want || !errors.Is(err, row.err) {
				t.Errorf("%X %v", got, err)
			}
		})
	}
}
