package keys

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/simbind/simbind/gp"
)

func TestLoadToken(t *testing.T) {
	path := write(t, "t.yaml", "# of the bench\npkcs11:\n  module: /usr/lib/p11.so\n  token: bench\n  pin_file: pin\n  enc: e\n  mac: m\n  dek: d\n  kvn: 3F\n  diversification: visa2\n", 0o644)
	got, err := LoadToken(path)
	want := Token{"/usr/lib/p11.so", "bench", filepath.Join(filepath.Dir(path), "pin"), "e", "m", "d", 0x3F, gp.VISA2}
	if err != nil || got == nil || *got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for name, text := range map[string]string{"k.csv": "pkcs11: {}\n", "k.yaml": "cards: []\n", "two.yaml": "cards: []\npkcs11: {}\n", "broken.yaml": "pkcs11: [\n"} {
		if got, err := LoadToken(write(t, name, text, 0o600)); got != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestRefusedTokens(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"no mapping", "pkcs11: x\n", "line 1, pkcs11: a mapping is expected here"},
		{"unknown", "pkcs11:\n  pin: 2468\n", `line 2, pkcs11: "pin" is unknown, or has no text; known are dek, diversification, enc, kvn, mac, module, pin_file, token`},
		{"list", "pkcs11:\n  enc: [a]\n", `line 2, pkcs11: "enc" is unknown, or has no text`},
		{"twice", "pkcs11:\n  enc: a\n  mac: m\n  enc: b\n", `line 4, enc: a second time`},
		{"kvn", "pkcs11:\n  kvn: 333\n", "line 2, kvn: a key version number is two hex digits"},
		{"derivation", "pkcs11:\n  diversification: rot13\n", "line 2, diversification: "},
		{"missing", "pkcs11: {module: m}\n", "line 1, pkcs11: missing: token, enc, mac"},
	} {
		if _, err := LoadToken(write(t, "t.yaml", row.text, 0o600)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.name, err, row.want)
		}
	}
}
