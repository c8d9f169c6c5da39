package keys

import (
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/gp"
)

// Token names master keys in a PKCS#11 token. The keys of a card are derived in it and used in it; session keys come out.
type Token struct {
	Module          string // the token's library, a path
	Label           string // of the token
	PINFile         string // file with the user PIN; empty: it is asked for
	ENC, MAC, DEK   string // labels of the masters; {key} stands for the name of a card's keys. DEK may be empty
	KVN             byte   // key version number; 00 leaves the choice to the card
	Diversification gp.Diversification
}

// TokenError is a token that does not do what is needed of it.
type TokenError struct {
	Label  string // of the token
	Step   string // what was asked of it
	Reason string // in words; empty: Err says it
	Err    error  // what its library answered; may be nil
}

func (e *TokenError) Error() string {
	s := fmt.Sprintf("token %q: %s: ", e.Label, e.Step)
	switch {
	case e.Reason == "":
		return s + e.Err.Error()
	case e.Err == nil:
		return s + e.Reason
	}
	return s + e.Reason + " (" + e.Err.Error() + ")"
}

func (e *TokenError) Unwrap() error { return e.Err }

// ErrNotBuilt is wrapped where a token is asked for and the program was built without PKCS#11.
var ErrNotBuilt = errors.New("this build has no PKCS#11")

// TokenFields are the fields of the mapping pkcs11 in a key file or a job, and what their text sets.
var TokenFields = map[string]func(*Token, string) error{
	"module":   func(t *Token, s string) error { t.Module = s; return nil },
	"token":    func(t *Token, s string) error { t.Label = s; return nil },
	"pin_file": func(t *Token, s string) error { t.PINFile = s; return nil },
	"enc":      func(t *Token, s string) error { t.ENC = s; return nil },
	"mac":      func(t *Token, s string) error { t.MAC = s; return nil },
	"dek":      func(t *Token, s string) error { t.DEK = s; return nil },
	"kvn":      func(t *Token, s string) (err error) { t.KVN, err = parseKVN([]byte(s)); return err },
	"diversification": func(t *Token, s string) (err error) {
		t.Diversification, err = gp.ParseDiversification(s)
		return err
	},
}

// Check looks whether everything needed is named.
func (t *Token) Check() error {
	var missing []string
	for _, f := range []struct{ name, value string }{{"module", t.Module}, {"token", t.Label}, {"enc", t.ENC}, {"mac", t.MAC}} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	switch {
	case len(missing) > 0:
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	case t.Diversification == gp.NotDiversified:
		return errors.New("masters in a token need a diversification: emv, visa2, visa or kdf3")
	}
	return nil
}

// Canonical is what decides which keys are meant, wherever the token is.
func (t *Token) Canonical() string {
	return fmt.Sprintf("%q %q %q %q %02X %s", t.Label, t.ENC, t.MAC, t.DEK, t.KVN, t.Diversification)
}
