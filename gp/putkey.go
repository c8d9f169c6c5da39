package gp

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Key types of PUT KEY (GPCS table 11-16).
const (
	keyTypeDES = 0x80
	keyTypeAES = 0x88
)

// PutKeys builds PUT KEY for a whole set, beginning with key identifier 01 (GPCS clause 11.8, Amendment D clause 7.2): replaced is the
// version it replaces, 00 to add one. Keys go out encrypted under dek, each with its check value; the card answers the new version and
// the check values it computed, which PutKeysAnswer compares.
func PutKeys(p Protocol, dek secret.Bytes, replaced, version byte, keys ...secret.Bytes) (apdu.Command, error) {
	data := []byte{version}
	for _, k := range keys {
		field, err := keyField(p, dek, k)
		if err != nil {
			return apdu.Command{}, err
		}
		data = append(data, field...)
	}
	p2 := byte(0x01)
	if len(keys) > 1 {
		p2 |= 0x80
	}
	return apdu.Command{CLA: 0x80, INS: apdu.INSPutKey, P1: replaced, P2: p2, Data: data, Le: apdu.MaxShortLe}, nil
}

// keyField is type, length, for AES the length of the key itself, the encrypted key, 03, check value.
func keyField(p Protocol, dek, key secret.Bytes) ([]byte, error) {
	kcv, err := CheckValue(p, key)
	if err != nil {
		return nil, err
	}
	plain := append([]byte{}, key.Reveal()...)
	defer clear(plain)
	if p == SCP03 {
		for len(plain)%crypt.AESBlock != 0 { // 24 bytes: any filler does (Amendment D clause 7.2.1.1)
			plain = append(plain, 0)
		}
	}
	cipher, err := EncryptKey(p, dek, plain)
	if err != nil {
		return nil, err
	}
	field := []byte{keyTypeDES, byte(len(cipher))}
	if p == SCP03 {
		field = []byte{keyTypeAES, byte(len(cipher) + 1), byte(key.Len())}
	}
	field = append(field, cipher...)
	return append(append(field, byte(len(kcv))), kcv[:]...), nil
}

// CheckValue is the key check value as the protocol's keys have it.
func CheckValue(p Protocol, key secret.Bytes) ([3]byte, error) {
	if p == SCP02 {
		return KCVDES(key)
	}
	return KCVAES(key)
}

// PutKeysAnswer compares what the card answered with what was sent: the new version, then a check value a key.
func PutKeysAnswer(p Protocol, version byte, keys []secret.Bytes, answer []byte) error {
	want := []byte{version}
	for _, k := range keys {
		kcv, err := CheckValue(p, k)
		if err != nil {
			return err
		}
		want = append(want, kcv[:]...)
	}
	if string(want) != string(answer) {
		return fmt.Errorf("%w: PUT KEY: the card answers version and check values %X, sent were %X", ErrKey, answer, want)
	}
	return nil
}
