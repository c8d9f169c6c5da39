package keys

import (
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/gp"
)

// Token names master keys in a PKCS#11 token. The keys of a card are derived in it.
type Token struct {
	Module          string // the token's library, a path
	Label           string // of the token
	PINFile         string // file with the user PIN; empty: it is asked for
	ENC, MAC, DEK   string // labels of the masters; {key} stands for the name of a card's keys. DEK may be empty
	KVN             byte   // key version number; 00 leaves the choice to the card
	Diversification gp.Diversification
}

// SetKVN takes two hex digits.
func (t *Token) SetKVN(s string) (err error) {
	t.KVN, err = parseKVN([]byte(s))
	return err
}

// SetDiversification takes emv, visa2, visa or kdf3.
func (t *Token) SetDiversification(s string) (err error) {
	t.Diversification, err = gp.ParseDiversification(s)
	return err
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
