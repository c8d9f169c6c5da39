package standin_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/vuicc/standin"
)

// read makes a file and reads it with the host's reader, which knows nothing of how it was made.
func read(t *testing.T, o standin.Options) *capfile.File {
	t.Helper()
	b, err := standin.CAP(o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := capfile.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDefault(t *testing.T) {
	f := read(t, standin.Options{})
	if string(f.Package.AID) != "\xF0SIMBIND" || f.Package.Version != (capfile.Version{Major: 1}) || f.Package.Name != "simbind.standin" {
		t.Errorf("package %X %s", f.Package.AID, f.Package)
	}
	if len(f.Applets) != 1 || string(f.Applets[0].AID) != "\xF0SIMBIND\x01" {
		t.Errorf("applets %X", f.Applets)
	}
	var names []string
	for _, i := range f.Imports {
		names = append(names, i.String())
	}
	want := "java.lang 1.0, javacard.framework 1.0, uicc.access 1.0, uicc.toolkit 1.0, org.globalplatform 1.0"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("imports %s, want %s", got, want)
	}
	if n := len(f.LoadFile(false)); n != standin.DefaultSize || f.Component(capfile.TagDescriptor) == nil {
		t.Errorf("%d bytes", n)
	}
}

// TestSizes: the load file is as long as asked for, to the byte.
func TestSizes(t *testing.T) {
	for _, n := range []int{257, 258, 259, 260, 261, 1000, 12345, standin.MaxSize} {
		if got := len(read(t, standin.Options{Size: n}).LoadFile(false)); got != n {
			t.Errorf("%d bytes, want %d", got, n)
		}
	}
}

// TestBlocksDiffer: no two blocks of a load file are the same, so that a block in a wrong place shows.
func TestBlocksDiffer(t *testing.T) {
	seen := map[string]int{}
	for at, b := 0, read(t, standin.Options{Size: standin.MaxSize}).LoadFile(true); len(b) >= 16; at, b = at+16, b[16:] {
		if first, twice := seen[string(b[:16])]; twice {
			t.Fatalf("bytes %d and %d are the same: %X", first, at, b[:16])
		}
		seen[string(b[:16])] = at
	}
}

// TestDescriptor: every method stands where Descriptor says, and its code ends with return; the applet's install method is one of them.
func TestDescriptor(t *testing.T) {
	f := read(t, standin.Options{})
	methods, d := f.Component(capfile.TagMethod).Bytes[3:], f.Component(capfile.TagDescriptor).Bytes[3:]
	var places []int
	next := 1
	for m := d[10 : 10+12*int(d[9])]; len(m) > 0; m = m[12:] {
		at, length := int(m[2])<<8|int(m[3]), int(m[6])<<8|int(m[7])
		if at != next || methods[at+2+length-1] != 0x7A {
			t.Errorf("method at %d of %d bytes, expected at %d", at, length, next)
		}
		places, next = append(places, at), at+2+length
	}
	if next != len(methods) || !slices.Contains(places, f.Applets[0].Install) {
		t.Errorf("methods end at %d of %d, install at %d of %d", next, len(methods), f.Applets[0].Install, places)
	}
}

func TestOptions(t *testing.T) {
	stranger := standin.Import{AID: []byte{0xF0, 1, 2, 3, 4}, Major: 9, Minor: 8}
	f := read(t, standin.Options{
		Package: []byte{0xF0, 9, 9, 9, 9}, Module: bytes.Repeat([]byte{0xF0}, 16), Imports: []standin.Import{stranger},
	})
	if !bytes.Equal(f.Package.AID, []byte{0xF0, 9, 9, 9, 9}) || len(f.Applets[0].AID) != 16 {
		t.Errorf("package %X, applet %X", f.Package.AID, f.Applets[0].AID)
	}
	if n := len(f.Imports); n != 6 || f.Imports[5].String() != "F001020304 9.8" || len(f.LoadFile(false)) != standin.DefaultSize {
		t.Errorf("imports %s", f.Imports)
	}
}

func TestRefused(t *testing.T) {
	for name, o := range map[string]standin.Options{
		"short AID": {Package: []byte{1, 2, 3, 4}},
		"long AID":  {Module: make([]byte, 17)},
		"import":    {Imports: []standin.Import{{}}},
		"imports":   {Imports: slices.Repeat([]standin.Import{{AID: make([]byte, 5)}}, 124)},
		"too small": {Size: 200},
		"negative":  {Size: -1},
		"too large": {Size: standin.MaxSize + 1},
	} {
		if _, err := standin.CAP(o); !errors.Is(err, standin.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSameBytes: the file is the same every time, its components stand in load order, and nobody's options reach the next file.
func TestSameBytes(t *testing.T) {
	first, err := standin.CAP(standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := standin.CAP(standin.Options{Imports: []standin.Import{{AID: make([]byte, 5)}}}); err != nil {
		t.Fatal(err)
	}
	again, err := standin.CAP(standin.Options{})
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("another file, %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || z.File[0].Name != "META-INF/MANIFEST.MF" || z.File[1].Name != "simbind/standin/javacard/Header.cap" || len(z.File) != 11 {
		t.Errorf("%d entries, %v", len(z.File), err)
	}
}
