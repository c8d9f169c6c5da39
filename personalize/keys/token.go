package keys

import (
	"errors"
	"fmt"
	"io"
	"os"
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

// keyName stands in a label for the name of a card's keys.
const keyName = "{key}"

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

// labels are those of a card's masters, by purpose; that of the DEK may be empty.
func (t *Token) labels(name string) (map[gp.Purpose]string, error) {
	out := map[gp.Purpose]string{}
	for p, label := range map[gp.Purpose]string{gp.PurposeENC: t.ENC, gp.PurposeMAC: t.MAC, gp.PurposeDEK: t.DEK} {
		if name == "" && strings.Contains(label, keyName) {
			return nil, fmt.Errorf("token %q: %w: the labels want the name of its keys, and its row has none", t.Label, ErrNoCard)
		}
		out[p] = strings.ReplaceAll(label, keyName, name)
	}
	return out, nil
}

// pin reads the user PIN: one line of a private file, or what ask answers.
func (t *Token) pin(ask func() (string, error)) (string, error) {
	if t.PINFile == "" {
		if ask == nil {
			return "", &TokenError{Label: t.Label, Step: "PIN", Reason: "no file names it, and nobody can be asked"}
		}
		return ask()
	}
	f, err := os.Open(t.PINFile)
	if err != nil {
		return "", &Error{File: t.PINFile, Reason: bareReason(err)}
	}
	defer f.Close()
	if err := checkMode(f, t.PINFile); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return "", &Error{File: t.PINFile, Reason: bareReason(err)}
	}
	defer clear(b)
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line), nil
}
