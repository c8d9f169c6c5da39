package scp03

import (
	"fmt"

	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Key is a session key, wherever it is kept.
type Key interface {
	CMAC(data []byte) ([]byte, error)        // AES-CMAC
	Encrypt(iv, data []byte) ([]byte, error) // AES-CBC of whole blocks
	Decrypt(iv, data []byte) ([]byte, error)
	Wipe()
}

// Deriver derives a session key from a static one: the AES-CMACs of the messages, one after the other, begin with it. It is as long as the
// static key.
type Deriver func(messages [][]byte) (Key, error)

// noIV is an IV of zeros.
var noIV = make([]byte, crypt.AESBlock)

// key is one in memory.
type key struct{ secret.Bytes }

func inMemory(static secret.Bytes) Deriver {
	return func(messages [][]byte) (Key, error) {
		var v []byte
		for _, m := range messages {
			mac, err := cmac(static.Reveal())(m)
			if err != nil {
				return nil, err
			}
			v = append(v, mac...)
		}
		defer clear(v)
		if len(v) < static.Len() || static.IsZero() {
			return nil, fmt.Errorf("%w: none", ErrKeys)
		}
		return key{secret.New(v[:static.Len()])}, nil
	}
}

func (k key) CMAC(data []byte) ([]byte, error) { return crypt.CMAC(k.Reveal(), data) }

func (k key) Encrypt(iv, data []byte) ([]byte, error) {
	block, err := crypt.AES(k.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.EncryptCBC(block, iv, data)
}

func (k key) Decrypt(iv, data []byte) ([]byte, error) {
	block, err := crypt.AES(k.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.DecryptCBC(block, iv, data)
}
