//go:build !pkcs11 || !cgo || windows

package keys

import "fmt"

// OpenToken opens a PKCS#11 token. This build cannot: ErrNotBuilt.
func OpenToken(t *Token, _ func() (string, error)) (Source, error) {
	return nil, fmt.Errorf("token %q: %w", t.Label, ErrNotBuilt)
}
