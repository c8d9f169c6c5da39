package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime"
)

// Key signs seals and approvals. It prints as its public half alone.
type Key struct{ private ed25519.PrivateKey }

// Public is the public key, 64 hex digits.
func (k Key) Public() string { return hex.EncodeToString(k.private.Public().(ed25519.PublicKey)) }

// String keeps the private half out of every message.
func (k Key) String() string { return "key " + k.Public() }

// GoString does the same for %#v.
func (k Key) GoString() string { return k.String() }

func (k Key) sign(statement []byte) string {
	return hex.EncodeToString(ed25519.Sign(k.private, statement))
}

func signed(public, signature string, statement []byte) bool {
	p, err1 := hex.DecodeString(public)
	s, err2 := hex.DecodeString(signature)
	return err1 == nil && err2 == nil && len(p) == ed25519.PublicKeySize && ed25519.Verify(p, statement, s)
}

const pemKey = "PRIVATE KEY"

// NewKey makes an Ed25519 key in a new file of mode 0600: PKCS #8 in PEM, as openssl reads it.
func NewKey(path string) (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Key{}, err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: pemKey, Bytes: der}), f.Sync(), f.Close())
	return Key{private}, err
}

// LoadKey reads what NewKey wrote. A file others can read is refused.
func LoadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Key{}, &InputError{path, fmt.Sprintf("mode %04o lets others read the key, 0600 is needed", info.Mode().Perm())}
	}
	if info.Size() > 1<<16 {
		return Key{}, &InputError{path, "not a private key"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemKey {
		return Key{}, &InputError{path, "not a private key in PEM"}
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := any.(ed25519.PrivateKey)
	if err != nil || !ok {
		return Key{}, &InputError{path, "not an Ed25519 private key"}
	}
	return Key{private}, nil
}
