package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRowsChangePlaces: two rows change places in the file after it was looked through. The keys of one are never given for the other's.
func TestRowsChangePlaces(t *testing.T) {
	one, two := strings.Repeat("11", 16), strings.Repeat("22", 16)
	for what, f := range map[string]struct {
		file, head, first, second, iccid, name string
	}{
		"CSV by name": {"keys.csv", "iccid,name,enc,mac\n", ",alpha," + one + "," + one, ",betas," + two + "," + two, "", "alpha"},
		"CSV, every card": {
			"keys.csv", "iccid,diversification,enc,mac\n",
			"*,kdf3," + one + "," + one + "                  ", "8988211000000430010,emv," + two + "," + two + " ", "8988211000000430028", "",
		},
		"YAML by name": {
			"keys.yaml", "cards:\n",
			`- {name: alpha, enc: "` + one + `", mac: "` + one + `"}`, `- {name: betas, enc: "` + two + `", mac: "` + two + `"}`, "", "alpha",
		},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), f.file)
			write := func(first, second string) {
				if err := os.WriteFile(path, []byte(f.head+first+"\n"+second+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(f.first, f.second)
			k, err := Open(path, "")
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if c, err := k.Card(f.iccid, f.name); err != nil || c.Keys.ENC.Reveal()[0] != 0x11 {
				t.Fatal(err)
			}
			write(f.second, f.first)
			c, err := k.Card(f.iccid, f.name)
			var changed *Error
			if !errors.As(err, &changed) || !strings.Contains(changed.Reason, "changed") {
				t.Errorf("error %v; given were keys of %d bytes", err, c.Keys.ENC.Len())
			}
		})
	}
}

// TestRowGrows: a row got longer in its place after the file was looked through. What fits into the old length is no code of the card.
func TestRowGrows(t *testing.T) {
	for what, f := range map[string][2]string{
		"in the middle": {"iccid,pin1\n8988211000000430010,1234\n8988211000000467343,1111\n", "iccid,pin1\n8988211000000430010,12345678\n8988211000000467343,1111\n"},
		"at the end":    {"iccid,pin1\n8988211000000430010,1234", "iccid,pin1\n8988211000000430010,12345678\n"},
	} {
		t.Run(what, func(t *testing.T) {
			path := write(t, "keys.csv", f[0], 0o600)
			k, err := Open(path, "")
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if c, err := k.Card("8988211000000430010", ""); err != nil || string(c.PIN1.Reveal()[:5]) != "1234\xFF" {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(f[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := k.Card("8988211000000430010", "")
			var changed *Error
			if !errors.As(err, &changed) || !strings.Contains(changed.Reason, "changed") {
				t.Errorf("error %v; a code of %d bytes was given", err, c.PIN1.Len())
			}
		})
	}
}
