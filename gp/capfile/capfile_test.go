package capfile_test

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/internal/vectors"
)

func TestMain(m *testing.M) { vectors.Main(m, "gp/capfile") }

// TestHandmade reads the CAP file of handmade_test.go.
func TestHandmade(t *testing.T) {
	f, err := capfile.Parse(handmade().zip(t, "com/acme/javacard/"))
	if err != nil {
		t.Fatal(err)
	}
	want := &capfile.File{
		Package: capfile.Package{AID: unhex("F0112233445501"), Version: capfile.Version{Major: 1, Minor: 2}, Name: "com.acme"},
		Format:  capfile.Version{Major: 2, Minor: 2},
		Flags:   capfile.FlagApplet,
		Applets: []capfile.Applet{{AID: unhex("F011223344550101"), Install: 4}},
		Imports: []capfile.Package{
			{AID: unhex("A0000000620001"), Version: capfile.Version{Major: 1}, Name: "java.lang"},
			{AID: unhex("F011223344556677"), Version: capfile.Version{Major: 1, Minor: 6}},
		},
	}
	for _, name := range inOrder {
		b := handmade()[name]
		want.Components = append(want.Components, capfile.Component{Tag: capfile.Tag(unhex(b)[0]), Bytes: unhex(b)})
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, s := range []string{"java.lang 1.0", "F011223344556677 1.6"} {
		if got := f.Imports[i].String(); got != s {
			t.Errorf("import %d: %s, want %s", i, got, s)
		}
	}
}

// TestLoadFile: load order, Descriptor only when asked for, Debug never; a load file reads as the ZIP does.
func TestLoadFile(t *testing.T) {
	f, err := capfile.Read(bytes.NewReader(handmade().zip(t, "com/acme/javacard/")))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.LoadFile(true), handmade().loadFile(inOrder...); !bytes.Equal(got, want) {
		t.Errorf("%X\nwant %X", got, want)
	}
	if got, want := f.LoadFile(false), handmade().loadFile(inOrder[:len(inOrder)-1]...); !bytes.Equal(got, want) {
		t.Errorf("%X\nwant %X", got, want)
	}
	for _, with := range []bool{true, false} {
		again, err := capfile.Parse(f.LoadFile(with))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.LoadFile(true), f.LoadFile(with)) {
			t.Errorf("a load file is not what is loaded of it (Descriptor %v)", with)
		}
		h, err := again.Hash(true, crypto.SHA1)
		if err != nil || h.Descriptor != with {
			t.Errorf("a load file hashed: Descriptor %v, want %v, %v", h.Descriptor, with, err)
		}
	}
}

// foreign is a load file of somebody else's applet and converter, as a recorded session loads it.
func foreign(t testing.TB) []byte {
	var sessions []struct {
		ID        string
		Exchanges []struct{ Plain vectors.Hex }
	}
	vectors.Load(t, "scp_sessions.json", &sessions)
	var block []byte
	for _, s := range sessions {
		for _, x := range s.Exchanges {
			if s.ID == "A6" && x.Plain[1] == 0xE8 {
				block = append(block, x.Plain[5:5+int(x.Plain[4])]...)
			}
		}
	}
	if !bytes.HasPrefix(block, []byte{0xC4, 0x82, 0x01, 0x57}) {
		t.Fatalf("session A6 loads %X", block)
	}
	return block[4:]
}

// TestForeign reads it, and makes the hashes published of it.
func TestForeign(t *testing.T) {
	var v struct {
		Rows []struct {
			ID              string
			Package, Applet vectors.Hex
			Descriptor      bool
			Length          int
			SHA256          vectors.Hex
		} `json:"load_file_hash"`
	}
	vectors.Load(t, "gp_install_params.json", &v)
	f, err := capfile.Parse(foreign(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Format != (capfile.Version{Major: 2, Minor: 1}) || len(f.Imports) != 1 || f.Imports[0].String() != "javacard.framework 1.0" {
		t.Errorf("format %s, imports %s", f.Format, f.Imports)
	}
	ran := 0
	for _, row := range v.Rows {
		if !bytes.Equal(row.Package, f.Package.AID) {
			continue // of a file that is not here
		}
		ran++
		vectors.Use(t, row.ID)
		h, err := f.Hash(row.Descriptor, crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.LoadFile(row.Descriptor)); n != row.Length || !bytes.Equal(h.Sum, row.SHA256) || !bytes.Equal(f.Applets[0].AID, row.Applet) {
			t.Errorf("%s: %d bytes, %s, applet %X", row.ID, n, h, f.Applets[0].AID)
		}
	}
	if ran != 2 {
		t.Errorf("%d rows of %X", ran, f.Package.AID)
	}
}

func TestHash(t *testing.T) {
	f, err := capfile.Parse(handmade().zip(t, "com/acme/javacard/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		function crypto.Hash
		size     int
		name     string
	}{{crypto.SHA1, 20, "SHA-1"}, {crypto.SHA256, 32, "SHA-256"}, {crypto.SHA384, 48, "SHA-384"}, {crypto.SHA512, 64, "SHA-512"}} {
		with, err := f.Hash(true, row.function)
		if err != nil || len(with.Sum) != row.size || with.String() != fmt.Sprintf("%s with Descriptor: %X", row.name, with.Sum) {
			t.Errorf("%s, %v", with, err)
		}
		without, err := f.Hash(false, row.function)
		if err != nil || !strings.HasPrefix(without.String(), row.name+" without Descriptor: ") || bytes.Equal(with.Sum, without.Sum) {
			t.Errorf("%s, %v", without, err)
		}
	}
	if _, err := f.Hash(true, crypto.MD5); !errors.Is(err, capfile.ErrCAP) {
		t.Errorf("MD5: %v", err)
	}
}

// TestNames: a name in the Header counts; without one the folder names the package, and a load file of format 2.1 has none.
func TestNames(t *testing.T) {
	unnamed := handmade()
	unnamed["Header"] = "01 0012 DECAFFED 02 02 04 02 01 07 F0112233445501 00"
	unnamed["Directory"] = strings.Replace(unnamed["Directory"], "001A", "0012", 1)
	for _, row := range []struct {
		cap  []byte
		name string
	}{
		{handmade().zip(t, "other/folder/javacard/"), "com.acme"},
		{unnamed.zip(t, "other/folder/javacard/"), "other.folder"},
		{unnamed.zip(t, "JavaCard/"), ""},
		{foreign(t), ""},
	} {
		f, err := capfile.Parse(row.cap)
		if err != nil || f.Package.Name != row.name {
			t.Errorf("%v, want %q, %v", f, row.name, err)
		}
	}
}

// TestCustom: a maker's component is listed and not loaded.
func TestCustom(t *testing.T) {
	parts := handmade()
	parts["Directory"] = "02 002C 001A 002C 000C 0016 0006 0008 000A 000A 0004 0000 0002 0001 0000 0000 0000 02 01 01 80 0003 07 F0112233445580"
	parts["Vendor"] = "80 0003 010203"
	f, err := capfile.Parse(parts.zip(t, "com/acme/javacard/"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Custom) != 1 || f.Custom[0].String() != "component 80 of F0112233445580, 3 bytes" || bytes.Contains(f.LoadFile(true), unhex(parts["Vendor"])) {
		t.Errorf("%s", f.Custom)
	}
}

// TestDebugTakenOut: a CAP file stripped of Debug is whole.
func TestDebugTakenOut(t *testing.T) {
	parts := handmade()
	delete(parts, "Debug")
	if _, err := capfile.Parse(parts.zip(t, "com/acme/javacard/")); err != nil {
		t.Error(err)
	}
}

func TestKnown(t *testing.T) {
	for aid, name := range map[string]string{
		"A0000000620101":                   "javacard.framework",
		"A00000015100":                     "org.globalplatform",
		"A0000000090005FFFFFFFF8911000000": "uicc.access",
		"A0000000090005FFFFFFFF8912000000": "uicc.toolkit",
		"A0000000870005FFFFFFFF8913100000": "", // as a maker once wrote uicc.usim.access
	} {
		if got, ok := capfile.Known(unhex(aid)); got != name || ok != (name != "") {
			t.Errorf("%s is %q, want %q", aid, got, name)
		}
	}
}

// FuzzParse: whatever a file says, nothing panics, nothing grows, and what is read is loaded as it was.
func FuzzParse(f *testing.F) {
	f.Add(handmade().zip(f, "com/acme/javacard/"))
	f.Add(handmade().loadFile(inOrder...))
	f.Add(foreign(f))
	f.Add(foreign(f)[:100])
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := capfile.Parse(b)
		if err != nil {
			if !errors.Is(err, capfile.ErrCAP) {
				t.Errorf("%v does not wrap ErrCAP", err)
			}
			return
		}
		for _, with := range []bool{true, false} {
			load := file.LoadFile(with)
			again, err := capfile.Parse(load)
			if err != nil {
				t.Fatalf("its own load file is refused: %v", err)
			}
			if !bytes.Equal(again.LoadFile(with), load) {
				t.Error("its own load file is loaded otherwise")
			}
		}
	})
}
