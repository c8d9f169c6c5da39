package keys

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
)

// Card is what a key source says of one card. What it leaves out is empty.
type Card struct {
	ICCID string
	Keys  gp.KeySet
	Kind  gp.KeyKind   // of keys that are put on the card; 0: not said
	PIN1  secret.Bytes // 8 bytes, padded, as VERIFY wants it
	ADM1  secret.Bytes // 8 bytes
}

// Wipe overwrites every secret of the card.
func (c Card) Wipe() {
	c.Keys.Wipe()
	c.PIN1.Wipe()
	c.ADM1.Wipe()
}

// Columns of the CSV form and keys of the YAML form. A row has an iccid, or the name that a job's column key says; * in place of an
// ICCID is the row of every card that has none of its own: masters, from which a diversification derives the card's keys. A set of keys
// needs enc and mac, and for key changes dek; kind (des or aes) says what new keys of 16 bytes are. adm1 is eight ASCII digits,
// adm1_hex sixteen hex digits: which of the two a card wants is a fact of that card and never guessed.
var Columns = []string{"iccid", "name", "kvn", "kind", "enc", "mac", "dek", "diversification", "pin1", "adm1", "adm1_hex"}

// cellForms says what is wrong with the text of a cell, column by column. The text is never told.
var cellForms = map[string]func([]byte) error{
	"kvn":             func(b []byte) error { _, err := parseKVN(b); return err },
	"kind":            func(b []byte) error { _, err := parseKind(b); return err },
	"enc":             checkKey,
	"mac":             checkKey,
	"dek":             checkKey,
	"diversification": func(b []byte) error { _, err := gp.ParseDiversification(string(b)); return err },
	"pin1":            digitsOf("a PIN is 4 to 8 digits", 4, 8),
	"adm1":            digitsOf("an ADM code in digits has eight of them", 8, 8),
	"adm1_hex":        hexOf("an ADM code in hex has sixteen hex digits", 16),
}

// CheckCell looks at the form of a cell in place, without a copy of it. An empty one is in order.
func CheckCell(column string, text []byte) error {
	if form, known := cellForms[column]; known && len(text) > 0 {
		return form(text)
	}
	return nil
}

func digitsOf(reason string, low, high int) func([]byte) error {
	return func(b []byte) error {
		for _, c := range b {
			if c < '0' || c > '9' {
				return errors.New(reason)
			}
		}
		if len(b) < low || len(b) > high {
			return errors.New(reason)
		}
		return nil
	}
}

func hexOf(reason string, lengths ...int) func([]byte) error {
	return func(b []byte) error {
		for _, c := range b {
			if !strings.ContainsRune("0123456789ABCDEFabcdef", rune(c)) {
				return errors.New(reason)
			}
		}
		for _, n := range lengths {
			if len(b) == n {
				return nil
			}
		}
		return errors.New(reason)
	}
}

var checkKey = hexOf("a key is 32, 48 or 64 hex digits", 32, 48, 64)

func parseKVN(b []byte) (byte, error) {
	kvn, err := strconv.ParseUint(string(b), 16, 8)
	if err != nil {
		return 0, errors.New("a key version number is two hex digits")
	}
	return byte(kvn), nil
}

func parseKind(b []byte) (gp.KeyKind, error) {
	switch strings.ToLower(string(b)) {
	case "":
		return 0, nil
	case "des":
		return gp.DES, nil
	case "aes":
		return gp.AES, nil
	}
	return 0, errors.New("des or aes")
}

// row gives the cells of a card by the name of their column; empty: not there.
type row func(column string) []byte

// rules look at a row as a whole, without opening it.
func (r row) rules() (column, reason string) {
	has := func(name string) bool { return len(r(name)) > 0 }
	switch {
	case has("enc") != has("mac"):
		return "enc", "enc and mac go together"
	case has("adm1") && has("adm1_hex"):
		return "adm1", "adm1 and adm1_hex exclude each other"
	case string(r("iccid")) == everyCard && (!has("diversification") || strings.EqualFold(string(r("diversification")), "none")):
		return "diversification", "the row of every card holds masters: say how the card's keys are derived"
	}
	return "", ""
}

// check looks at a row without opening it.
func (r row) check() (column, reason string) {
	for _, name := range Columns {
		if err := CheckCell(name, r(name)); err != nil {
			return name, err.Error()
		}
	}
	return r.rules()
}

// card opens a row that was checked.
func (r row) card() (*Card, error) {
	c := &Card{}
	for _, k := range []struct {
		name string
		into *secret.Bytes
	}{{"enc", &c.Keys.ENC}, {"mac", &c.Keys.MAC}, {"dek", &c.Keys.DEK}} {
		*k.into = openKey(r(k.name))
	}
	var err error
	if len(r("kvn")) > 0 {
		if c.Keys.KVN, err = parseKVN(r("kvn")); err != nil {
			return nil, err
		}
	}
	if c.Keys.Diversification, err = gp.ParseDiversification(string(r("diversification"))); err != nil {
		return nil, err
	}
	if c.Kind, err = parseKind(r("kind")); err != nil {
		return nil, err
	}
	return c, r.codes(c)
}

func (r row) codes(c *Card) (err error) {
	for _, code := range []struct {
		name string
		into *secret.Bytes
		open func(string) (secret.Bytes, error)
	}{{"pin1", &c.PIN1, uicc.PIN}, {"adm1", &c.ADM1, uicc.ADMFromDigits}, {"adm1_hex", &c.ADM1, uicc.ADMFromHex}} {
		if text := r(code.name); len(text) > 0 {
			if *code.into, err = code.open(string(text)); err != nil {
				return errors.New("a code that is none")
			}
		}
	}
	return nil
}

func openKey(text []byte) secret.Bytes {
	if len(text) == 0 {
		return secret.Bytes{}
	}
	b := make([]byte, hex.DecodedLen(len(text)))
	defer clear(b)
	if _, err := hex.Decode(b, text); err != nil {
		return secret.Bytes{}
	}
	return secret.New(b)
}
