//go:build !pkcs11 || !cgo || windows

package keys

import (
	"errors"
	"testing"
)

// TestNotBuilt: a build without PKCS#11 says so, before a PIN is asked for.
func TestNotBuilt(t *testing.T) {
	path := write(t, "t.yaml", "pkcs11: {module: m, token: bench, enc: e, mac: m, diversification: emv}\n", 0o644)
	ask := func() (string, error) { t.Error("asked for the PIN"); return "", nil }
	_, err := OpenSource(path, "", ask)
	if !errors.Is(err, ErrNotBuilt) || err.Error() != `token "bench": this build has no PKCS#11` {
		t.Errorf("%v", err)
	}
}
