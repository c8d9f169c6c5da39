package binding

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
)

func TestCommands(t *testing.T) {
	for _, row := range []struct {
		what string
		c    apdu.Command
		want string
	}{
		{"SELECT", SelectApplet(DefaultAID), "00A40400 09 F053494D42494E4401 00"},
		{"GET DATA E1", GetData(ObjectState, 0), "80CA00E1 00"},
		{"GET DATA E0, second part", GetData(ObjectConfiguration, 1), "80CA01E0 00"},
		{"GET DATA E3", GetData(ObjectInformation, 0), "80CA00E3 00"},
		{"GET DATA E4", GetData(ObjectLog, 0), "80CA00E4 00"},
	} {
		if got, err := row.c.Bytes(); err != nil || !bytes.Equal(got, bytesOf(t, row.want)) {
			t.Errorf("%s: %X, %v", row.what, got, err)
		}
	}
}

func TestStoreData(t *testing.T) {
	template := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 75) // 600 bytes
	for _, row := range []struct {
		length, most int
		want         []string // P1 P2 length
	}{
		{0, 255, []string{"90 00 0"}},
		{1, 255, []string{"90 00 1"}},
		{255, 255, []string{"90 00 255"}},
		{256, 255, []string{"10 00 255", "90 01 1"}},
		{600, 223, []string{"10 00 223", "10 01 223", "90 02 154"}},
		{600, 300, []string{"10 00 255", "10 01 255", "90 02 90"}},
		{3, 1, []string{"10 00 1", "10 01 1", "90 02 1"}},
		{2, 0, []string{"10 00 1", "90 01 1"}},
		{2, -5, []string{"10 00 1", "90 01 1"}},
	} {
		t.Run(fmt.Sprint(row.length, "_", row.most), func(t *testing.T) {
			var got []string
			var joined []byte
			for _, c := range StoreData(template[:row.length], row.most) {
				if c.CLA != 0x80 || c.INS != 0xE2 || c.Le != 0 || c.IsExtended() {
					t.Errorf("%s", c)
				}
				got = append(got, fmt.Sprintf("%02X %02X %d", c.P1, c.P2, len(c.Data)))
				joined = append(joined, c.Data...)
			}
			if diff := cmp.Diff(row.want, got); diff != "" || !bytes.Equal(joined, template[:row.length]) {
				t.Error(diff)
			}
		})
	}
	// P2 cannot count beyond FF: the blocks grow instead of starting anew.
	blocks := StoreData(template, 2)
	if last := blocks[len(blocks)-1]; len(blocks) != 200 || last.P2 != 199 || last.P1 != 0x90 {
		t.Errorf("%d blocks, last %s", len(blocks), last)
	}
}

func TestBuildersOwnTheirBytes(t *testing.T) {
	aid := bytes.Clone(DefaultAID)
	c := SelectApplet(aid)
	template := []byte{1, 2, 3}
	s := StoreData(template, 255)
	aid[0], template[0] = 0xAA, 0xAA
	if c.Data[0] != 0xF0 || s[0].Data[0] != 1 {
		t.Error("a command changed behind its back")
	}
}

func TestActions(t *testing.T) {
	imei := mustIMEI(t, "49015420323751")
	for _, row := range []struct {
		a      Action
		want   string
		raises bool
	}{
		{BackUp(), "E203 80 01 01", false},
		{Restore(), "E203 80 01 02", false},
		{Unbind(), "E203 80 01 03", true},
		{Bind(imei), "E20C 80 01 04 81 07 49015420323751", true},
		{Clear(), "E203 80 01 05", false},
		{PreviousBackup(), "E203 80 01 06", false},
		{Bind(imei).Expecting(0xFFFE), "E210 80 01 04 81 07 49015420323751 8A 02 FFFE", true},
		{BackUp().Expecting(0), "E207 80 01 01 8A 02 0000", false},
	} {
		got, err := row.a.Encode()
		if err != nil || !bytes.Equal(got, bytesOf(t, row.want)) {
			t.Errorf("%s: %X, %v", row.a, got, err)
		}
		if row.a.RaisesGeneration() != row.raises || row.a.FirstInsertOnly() != row.raises || strings.Contains(row.a.String(), "323751") {
			t.Errorf("%s: raises %v", row.a, row.a.RaisesGeneration())
		}
	}
	for _, a := range []Action{{}, {Kind: 7}, Bind(IMEI{}), Bind(IMEI(noIMEI)), Bind(IMEI{0x4A})} {
		b, err := a.Encode()
		var in *InputError
		if !errors.As(err, &in) || b != nil {
			t.Errorf("%v: %X, %v", a, b, err)
		}
	}
}

func TestParts(t *testing.T) {
	long := func(n int) []byte { // E0 with two length bytes
		return append([]byte{0xE0, 0x82, byte(n >> 8), byte(n)}, make([]byte, n)...)
	}
	for _, row := range []struct {
		what  string
		whole []byte
		parts int
	}{
		{"empty object", []byte{0xE0, 0}, 1},
		{"short", bytesOf(t, "E003800101"), 1},
		{"199", append([]byte{0xE0, 0x81, 196}, make([]byte, 196)...), 1},
		{"200", append([]byte{0xE0, 0x81, 197}, make([]byte, 197)...), 1},
		{"201", append([]byte{0xE0, 0x81, 198}, make([]byte, 198)...), 2},
		{"400", long(396), 2},
		{"401", long(397), 3},
		{"the longest there can be", long(255*16 + 23), 21},
	} {
		t.Run(row.what, func(t *testing.T) {
			p, n := NewParts(ObjectConfiguration), 0
			for ; !p.Done(); n++ {
				c := p.Next()
				if c.P1 != byte(n) || c.P2 != 0xE0 {
					t.Fatalf("%s", c)
				}
				at := int(c.P1) * PartSize
				if err := p.Add(row.whole[at:min(at+PartSize, len(row.whole))]); err != nil {
					t.Fatal(err)
				}
			}
			if n != row.parts || !bytes.Equal(p.Bytes(), row.whole) {
				t.Errorf("%d parts, %d bytes", n, len(p.Bytes()))
			}
			if err := p.Add(nil); !errors.Is(err, ErrMalformed) {
				t.Error("a part behind the end was taken")
			}
		})
	}
}

func TestPartsRefuse(t *testing.T) {
	first := append([]byte{0xE0, 0x82, 0x01, 0x8C}, make([]byte, 196)...) // 400 bytes in all
	for what, parts := range map[string][][]byte{
		"empty":                    {{}},
		"one byte":                 {{0xE0}},
		"another object":           {{0xE1, 0}},
		"more than the length":     {{0xE0, 1, 0, 0}},
		"less than the length":     {{0xE0, 2, 0}},
		"first part short":         {first[:199]},
		"second part long":         {first, make([]byte, 201)},
		"second part short":        {first, make([]byte, 199)},
		"second part empty":        {first, {}},
		"length of three bytes":    {append([]byte{0xE0, 0x83, 0, 1, 0}, make([]byte, 195)...)},
		"indefinite length":        {{0xE0, 0x80, 0, 0}},
		"length field cut":         {{0xE0, 0x82, 1}},
		"more than any applet has": {append([]byte{0xE0, 0x82, 0xFF, 0xFF}, make([]byte, 196)...)},
	} {
		t.Run(what, func(t *testing.T) {
			p := NewParts(ObjectConfiguration)
			var err error
			for _, b := range parts {
				if err != nil {
					t.Fatalf("refused too early: %v", err)
				}
				err = p.Add(b)
			}
			if !errors.Is(err, ErrMalformed) || p.Done() {
				t.Errorf("%v, done %v", err, p.Done())
			}
		})
	}
}

// TestMeaning walks the table of card interface §3.
func TestMeaning(t *testing.T) {
	for _, row := range []struct {
		sw      apdu.SW
		command string
		want    string
	}{
		{0x9000, CommandStoreData, "done"},
		{0x9110, CommandStoreData, "done"},
		{0x6700, CommandStoreData, "wrong length"},
		{0x6A86, CommandGetData, "wrong P1 P2"},
		{0x6D00, CommandSelect, "does not know the command"},
		{0x6E00, CommandSelect, "does not know the class"},
		{0x6982, CommandStoreData, "a session is needed"},
		{0x6982, CommandGetData, "a session is needed"},
		{0x6984, CommandStoreData, "generation"},
		{0x6984, CommandGetData, "referenced data invalidated"},
		{0x6985, CommandStoreData, "not now"},
		{0x6A80, CommandStoreData, "a feature it does not offer"},
		{0x6A84, CommandStoreData, "more patterns and ranges"},
		{0x6A88, CommandGetData, "no such object or part"},
		{0x6581, CommandStoreData, "old configuration stands"},
		{0x6A82, CommandSelect, "not on the card"},
		{0x6A82, CommandGetData, "not found"},
	} {
		if got := Meaning(row.sw, row.command); !strings.Contains(got, row.want) {
			t.Errorf("%s after %s: %q, want %q", row.sw, row.command, got, row.want)
		}
	}
}

func TestExplain(t *testing.T) {
	err := Explain("E0 configuration", fmt.Errorf("block 2: %w", &apdu.Error{Name: "STORE DATA", SW: apdu.SWReferencedData}))
	var refused *AppletError
	if !errors.As(err, &refused) || !errors.Is(err, apdu.SWReferencedData) || !refused.OtherGeneration() {
		t.Fatal(err)
	}
	if want := "STORE DATA E0 configuration: 6984: the generation on the card is not the expected one"; err.Error() != want {
		t.Error(err)
	}
	link := &apdu.LinkError{Name: "STORE DATA", Err: errors.New("card gone")}
	if got := Explain("E0", link); got != error(link) {
		t.Errorf("%v: a broken link is no refusal", got)
	}
	if Explain("E0", nil) != nil {
		t.Error("success explained as an error")
	}
}

func FuzzParts(f *testing.F) {
	f.Add(bytesOf(f, "E003800101"))
	f.Add(append([]byte{0xE0, 0x81, 198}, make([]byte, 198)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := NewParts(ObjectConfiguration)
		for n := 0; !p.Done(); n++ {
			at := min(int(p.Next().P1)*PartSize, len(b))
			if err := p.Add(b[at:min(at+PartSize, len(b))]); err != nil {
				break
			}
			if n > maxObject/PartSize {
				t.Fatal("no end")
			}
		}
		if len(p.Bytes()) > maxObject {
			t.Error(len(p.Bytes()))
		}
	})
}
