package tlv

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/simbind/simbind/internal/vectors"
)

func TestMain(m *testing.M) { vectors.Main(m, "tlv") }

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type berVector struct {
	ID, Expect, Reason string
	Hex                vectors.Hex
	Tags               []string
}

func loadBER(t testing.TB) []berVector {
	t.Helper()
	var v struct{ TLV []berVector }
	vectors.Load(t, "gp_parsing.json", &v)
	if len(v.TLV) == 0 {
		t.Fatal("no rows")
	}
	return v.TLV
}

// flat lists the tags of a tree in order of appearance.
func flat(b []byte) ([]string, error) {
	objects, err := Parse(b)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, o := range objects {
		out = append(out, o.Tag.String())
		if !o.Tag.Constructed() {
			continue
		}
		inner, err := flat(o.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	return out, nil
}

func TestVectorsBER(t *testing.T) {
	for _, v := range loadBER(t) {
		t.Run(v.ID, func(t *testing.T) {
			defer vectors.Use(t, v.ID)
			tags, err := flat(v.Hex)
			if v.Expect == "error" {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: %v, %v", v.Reason, tags, err)
				}
				return
			}
			if diff := cmp.Diff(v.Tags, tags); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// TestVectorsSDParameters writes parameters of a security domain object by object.
func TestVectorsSDParameters(t *testing.T) {
	var v struct {
		Rows []struct {
			ID, SCP, I    string
			Extradition   vectors.Hex `json:"accept_extradition"`
			Deletion      vectors.Hex `json:"accept_deletion"`
			Personalized  bool
			CASD, Encoded vectors.Hex
			Away          vectors.Hex `json:"extradition_away"`
		} `json:"sd_parameters"`
	}
	vectors.Load(t, "gp_install_params.json", &v)
	for _, row := range v.Rows {
		got := Encode(0x81, bytesOf(t, row.SCP+row.I))
		got = Append(Append(got, 0x82, row.Extradition), 0x83, row.Deletion)
		if row.Personalized {
			got = Append(got, 0x84, nil)
		}
		got = Append(Append(got, 0x86, row.CASD), 0x87, row.Away)
		if !bytes.Equal(got, row.Encoded) {
			t.Errorf("%s: %X, want %X", row.ID, got, []byte(row.Encoded))
		}
		if objects, err := Parse(row.Encoded); err != nil || !bytes.Equal(rebuild(t, objects), row.Encoded) {
			t.Errorf("%s: %v, %v", row.ID, objects, err)
		}
		vectors.Use(t, row.ID)
	}
}

// TestVectorsTemplates reads templates of real cards: outer tag and the tags inside, and back to the same bytes.
func TestVectorsTemplates(t *testing.T) {
	var v struct {
		SelectFCI     []berVector `json:"select_fci"`
		CardResources []berVector `json:"card_resources"`
		CPLC          []berVector
	}
	vectors.Load(t, "gp_parsing.json", &v)
	if len(v.SelectFCI) == 0 || len(v.CardResources) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range append(v.SelectFCI, v.CardResources...) {
		t.Run(row.ID, func(t *testing.T) {
			objects, err := Parse(row.Hex)
			if err != nil || len(objects) != 1 {
				t.Fatal(objects, err)
			}
			if got := rebuild(t, objects); !bytes.Equal(got, row.Hex) {
				t.Errorf("%X, want %X", got, []byte(row.Hex))
			}
		})
	}
}

// rebuild parses constructed values too and writes everything anew.
func rebuild(t testing.TB, objects Objects) []byte {
	var out []byte
	for _, o := range objects {
		value := o.Value
		if inner, err := Parse(o.Value); err == nil && o.Tag.Constructed() {
			value = rebuild(t, inner)
		}
		out = Append(out, o.Tag, value)
	}
	return out
}

func TestTags(t *testing.T) {
	for _, row := range []struct {
		in          string
		tag         Tag
		text        string
		constructed bool
	}{
		{"80 00", 0x80, "80", false},
		{"A5 00", 0xA5, "A5", true},
		{"6F 00", 0x6F, "6F", true},
		{"9F65 00", 0x9F65, "9F65", false},
		{"FF21 00", 0xFF21, "FF21", true},
		{"5F2D 00", 0x5F2D, "5F2D", false},
		{"7F8101 00", 0x7F8101, "7F8101", true},
		{"DF8F7F 00", 0xDF8F7F, "DF8F7F", false},
		{"00 00", 0x00, "00", false},
	} {
		b := bytesOf(t, row.in)
		o, n, err := Next(b)
		if err != nil || n != len(b) || o.Tag != row.tag || o.Tag.String() != row.text || o.Tag.Constructed() != row.constructed {
			t.Errorf("%s: %v, %d, %v", row.in, o, n, err)
		}
		if got := Encode(row.tag); !bytes.Equal(got, b) {
			t.Errorf("%s: written as %X", row.in, got)
		}
	}
}

func TestLengths(t *testing.T) {
	for _, row := range []struct {
		n      int
		prefix string
	}{
		{0, "00"}, {1, "01"}, {127, "7F"}, {128, "8180"}, {255, "81FF"}, {256, "820100"}, {65535, "82FFFF"}, {65536, "83010000"}, {70000, "83011170"},
	} {
		value := bytes.Repeat([]byte{0x5A}, row.n)
		b := Encode(0x84, value[:row.n/2], value[row.n/2:])
		if want := bytesOf(t, "84"+row.prefix); !bytes.HasPrefix(b, want) || len(b) != len(want)+row.n {
			t.Errorf("%d: %X…, %d bytes", row.n, b[:min(6, len(b))], len(b))
		}
		o, n, err := Next(append(b, 0xAA))
		if err != nil || n != len(b) || !bytes.Equal(o.Value, value) {
			t.Errorf("%d: read %d bytes, %v", row.n, n, err)
		}
	}
	if got := AppendLength(nil, 0xFFFFFF); !bytes.Equal(got, []byte{0x83, 0xFF, 0xFF, 0xFF}) {
		t.Errorf("%X", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct{ what, in, reason string }{
		{"tag alone", "84", "no length"},
		{"two-byte tag cut", "9F", "tag 9F is cut"},
		{"three-byte tag cut", "7F81", "tag 7F81 is cut"},
		{"four-byte tag", "7F818101 00", "longer than 3 bytes"},
		{"length cut", "84 82 01", "length is cut"},
		{"indefinite length", "A5 80 00 00", "length field 80"},
		{"length of four bytes", "84 84 00000001 00", "length field 84"},
		{"length FF", "84 FF", "length field FF"},
		{"81 for 127", "84 81 7F" + strings.Repeat("00", 127), "shortest form"},
		{"82 for 255", "84 82 00FF" + strings.Repeat("00", 255), "shortest form"},
		{"83 for 1", "84 83 000001 00", "shortest form"},
		{"value cut", "84 02 01", "says 2 bytes, 1 are left"},
		{"second object cut", "80 01 01 84 02 01", "at byte 3"},
		{"padding", "80 01 01 FF FF", "at byte 3"},
		{"16 MB claimed", "84 83 FFFFFF 00", "says 16777215 bytes, 1 are left"},
	} {
		t.Run(row.what, func(t *testing.T) {
			objects, err := Parse(bytesOf(t, row.in))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.reason) || objects != nil {
				t.Errorf("%v, %v; want %q", objects, err, row.reason)
			}
		})
	}
}

func TestParseLenient(t *testing.T) {
	for _, row := range []struct {
		in   string
		tags string // empty: refused
	}{
		{"61 02 4F 00 FF FF FF", "[61]"},
		{"80 01 01 00 00 00", "[80]"},
		{"FF FF FF FF", "[]"},
		{"00", "[]"},
		{"", "[]"},
		{"84 81 01 AA", "[84]"},
		{"84 83 000001 AA 80 00", "[84 80]"},
		{"80 01 01 FF 21 00", "[80 FF21]"},
		{"80 01 01 FF FF 00", ""},
		{"80 01 01 00 FF", ""},
		{"84 80 00 00", ""},
		{"84 03 01", ""},
	} {
		objects, err := ParseLenient(bytesOf(t, row.in))
		got := []string{}
		for _, o := range objects {
			got = append(got, o.Tag.String())
		}
		if row.tags == "" && !errors.Is(err, ErrMalformed) || row.tags != "" && (err != nil || fmt.Sprint(got) != row.tags) {
			t.Errorf("%s: %v, %v; want %s", row.in, got, err, row.tags)
		}
	}
}

func TestFind(t *testing.T) {
	objects, err := Parse(bytesOf(t, "81 01 AA 83 00 81 01 BB"))
	if err != nil {
		t.Fatal(err)
	}
	first, ok := objects.Find(0x81)
	empty, there := objects.Find(0x83)
	_, missing := objects.Find(0x82)
	if !ok || first[0] != 0xAA || !there || len(empty) != 0 || missing {
		t.Error(first, ok, empty, there, missing)
	}
	if all := objects.All(0x81); len(all) != 2 || all[1][0] != 0xBB || objects.All(0x82) != nil {
		t.Error(all)
	}
}

// TestValuesDoNotGrowIntoTheirNeighbours: appending to a value must not overwrite the object behind it.
func TestValuesDoNotGrowIntoTheirNeighbours(t *testing.T) {
	b := bytesOf(t, "81 01 AA 83 01 BB")
	objects, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(objects[0].Value, 0xCC)
	if !bytes.Equal(b, bytesOf(t, "81 01 AA 83 01 BB")) {
		t.Errorf("%X", b)
	}
}

// TestClaimsAllocateNothing: a length is believed only when the bytes are there.
func TestClaimsAllocateNothing(t *testing.T) {
	claims := [][]byte{{0x84, 0x83, 0xFF, 0xFF, 0xFF, 0x00}, {0x84, 0x82, 0xFF, 0xFF}, {0x61, 0x83, 0x10, 0x00, 0x00, 0x84, 0x82, 0xFF, 0xFF}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, b := range claims {
			_, err := Parse(b)
			_, err2 := ParseLenient(b)
			_, err3 := ParseComprehension(b)
			if err == nil || err2 == nil || err3 == nil {
				t.Fatalf("%X was taken", b)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes for 900 refusals", n)
	}
}

// tree draws TLV data up to a depth and gives its bytes.
func tree(depth int) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		var out []byte
		for range rapid.IntRange(0, 4).Draw(t, "objects") {
			value := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")
			tag := rapid.SampledFrom([]Tag{0x80, 0x9F65, 0x5F2D, 0xDF8101, 0x01}).Draw(t, "primitive")
			if depth > 0 && rapid.Bool().Draw(t, "nest") {
				tag, value = rapid.SampledFrom([]Tag{0x6F, 0xFF21, 0x7F8101, 0xE3}).Draw(t, "constructed"), tree(depth-1).Draw(t, "inner")
			}
			out = Append(out, tag, value)
		}
		return out
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := tree(3).Draw(t, "tree")
		objects, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		var again []byte
		for _, o := range objects {
			again = Append(again, o.Tag, o.Value)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%X became %X", b, again)
		}
		lenient, err := ParseLenient(append(bytes.Clone(b), 0xFF, 0xFF))
		if err != nil || len(lenient) != len(objects) {
			t.Fatal(len(lenient), err)
		}
	})
}

// TestLongSequence: a sequence of many empty objects is read in one pass. In a pass for each object this would take minutes.
func TestLongSequence(t *testing.T) {
	b := append(make([]byte, 1<<20), 0x81)
	began := time.Now()
	if _, err := ParseLenient(b); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("%s for a megabyte", took)
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range loadBER(f) {
		f.Add([]byte(v.Hex))
	}
	f.Add(bytesOf(f, "6F108408A000000151000000A5049F6501FF"))
	f.Add(bytesOf(f, "FF211081020002820400016DB483040000086A"))
	f.Add([]byte{0x84, 0x83, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := Parse(b)
		lenient, lenientErr := ParseLenient(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || lenientErr != nil && !errors.Is(lenientErr, ErrMalformed) {
				t.Error(err, lenientErr)
			}
			return
		}
		var again []byte
		for _, o := range objects {
			again = Append(again, o.Tag, o.Value)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%X became %X", b, again)
		}
		if lenientErr != nil || len(lenient) > len(objects) {
			t.Errorf("%X: %d objects, leniently %d, %v", b, len(objects), len(lenient), lenientErr)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var inner []byte
	for range 16 {
		inner = Append(inner, 0x81, []byte{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51})
	}
	data := Encode(0xE0, inner)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		outer, err := Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Parse(outer[0].Value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	value := make([]byte, 200)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], 0x9F65, value)
	}
}
