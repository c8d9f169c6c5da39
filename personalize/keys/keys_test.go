package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/simbind/simbind/gp"
)

const (
	enc   = "000102030405060708090A0B0C0D0E0F"
	mac   = "101112131415161718191A1B1C1D1E1F"
	dek   = "202122232425262728292A2B2C2D2E2F"
	iccid = "8988211000000430010"
)

const good = "# keys of the bench\niccid,kvn,enc,mac,dek,diversification,pin1,adm1,adm1_hex\n" +
	"8988211000000467343,20," + enc + "," + mac + ",,,,12345678,\n" +
	iccid + ",30," + enc + "," + mac + "," + dek + ",kdf3,1234,,3131313131313131\n"

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func check(t *testing.T, c Card, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if c.Keys.KVN != 0x30 || c.Keys.Diversification != gp.KDF3 || fmt.Sprintf("%X", c.Keys.DEK.Reveal()) != dek {
		t.Errorf("keys of another row, or none: %+v", c)
	}
	if !bytes.Equal(c.PIN1.Reveal(), []byte("1234\xFF\xFF\xFF\xFF")) || string(c.ADM1.Reveal()) != "11111111" {
		t.Errorf("codes: PIN1 %d bytes, ADM1 %d bytes", c.PIN1.Len(), c.ADM1.Len())
	}
}

func TestCSV(t *testing.T) {
	c, err := Load(write(t, "k.csv", good, 0o600), "", iccid+"F")
	check(t, c, err)
}

// TestSemicolons: what a spreadsheet of another country writes, with a byte order mark and CRLF.
func TestSemicolons(t *testing.T) {
	text := "\xEF\xBB\xBF" + strings.ReplaceAll(strings.ReplaceAll(good, ",", ";"), "\n", "\r\n")
	c, err := Load(write(t, "k.csv", text, 0o600), "", iccid)
	check(t, c, err)
}

func TestYAML(t *testing.T) {
	text := "cards:\n  - {iccid: '8988211000000467343', kvn: '20', enc: '" + enc + "', mac: '" + mac + "'}\n" +
		"  - {iccid: '" + iccid + "', kvn: '30', enc: '" + enc + "', mac: '" + mac + "', dek: '" + dek + "', diversification: kdf3, pin1: '1234', adm1: '11111111'}\n"
	c, err := Load(write(t, "k.yaml", text, 0o600), "", iccid)
	check(t, c, err)
}

func TestAge(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	identity := write(t, "me.txt", id.String()+"\n", 0o600)
	for _, armored := range []bool{false, true} {
		var buf bytes.Buffer
		var out interface {
			Write([]byte) (int, error)
			Close() error
		}
		var w = armor.NewWriter(&buf)
		if armored {
			out, err = age.Encrypt(w, id.Recipient())
		} else {
			out, err = age.Encrypt(&buf, id.Recipient())
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(good)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Close()); err != nil {
			t.Fatal(err)
		}
		if armored {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		path := write(t, "k.csv.age", buf.String(), 0o644) // encrypted: others may read it
		c, err := Load(path, identity, iccid)
		check(t, c, err)
		if _, err := Load(path, "", iccid); err == nil || !strings.Contains(err.Error(), "identity") {
			t.Errorf("without identity: %v", err)
		}
	}
}

func TestRefuses(t *testing.T) {
	rows := []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"others may read it", good, 0o644, "mode 0644"},
		{"UTF-16", "\xFF\xFEi\x00c\x00c\x00i\x00d\x00\n\x00", 0o600, "line 1: UTF-16; save it as CSV in UTF-8"},
		{"UTF-16, the other way", "\xFE\xFF\x00i\x00c\x00c\x00i\x00d\x00\n", 0o600, "line 1: UTF-16; save it as CSV in UTF-8"},
		{"unknown column", "iccid,key\n", 0o600, "line 1: column 2 is unknown"},
		{"no iccid", "kvn,enc\n", 0o600, "no column iccid"},
		{"short key", "iccid,enc,mac\n" + iccid + ",0102," + mac + "\n", 0o600, "line 2, enc: a key is"},
		{"enc alone", "iccid,enc\n" + iccid + "," + enc + "\n", 0o600, "line 2, enc: enc and mac go together"},
		{"kvn", "iccid,kvn\n" + iccid + ",333\n", 0o600, "line 2, kvn"},
		{"derivation", "iccid,diversification\n" + iccid + ",rot13\n", 0o600, "line 2, diversification"},
		{"PIN", "iccid,pin1\n" + iccid + ",12x4\n", 0o600, "line 2, pin1"},
		{"both ADM forms", "iccid,adm1,adm1_hex\n" + iccid + ",12345678,3131313131313131\n", 0o600, "exclude each other"},
		{"card twice", "iccid\n" + iccid + "\n" + iccid + "\n", 0o600, "line 3, iccid: a second row"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Load(write(t, "k.csv", row.text, row.mode), "", iccid)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want %q in it", err, row.want)
			}
			for _, secret := range []string{enc, mac, "0102,", "12x4"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

func TestNoRow(t *testing.T) {
	_, err := Load(write(t, "k.csv", good, 0o600), "", "8988211000000530082")
	if !errors.Is(err, ErrNoCard) {
		t.Errorf("error %v", err)
	}
}

// fromBytes opens a key file that is in memory.
func fromBytes(b []byte, index func(*File, []byte) error) (Card, error) {
	k := &File{path: "f", named: map[string]place{}, opened: &opened{
		at: func() (io.ReaderAt, int64, error) { return bytes.NewReader(b), int64(len(b)), nil },
	}}
	if err := index(k, bytes.Clone(b)); err != nil {
		return Card{}, err
	}
	return k.Card(iccid, "")
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("iccid\n\"" + iccid))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := fromBytes(b, func(k *File, b []byte) error { return k.index(b, nil) })
		if err == nil && c.ICCID != iccid {
			t.Fatalf("row of %q", c.ICCID)
		}
		if err != nil && strings.Contains(err.Error(), "changed") {
			t.Fatal(err)
		}
	})
}

func FuzzYAML(f *testing.F) {
	f.Add([]byte("cards:\n  - {iccid: '" + iccid + "', kvn: '30'}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := fromBytes(b, func(k *File, b []byte) error { k.yaml = true; return k.indexYAML(b) })
		if err == nil && c.ICCID != iccid {
			t.Fatalf("row of %q", c.ICCID)
		}
		if err != nil && strings.Contains(err.Error(), "changed") {
			t.Fatal(err)
		}
	})
}

// TestIdentityFiles: what is wrong with an identity file is said, and what to do.
func TestIdentityFiles(t *testing.T) {
	file, _ := encrypt(t, []byte(good))
	for name, c := range map[string][2]string{
		"with a passphrase":          {"age-encryption.org/v1\n-> scrypt x 18\n", "age -d"},
		"with a passphrase, armored": {"-----BEGIN AGE ENCRYPTED FILE-----\n", "age -d"},
		"of something else":          {"hello\n", "holds no age identity"},
	} {
		if _, err := Load(file, write(t, "id.txt", c[0], 0o600), iccid); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
