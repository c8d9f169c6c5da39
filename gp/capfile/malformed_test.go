package capfile_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp/capfile"
)

// TestMalformed changes one thing in the handmade CAP file each; the refusal names the component and what is wrong.
func TestMalformed(t *testing.T) {
	const directory = "001A 0021 000C 0016 0006 0008 000A 000A 0004 0000 0002 0001 0000 0000 0000 02 01 00"
	for _, row := range []struct{ name, part, now, want string }{
		{"another tag", "Class", "07 0008 00 80 0000FF000000", "Class: tag is 07, not 06"},
		{"size too great", "Class", "06 0009 00 80 0000FF000000", "Class: size says 9 bytes, there are 8"},
		{"size too small", "Class", "06 0007 00 80 0000FF000000", "Class: size says 7 bytes, there are 8"},
		{"no size", "Class", "06 00", "Class: 2 bytes are no component"},
		{"magic", "Header", "01 001A DECAFFEE 02 02 04 02 01 07 F0112233445501 08 636F6D2F61636D65", "Header: magic is DECAFFEE"},
		{"format", "Header", "01 001A DECAFFED 03 02 04 02 01 07 F0112233445501 08 636F6D2F61636D65", "Header: format 2.3"},
		{"unknown flags", "Header", "01 001A DECAFFED 02 02 0C 02 01 07 F0112233445501 08 636F6D2F61636D65", "Header: byte 10: flags 08"},
		{"no applet said", "Header", "01 001A DECAFFED 02 02 00 02 01 07 F0112233445501 08 636F6D2F61636D65", "Applet is not there, and it is there"},
		{"export said", "Header", "01 001A DECAFFED 02 02 06 02 01 07 F0112233445501 08 636F6D2F61636D65", "Export is there, and it is not there"},
		{"short AID", "Header", "01 001A DECAFFED 02 02 04 02 01 04 F0112233445501 08 636F6D2F61636D65", "Header: byte 13: AID of 4 bytes"},
		{"long AID", "Header", "01 001A DECAFFED 02 02 04 02 01 11 F0112233445501 08 636F6D2F61636D65", "Header: byte 13: AID of 17 bytes"},
		{"AID past the end", "Header", "01 0010 DECAFFED 02 02 04 02 01 07 F01122334455", "Header: byte 13: 7 bytes expected, 6 are left"},
		{"name past the end", "Header", "01 001A DECAFFED 02 02 04 02 01 07 F0112233445501 09 636F6D2F61636D65", "Header: byte 21: 9 bytes expected, 8 are left"},
		{"name too short", "Header", "01 001A DECAFFED 02 02 04 02 01 07 F0112233445501 07 636F6D2F61636D65", "Header: byte 28: 1 bytes too many"},
		{"name that moves a cursor", "Header", "01 001A DECAFFED 02 02 04 02 01 07 F0112233445501 08 636F6D1B5B324A65", "Header: package name"},
		{"name no UTF-8", "Header", "01 001A DECAFFED 02 02 04 02 01 07 F0112233445501 08 636F6D2F61636DFF", "Header: package name"},
		{"empty header", "Header", "01 0000", "Header: byte 3: 4 bytes expected, 0 are left"},
		{"import AID", "Import", "04 0016 02 00 01 07 A0000000620001 06 01 00 F011223344556677", "Import: byte 17: AID of 0 bytes"},
		{"imports missing", "Import", "04 0016 03 00 01 07 A0000000620001 06 01 08 F011223344556677", "Import: byte 25: 1 bytes expected, 0 are left"},
		{"imports too many", "Import", "04 0016 01 00 01 07 A0000000620001 06 01 08 F011223344556677", "Import: byte 14: 11 bytes too many"},
		{"no applet", "Applet", "03 000C 00 08 F011223344550101 0004", "Applet: byte 4: no applet"},
		{"install before the methods", "Applet", "03 000C 01 08 F011223344550101 0000", "Applet: byte 15: install method at 0"},
		{"install behind the methods", "Applet", "03 000C 01 08 F011223344550101 000A", "Applet: byte 15: install method at 10, Method has 10 bytes"},
		{"applet twice", "Applet", "03 0017 02 08 F011223344550101 0004 08 F011223344550101 0004", "Applet: byte 26: applet F011223344550101 twice"},
		{"size of Header", "Directory", "02 0021 " + strings.Replace(directory, "001A", "001B", 1), "Directory: byte 5: Header has 26 bytes, not 27"},
		{"size of Descriptor", "Directory", "02 0021 " + strings.Replace(directory, "0002", "0003", 1), "Directory: byte 25: Descriptor has 2 bytes, not 3"},
		{"size of Debug", "Directory", "02 0021 " + strings.Replace(directory, "0002 0001", "0002 0002", 1), "Directory: byte 27: Debug has 1 bytes, not 2"},
		{"size of what is not there", "Directory", "02 0021 " + strings.Replace(directory, "0004 0000", "0004 0005", 1), "Directory: byte 23: Export of 5 bytes is missing"},
		{"static image", "Directory", "02 0021 " + strings.Replace(directory, "0001 0000", "0001 0002", 1), "Directory: byte 33: static fields of 2 bytes"},
		{"static arrays", "Directory", "02 0021 " + strings.Replace(directory, "0001 0000 0000", "0001 0000 0001", 1), "Directory: byte 33: static fields of 0 bytes with 1 arrays"},
		{"count of imports", "Directory", "02 0021 " + strings.Replace(directory, "02 01 00", "03 01 00", 1), "Directory: byte 34: Import has 2 entries, not 3"},
		{"count of applets", "Directory", "02 0021 " + strings.Replace(directory, "02 01 00", "02 02 00", 1), "Directory: byte 35: Applet has 1 entries, not 2"},
		{"custom missing", "Directory", "02 0021 " + strings.Replace(directory, "02 01 00", "02 01 01", 1), "Directory: byte 36: 1 bytes expected, 0 are left"},
		{"custom tag", "Directory", "02 002A " + strings.Replace(strings.Replace(directory, "0021", "002A", 1), "02 01 00", "02 01 01 0D 0003 05 F011223344", 1), "Directory: byte 45: tag 0D"},
		{"short directory", "Directory", "02 0004 001A 0004", "Directory: byte 7: 1 bytes expected, 0 are left"},
		{"short static field", "StaticField", "08 0004 0000 0000", "Directory: byte 19: StaticField has 4 bytes, not 10"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := handmade()
			p[row.part] = row.now
			_, err := capfile.Parse(p.zip(t, "com/acme/javacard/"))
			refused(t, err, row.want)
		})
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, capfile.ErrCAP) || !strings.HasPrefix(err.Error(), "CAP file: ") || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want …%s", err, want)
	}
}

// TestMissing: every component but the optional ones must be there.
func TestMissing(t *testing.T) {
	for name := range handmade() {
		p := handmade()
		delete(p, name)
		_, err := capfile.Parse(p.zip(t, "com/acme/javacard/"))
		switch name {
		case "Debug":
			if err != nil {
				t.Error(err)
			}
		case "Applet":
			refused(t, err, "Applet is there, and it is not there")
		default:
			refused(t, err, name+" is missing")
		}
	}
}

// TestMalformedZIP: what the container can do wrong.
func TestMalformedZIP(t *testing.T) {
	whole := handmade().zip(t, "com/acme/javacard/")
	class := unhex(handmade()["Class"])
	crc := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(class))
	many := make([]entry, 1025)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("class%d", i)}
	}
	for _, row := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "neither a ZIP nor a load file"},
		{"text", []byte("not a CAP file"), "neither a ZIP nor a load file"},
		{"cut", whole[:len(whole)-1], "ZIP: "},
		{"head alone", whole[:40], "ZIP: "},
		{"too large", make([]byte, capfile.MaxFile+1), "more than 4194304 bytes"},
		{"nothing in it", pack(t, entry{name: "META-INF/MANIFEST.MF"}), "ZIP: no component in a folder javacard"},
		{"not in its folder", pack(t, entry{"com/acme/Class.cap", class}), "ZIP: no component in a folder javacard"},
		{"too many entries", pack(t, many...), "ZIP: 1025 entries, at most 1024"},
		{"twice", pack(t, entry{"a/javacard/Class.cap", class}, entry{"a/javacard/CLASS.CAP", class}), "Class: twice in the ZIP"},
		{"two packages", pack(t, entry{"a/javacard/Class.cap", class}, entry{"b/javacard/Method.cap", class}), `ZIP: packages in "a" and in "b"`},
		{"checksum", bytes.ReplaceAll(whole, crc, []byte("oops")), "Class: zip: checksum error"},
		{"larger than a component", pack(t, entry{"a/javacard/Class.cap", make([]byte, 65539)}), "Class: 65539 bytes, a component has at most 65538"},
		{"bomb", bomb(t, 11), "Class: zip: not a valid zip file"},
		{"less than said", bomb(t, 1<<16), "Class: unexpected EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := capfile.Parse(row.file)
			refused(t, err, row.want)
		})
	}
}

// bomb packs 60000 zeros and says they are size bytes.
func bomb(t *testing.T, size uint64) []byte {
	data := make([]byte, 60000)
	var packed, out bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&out)
	raw, err := z.CreateRaw(&zip.FileHeader{
		Name: "a/javacard/Class.cap", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: size,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Write(packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestMalformedLoadFile: components one behind the other, each once, in load order, to the last byte.
func TestMalformedLoadFile(t *testing.T) {
	p := handmade()
	whole := p.loadFile(inOrder...)
	for _, row := range []struct {
		name string
		file []byte
		want string
	}{
		{"bytes behind", append(bytes.Clone(whole), 0, 0), "byte 163 of the load file: 2 bytes are no component"},
		{"cut", whole[:len(whole)-1], "byte 158 of the load file: Descriptor of 5 bytes, 4 are left"},
		{"order", p.loadFile("Header", "Import", "Directory"), "byte 54 of the load file: Directory has no place here"},
		{"twice", p.loadFile("Header", "Header"), "byte 29 of the load file: Header has no place here"},
		{"Debug", append(bytes.Clone(whole), unhex(p["Debug"])...), "byte 163 of the load file: Debug has no place here"},
		{"unknown component", append(bytes.Clone(whole), 0x80, 0, 0), "byte 163 of the load file: component 80 has no place here"},
		{"component missing", p.loadFile("Header", "Directory", "Import", "Applet", "Class", "StaticField", "ConstantPool", "RefLocation"), "Method is missing"},
		{"header alone", p.loadFile("Header"), "Directory is missing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := capfile.Parse(row.file)
			refused(t, err, row.want)
		})
	}
}
