package tlv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/internal/vectors"
)

type cVector struct {
	ID, Kind string
	Hex      vectors.Hex
	Body     vectors.Hex
}

func loadComprehension(t testing.TB) (objects, commands, responses []cVector) {
	t.Helper()
	var v struct {
		Objects   []cVector `json:"tlv_objects"`
		Commands  []cVector `json:"proactive_commands"`
		Responses []cVector `json:"terminal_responses"`
	}
	vectors.Load(t, "toolkit.json", &v)
	if len(v.Objects) == 0 || len(v.Commands) == 0 || len(v.Responses) == 0 {
		t.Fatal("a group of toolkit.json is empty")
	}
	return v.Objects, v.Commands, v.Responses
}

// rewrite reads and writes again.
func rewrite(t testing.TB, b []byte) []byte {
	objects, err := ParseComprehension(b)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, o := range objects {
		out = AppendComprehension(out, o.Tag, o.CR, o.Value)
	}
	return out
}

func TestVectorsComprehension(t *testing.T) {
	tags := map[string]uint16{"text_string": 0x0D, "bearer_description": 0x35, "transport_level": 0x3C, "other_address": 0x3E, "network_access_name": 0x47}
	objects, commands, responses := loadComprehension(t)
	for _, v := range objects {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseComprehension(v.Hex)
			want := CObjects{{Tag: tags[v.Kind], CR: v.Hex[0]&0x80 != 0, Value: v.Hex[2:]}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" || tags[v.Kind] == 0 {
				t.Error(err, diff)
			}
			if again := rewrite(t, v.Hex); !bytes.Equal(again, v.Hex) {
				t.Errorf("%X", again)
			}
		})
	}
	for _, v := range commands {
		t.Run(v.ID, func(t *testing.T) {
			outer, err := Parse(v.Hex)
			if err != nil || len(outer) != 1 || outer[0].Tag != 0xD0 {
				t.Fatal(outer, err)
			}
			details, err := ParseComprehension(outer[0].Value)
			if err != nil || details[0].Tag != 0x01 || details[1].Tag != 0x02 || len(details[0].Value) != 3 || len(details[1].Value) != 2 {
				t.Error(details, err)
			}
			if again := rewrite(t, outer[0].Value); !bytes.Equal(again, outer[0].Value) {
				t.Errorf("%X", again)
			}
		})
	}
	for _, v := range responses {
		if len(v.Body) == 0 {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseComprehension(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			if result, ok := got.Find(0x03); !ok || len(result) == 0 {
				t.Error("no result", got)
			}
		})
	}
}

func TestComprehensionTags(t *testing.T) {
	for _, row := range []struct {
		in  string
		tag uint16
		cr  bool
	}{
		{"01 00", 0x01, false}, {"81 00", 0x01, true}, {"14 00", 0x14, false}, {"94 00", 0x14, true},
		{"7E 00", 0x7E, false}, {"FE 00", 0x7E, true}, {"7F 00 7F 00", 0x7F, false}, {"7F 80 7F 00", 0x7F, true},
		{"7F 01 00 00", 0x100, false}, {"7F FF FF 00", 0x7FFF, true},
	} {
		b := bytesOf(t, row.in)
		got, err := ParseComprehension(b)
		if err != nil || len(got) != 1 || got[0].Tag != row.tag || got[0].CR != row.cr {
			t.Errorf("%s: %v, %v", row.in, got, err)
		}
		if w := AppendComprehension(nil, row.tag, row.cr); !bytes.Equal(w, b) {
			t.Errorf("%s: written as %X", row.in, w)
		}
	}
}

func TestComprehensionRefuses(t *testing.T) {
	for _, row := range []struct{ in, reason string }{
		{"00 00", "00 is no tag"}, {"80 00", "80 is no tag"}, {"FF 00", "FF is no tag"},
		{"7F", "cut"}, {"7F 01", "cut"}, {"7F 00 00 00", "0 is no tag"}, {"7F 80 00 00", "0 is no tag"},
		{"81", "no length"}, {"81 80", "length field 80"}, {"81 81 7F", "shortest form"}, {"81 03 01 26", "says 3 bytes, 2 are left"},
		{"81 01 01 82 02 01", "at byte 3"}, {"81 83 FFFFFF", "says 16777215"},
	} {
		if got, err := ParseComprehension(bytesOf(t, row.in)); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.reason) || got != nil {
			t.Errorf("%s: %v, %v; want %q", row.in, got, err, row.reason)
		}
	}
	if got, err := ParseComprehension(nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

// TestComprehensionFind: with or without the bit, and in two parts.
func TestComprehensionFind(t *testing.T) {
	imei := bytesOf(t, "4A09512430325781")
	for _, cr := range []bool{false, true} {
		got, err := ParseComprehension(AppendComprehension(bytesOf(t, "8301 00"), 0x14, cr, imei[:3], imei[3:]))
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := got.Find(0x14); !ok || !bytes.Equal(v, imei) {
			t.Errorf("%X, %v", v, ok)
		}
		if _, ok := got.Find(0x62); ok {
			t.Error("found what is not there")
		}
	}
}

func FuzzParseComprehension(f *testing.F) {
	objects, commands, responses := loadComprehension(f)
	for _, v := range objects {
		f.Add([]byte(v.Hex))
	}
	for _, v := range commands {
		f.Add([]byte(v.Hex[2:]))
	}
	for _, v := range responses {
		f.Add([]byte(v.Body))
	}
	f.Add([]byte{0x7F, 0x00, 0x05, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := ParseComprehension(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
			return
		}
		var again []byte
		for _, o := range objects {
			again = AppendComprehension(again, o.Tag, o.CR, o.Value)
		}
		back, err := ParseComprehension(again) // a small tag in three bytes comes out in one
		if diff := cmp.Diff(objects, back, cmp.Transformer("hex", func(b []byte) string { return hex.EncodeToString(b) })); err != nil || diff != "" || len(again) > len(b) {
			t.Errorf("%X became %X: %v %s", b, again, err, diff)
		}
	})
}

func BenchmarkParseComprehension(b *testing.B) {
	data := bytesOf(b, "810301260182028281830100 94084A09512430325781")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseComprehension(data); err != nil {
			b.Fatal(err)
		}
	}
}
