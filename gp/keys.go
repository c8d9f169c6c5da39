// Package gp speaks GlobalPlatform with a card (GPCS 2.3.1): secure channels, key sets, and the commands of a
// security domain. Commands are pure builders; a Session carries them.
package gp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// KeySet is one set of static keys. With a diversification the keys are masters, and the card's are derived
// from what INITIALIZE UPDATE answers.
type KeySet struct {
	ENC, MAC, DEK   secret.Bytes // 16 bytes for DES, 16, 24 or 32 for AES; DEK may be empty
	KVN             byte         // key version number; 00 leaves the choice to the card
	Diversification Diversification
	Holder          Holder // keeps the masters instead, such as a token: ENC, MAC and DEK are empty
}

// Empty tells whether no channel can be opened with it.
func (k KeySet) Empty() bool { return k.Holder == nil && k.ENC.IsZero() }

// Wipe overwrites the keys.
func (k KeySet) Wipe() {
	k.ENC.Wipe()
	k.MAC.Wipe()
	k.DEK.Wipe()
}

// Holder keeps masters, and the keys of cards that are derived from them: they are used where they are.
type Holder interface {
	// Card derives the static keys of the card with that diversification data, of the kind its protocol works with.
	Card(kdd [10]byte, kind KeyKind) (HeldKeys, error)
}

// HeldKeys are the static keys of one card, where they are kept. They are closed at the end of the session.
type HeldKeys interface {
	ECB(p Purpose, data []byte) ([]byte, error)  // 3DES
	CBC(p Purpose, data []byte) ([]byte, error)  // 3DES, zero IV
	CMAC(p Purpose, data []byte) ([]byte, error) // AES
	// Session derives a session key that stays there, too: what CBC makes of one message, or CMAC of each of several.
	Session(p Purpose, messages [][]byte) (SessionKey, error)
	Has(p Purpose) bool // ENC and MAC always
	Size() int          // bytes of a key
	Drop()              // the static keys: the session keys are there
	Close() error
}

// SessionKey is a session key where it is kept.
type SessionKey interface {
	CMAC(data []byte) ([]byte, error)        // AES
	Encrypt(iv, data []byte) ([]byte, error) // CBC of whole blocks; without an IV zeros
	Decrypt(iv, data []byte) ([]byte, error)
	Wipe()
}

// ErrHeld is wrapped when keys are asked for that do not leave the place where they are kept.
var ErrHeld = errors.New("the keys stay where they are kept")

// ErrKey is wrapped by every refusal of key material; it never tells the key.
var ErrKey = errors.New("key")

// KCVDES is the key check value of a DES key: 3 bytes of the encryption of zeros (GPCS clause B.5).
func KCVDES(key secret.Bytes) ([3]byte, error) {
	block, err := crypt.TripleDES(key.Reveal())
	if err != nil {
		return [3]byte{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	out, err := crypt.EncryptECB(block, make([]byte, crypt.DESBlock))
	return first3(out), err
}

// KCVAES is the key check value of an AES key: 3 bytes of the encryption of 16 bytes 01 (Amendment D clause 4.1.2).
func KCVAES(key secret.Bytes) ([3]byte, error) {
	block, err := crypt.AES(key.Reveal())
	if err != nil {
		return [3]byte{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	out, err := crypt.EncryptECB(block, []byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))
	return first3(out), err
}

func first3(b []byte) (out [3]byte) {
	copy(out[:], b)
	return out
}

// testKey is the published test key 40 to 4F: for test cards, never a default.
var testKey = []byte("@ABCDEFGHIJKLMNO")

// TestKey gives the published test key.
func TestKey() secret.Bytes { return secret.New(testKey) }

// Diversification is how a card's keys are derived from masters.
type Diversification byte

// Methods.
const (
	NotDiversified Diversification = iota
	EMV                            // EMV CPS 1.1 clause 4.1
	VISA2
	VISA1
	KDF3 // NIST SP 800-108 in counter mode with AES-CMAC
)

var diversifications = []string{"none", "emv", "visa2", "visa", "kdf3"}

func (d Diversification) String() string { return diversifications[d] }

// ParseDiversification takes none, emv, visa2, visa or kdf3; empty is none.
func ParseDiversification(s string) (Diversification, error) {
	if s == "" {
		return NotDiversified, nil
	}
	for i, name := range diversifications {
		if strings.EqualFold(s, name) {
			return Diversification(i), nil
		}
	}
	return 0, fmt.Errorf("%w: derivation is one of %s", ErrKey, strings.Join(diversifications, ", "))
}

// Purpose is what a key of a set is for.
type Purpose byte

// Purposes, as the derivations number them.
const (
	PurposeENC Purpose = 1
	PurposeMAC Purpose = 2
	PurposeDEK Purpose = 3
)

// Diversify derives the card's set from the masters and its key diversification data.
func (k KeySet) Diversify(kdd [10]byte) (KeySet, error) {
	if k.Holder != nil {
		return KeySet{}, fmt.Errorf("%w: %w", ErrKey, ErrHeld)
	}
	if k.Diversification == NotDiversified {
		return k, nil
	}
	out := KeySet{KVN: k.KVN}
	for _, x := range []struct {
		into    *secret.Bytes
		master  secret.Bytes
		purpose Purpose
	}{{&out.ENC, k.ENC, PurposeENC}, {&out.MAC, k.MAC, PurposeMAC}, {&out.DEK, k.DEK, PurposeDEK}} {
		if x.master.IsZero() {
			continue
		}
		v, err := k.Diversification.derive(x.master.Reveal(), x.purpose, kdd)
		if err != nil {
			return KeySet{}, fmt.Errorf("%w: %s: %w", ErrKey, k.Diversification, err)
		}
		*x.into = secret.New(v)
		clear(v)
	}
	return out, nil
}

func (d Diversification) derive(master []byte, purpose Purpose, k [10]byte) ([]byte, error) {
	data := d.Data(purpose, k, len(master))
	if d == KDF3 {
		return kdf3(master, data)
	}
	block, err := crypt.TripleDES(master)
	if err != nil {
		return nil, err
	}
	return crypt.EncryptECB(block, data)
}

// Data is what a master of size bytes encrypts to the key of a purpose: 16 bytes under 3DES-ECB; with KDF3 one block of 16 for each AES-CMAC
// whose outputs, one after the other, begin with the key (counter, 000000, purpose, 00, diversification data; no length field).
func (d Diversification) Data(purpose Purpose, k [10]byte, size int) []byte {
	if d == KDF3 {
		var out []byte
		for counter := byte(1); len(out) < size; counter++ {
			out = append(append(out, counter, 0, 0, 0, byte(purpose), 0), k[:]...)
		}
		return out
	}
	half := map[Diversification][]byte{
		EMV:   k[4:10],
		VISA2: {k[0], k[1], k[4], k[5], k[6], k[7]},
		VISA1: {k[0], k[1], k[2], k[3], k[8], k[9]},
	}[d]
	data := append(append([]byte{}, half...), 0xF0, byte(purpose))
	return append(append(data, half...), 0x0F, byte(purpose))
}

func kdf3(master, data []byte) ([]byte, error) {
	var out []byte
	for ; len(data) > 0; data = data[16:] {
		mac, err := crypt.CMAC(master, data[:16])
		if err != nil {
			return nil, err
		}
		out = append(out, mac...)
	}
	return out[:len(master)], nil
}
