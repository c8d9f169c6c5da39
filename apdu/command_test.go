package apdu

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/internal/vectors"
)

type caseVectors struct {
	Cases []struct {
		ID          string
		APDU        vectors.Hex
		Case        int
		Lc, Le      int
		Data        vectors.Hex
		NonStandard bool `json:"non_standard"`
	}
	Malformed []struct {
		ID     string
		APDU   vectors.Hex
		Reason string
	}
}

func loadCases(t testing.TB) caseVectors {
	t.Helper()
	var v caseVectors
	vectors.Load(t, "apdu_cases.json", &v)
	if len(v.Cases) == 0 || len(v.Malformed) == 0 {
		t.Fatal("a group of apdu_cases.json is empty")
	}
	return v
}

func TestVectorsCases(t *testing.T) {
	for _, v := range loadCases(t).Cases {
		t.Run(v.ID, func(t *testing.T) {
			c, err := Parse(v.APDU)
			if v.NonStandard { // Lc 00 read as 256: not ISO/IEC 7816-4
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%s, %v", c, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Command{CLA: 0x41, INS: 0x41, P1: 0x41, P2: 0x41, Data: v.Data, Le: v.Le}
			if diff := cmp.Diff(want, c, cmp.Transformer("empty", func(b []byte) string { return string(b) })); diff != "" {
				t.Error(diff)
			}
			if c.Case() != v.Case || len(c.Data) != v.Lc || c.IsExtended() {
				t.Errorf("case %d, Lc %d, extended %v", c.Case(), len(c.Data), c.IsExtended())
			}
			if b, err := c.Bytes(); err != nil || !bytes.Equal(b, v.APDU) {
				t.Errorf("%X, %v", b, err)
			}
		})
	}
}

func TestVectorsMalformed(t *testing.T) {
	for _, v := range loadCases(t).Malformed {
		t.Run(v.ID, func(t *testing.T) {
			if c, err := Parse(v.APDU); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s was taken as %s", v.Reason, c)
			}
		})
	}
}

func TestExtended(t *testing.T) {
	data := func(n int) []byte { return bytes.Repeat([]byte{0xD7}, n) }
	for _, row := range []struct {
		what   string
		c      Command
		prefix []byte // behind the header
		suffix []byte // behind the data
		kind   int
	}{
		{"case 1 stays short", Command{Extended: true}, nil, nil, 1},
		{"Le 256 is short", Command{Le: 256}, []byte{0}, nil, 2},
		{"Le 257", Command{Le: 257}, []byte{0, 1, 1}, nil, 2},
		{"Le 65536", Command{Le: 65536}, []byte{0, 0, 0}, nil, 2},
		{"Le 1 when asked", Command{Le: 1, Extended: true}, []byte{0, 0, 1}, nil, 2},
		{"Le 256 when asked", Command{Le: 256, Extended: true}, []byte{0, 1, 0}, nil, 2},
		{"Lc 255 is short", Command{Data: data(255)}, []byte{0xFF}, nil, 3},
		{"Lc 256", Command{Data: data(256)}, []byte{0, 1, 0}, nil, 3},
		{"Lc 65535", Command{Data: data(65535)}, []byte{0, 0xFF, 0xFF}, nil, 3},
		{"Lc 1 when asked", Command{Data: data(1), Extended: true}, []byte{0, 0, 1}, nil, 3},
		{"Lc 255 Le 256 is short", Command{Data: data(255), Le: 256}, []byte{0xFF}, []byte{0}, 4},
		{"Lc 256 Le 1", Command{Data: data(256), Le: 1}, []byte{0, 1, 0}, []byte{0, 1}, 4},
		{"Lc 1 Le 257", Command{Data: data(1), Le: 257}, []byte{0, 0, 1}, []byte{1, 1}, 4},
		{"Lc 65535 Le 65536", Command{Data: data(65535), Le: 65536}, []byte{0, 0xFF, 0xFF}, []byte{0, 0}, 4},
	} {
		t.Run(row.what, func(t *testing.T) {
			row.c.CLA, row.c.INS, row.c.P1, row.c.P2 = 0x80, 0xE2, 0x90, 0x01
			want := append(append(append([]byte{0x80, 0xE2, 0x90, 0x01}, row.prefix...), row.c.Data...), row.suffix...)
			got, err := row.c.Bytes()
			if err != nil || !bytes.Equal(got, want) || row.c.Case() != row.kind {
				t.Fatalf("case %d, %d bytes, %v", row.c.Case(), len(got), err)
			}
			back, err := Parse(got)
			if err != nil || !bytes.Equal(back.Data, row.c.Data) || back.Le != row.c.Le || back.IsExtended() != row.c.IsExtended() {
				t.Errorf("%s, %v", back, err)
			}
		})
	}
}

func TestBytesRefuses(t *testing.T) {
	for _, c := range []Command{{Data: make([]byte, 65536)}, {Le: 65537}, {Le: -1}} {
		if b, err := c.Bytes(); !errors.Is(err, ErrMalformed) || b != nil {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for what, body := range map[string][]byte{
		"length field 00 and one byte": {0, 1},
		"extended Lc 0000":             {0, 0, 0, 1},
		"extended Lc beyond the data":  {0, 0, 3, 1, 2},
		"extended Le of one byte":      {0, 0, 1, 1, 0},
		"three bytes behind the data":  {0, 0, 1, 1, 0, 0, 0},
		"short Lc beyond the data":     {2, 1},
		"two bytes behind short data":  {1, 1, 0, 0},
	} {
		if c, err := Parse(append([]byte{0, 0xA4, 0, 0}, body...)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s, %v", what, c, err)
		}
	}
}

func TestParseOwnsItsData(t *testing.T) {
	b := []byte{0, 0xD6, 0, 0, 2, 1, 2}
	c, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	b[5] = 9
	if c.Data[0] != 1 {
		t.Error("the command changed with the bytes it came from")
	}
}

func TestCommandStringHidesData(t *testing.T) {
	c := Command{CLA: 0x00, INS: 0x20, P2: 0x0A, Data: []byte("12345678"), Le: 256}
	if got := c.String(); got != "0020000A Lc=8 Le=256" || strings.Contains(got, "31") {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	v := loadCases(f)
	for _, row := range v.Cases {
		f.Add([]byte(row.APDU))
	}
	for _, row := range v.Malformed {
		f.Add([]byte(row.APDU))
	}
	f.Add([]byte{0, 0xC0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
			return
		}
		again, err := c.Bytes()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%X became %X, %v", b, again, err)
		}
	})
}
