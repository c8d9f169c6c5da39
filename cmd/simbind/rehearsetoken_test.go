package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
)

// errToken is what a token without some mechanism answers.
var errToken = errors.New("CKR_MECHANISM_INVALID")

// fakeToken holds masters that nobody sees, does zeros with them, and lacks one operation.
type fakeToken struct {
	lacks string
	did   []string
}

func (f *fakeToken) do(what string) ([]byte, error) {
	f.did = append(f.did, what)
	if what == f.lacks {
		return nil, errToken
	}
	return make([]byte, 16), nil
}

func (f *fakeToken) Card([10]byte, gp.KeyKind) (gp.HeldKeys, error) {
	_, err := f.do("card")
	return f, err
}
func (f *fakeToken) ECB(gp.Purpose, []byte) ([]byte, error)  { return f.do("ecb") }
func (f *fakeToken) CBC(gp.Purpose, []byte) ([]byte, error)  { return f.do("cbc") }
func (f *fakeToken) CMAC(gp.Purpose, []byte) ([]byte, error) { return f.do("cmac") }
func (f *fakeToken) Session(gp.Purpose, [][]byte) (gp.SessionKey, error) {
	_, err := f.do("session")
	return fakeSession{f}, err
}
func (f *fakeToken) Has(gp.Purpose) bool { return true }
func (f *fakeToken) Size() int           { return 16 }
func (f *fakeToken) Drop()               {}
func (f *fakeToken) Close() error        { _, err := f.do("close"); return err }

type fakeSession struct{ f *fakeToken }

func (s fakeSession) CMAC([]byte) ([]byte, error)            { return s.f.do("session cmac") }
func (s fakeSession) Encrypt(_, _ []byte) ([]byte, error)    { return s.f.do("session encrypt") }
func (s fakeSession) Decrypt(_, data []byte) ([]byte, error) { return data, nil }
func (s fakeSession) Wipe()                                  {}

// TestRehearsalAsksTheToken: what a session asks of a token is asked in a rehearsal, and what it lacks is told.
func TestRehearsalAsksTheToken(t *testing.T) {
	for kvn, operations := range map[byte][]string{
		0x30: {"card", "session", "session cmac", "session encrypt", "close"},
		0x20: {"card", "session", "cbc", "session encrypt", "close"},
	} {
		source := func(f *fakeToken) (keys.Card, error) {
			return rehearsed(func(string) (keys.Card, error) {
				return keys.Card{PIN1: secret.New([]byte("1234")), Keys: gp.KeySet{Holder: f, KVN: kvn, Diversification: gp.KDF3}}, nil
			})("8988211000000430010")
		}
		f := &fakeToken{}
		k, err := source(f)
		if err != nil || k.Keys.Holder != nil || !k.Keys.ENC.Equal(gp.TestKey()) || k.Keys.KVN != kvn || k.PIN1.IsZero() {
			t.Errorf("%02X: %+v, %v", kvn, k, err)
		}
		for _, o := range operations {
			if !slices.Contains(f.did, o) {
				t.Errorf("%02X: the token was not asked for %s: %q", kvn, o, f.did)
			}
			if _, err := source(&fakeToken{lacks: o}); o != "close" && !errors.Is(err, errToken) {
				t.Errorf("%02X: a token without %s: %v", kvn, o, err)
			}
		}
	}
}
