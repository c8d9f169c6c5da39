package gp

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// KeyKind is the algorithm of a key, as PUT KEY and key information code it (GPCS table 11-16).
type KeyKind byte

// Kinds of keys.
const (
	DES KeyKind = 0x80 // two or three keys of triple DES, 16 or 24 bytes
	AES KeyKind = 0x88 // 16, 24 or 32 bytes
)

func (k KeyKind) String() string {
	switch k {
	case DES:
		return "DES"
	case AES:
		return "AES"
	}
	return fmt.Sprintf("type %02X", byte(k))
}

// KindOf is the kind of the keys a protocol works with.
func KindOf(p Protocol) KeyKind {
	if p.des() {
		return DES
	}
	return AES
}

// CheckValue is the key check value of a key: three bytes.
func (k KeyKind) CheckValue(key secret.Bytes) ([3]byte, error) {
	if k == DES {
		return KCVDES(key)
	}
	return KCVAES(key)
}

// CheckValues are those of ENC, MAC and DEK, in hex, as plans and reports show a set: never more of it.
func (k KeySet) CheckValues(kind KeyKind) ([]string, error) {
	var out []string
	for _, key := range k.keys() {
		v, err := kind.CheckValue(key)
		if err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("%X", v))
	}
	return out, nil
}

// keys are those that are there, in the order of their identifiers.
func (k KeySet) keys() []secret.Bytes {
	out := []secret.Bytes{k.ENC, k.MAC}
	if !k.DEK.IsZero() {
		out = append(out, k.DEK)
	}
	return out
}

// PutKeys builds PUT KEY of a whole set, ENC, MAC and DEK as identifiers 01 to 03 (GPCS clause 11.8, Amendment D clause 7.2): replaced is
// the version it replaces, 00 to add one. The set is the card's own: derived already. Keys go out under encrypt, Session.EncryptKey,
// each with its check value; the card answers the version and the check values it computed, see PutKeysAnswer.
func PutKeys(encrypt func(key []byte) ([]byte, error), replaced byte, kind KeyKind, set KeySet) (apdu.Command, error) {
	if set.Diversification != NotDiversified || set.DEK.IsZero() || set.KVN == 0 || set.KVN > 0x7F {
		return apdu.Command{}, fmt.Errorf("%w: PUT KEY takes three keys of the card, derived, with a version 01 to 7F", ErrKey)
	}
	if replaced > 0x7F { // its first bit says that more commands follow
		return apdu.Command{}, fmt.Errorf("%w: PUT KEY cannot name version %02X as the one it replaces; a maker's first set goes when another is added", ErrKey, replaced)
	}
	if set.ENC.Len() != set.MAC.Len() || set.ENC.Len() != set.DEK.Len() {
		return apdu.Command{}, fmt.Errorf("%w: the keys of a set are of one length", ErrKey)
	}
	data := []byte{set.KVN}
	for _, k := range set.keys() {
		field, err := keyField(encrypt, kind, k)
		if err != nil {
			return apdu.Command{}, err
		}
		data = append(data, field...)
	}
	return apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P1: replaced, P2: 0x81, Data: data, Le: apdu.MaxShortLe}, nil
}

// keyField is type, length, for AES the length of the key itself, the encrypted key, 03, check value.
func keyField(encrypt func([]byte) ([]byte, error), kind KeyKind, key secret.Bytes) ([]byte, error) {
	kcv, err := kind.CheckValue(key)
	if err != nil {
		return nil, err
	}
	cipher, err := encrypt(key.Reveal())
	if err != nil {
		return nil, err
	}
	field := []byte{byte(kind), byte(len(cipher))}
	if kind == AES {
		field = []byte{byte(kind), byte(len(cipher) + 1), byte(key.Len())}
	}
	field = append(field, cipher...)
	return append(append(field, byte(len(kcv))), kcv[:]...), nil
}

// PutKeysAnswer compares what the card answered with what was sent: the version, then a check value a key.
func PutKeysAnswer(kind KeyKind, set KeySet, answer []byte) error {
	want := []byte{set.KVN}
	for _, k := range set.keys() {
		kcv, err := kind.CheckValue(k)
		if err != nil {
			return err
		}
		want = append(want, kcv[:]...)
	}
	switch {
	case len(answer) != len(want): // other bytes than check values are not told: the card knows the keys
		return fmt.Errorf("%w: PUT KEY: the card answers %d bytes, version and check values are %X", ErrKey, len(answer), want)
	case string(want) != string(answer):
		return fmt.Errorf("%w: PUT KEY: the card answers version and check values %X, sent were %X", ErrKey, answer, want)
	}
	return nil
}

// EncryptKey is the encryption of a key for PUT KEY under a DEK, filled up to whole blocks (GPCS clause E.4.7, Amendment D clauses 6.2.8 and
// 7.2.1.1, where any filler does; clause D.4.4): 3DES-ECB in SCP01 and SCP02, AES-CBC with a zero IV in SCP03.
func EncryptKey(p Protocol, dek secret.Bytes, key []byte) ([]byte, error) {
	block, err := crypt.AES(dek.Reveal())
	if p.des() {
		block, err = crypt.TripleDES(dek.Reveal())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	plain := append([]byte{}, key...)
	defer func() { clear(plain) }()
	for len(plain)%block.BlockSize() != 0 {
		plain = append(plain, 0)
	}
	if p.des() {
		return crypt.EncryptECB(block, plain)
	}
	return crypt.EncryptCBC(block, nil, plain)
}
