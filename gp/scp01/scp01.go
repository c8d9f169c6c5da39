// Package scp01 is Secure Channel Protocol 01, the host's side (GPCS 2.2.1 annex D), in its explicit forms with three keys and
// C-MAC on the modified APDU: i = 05 and i = 15. It is deprecated; old cards know nothing else.
package scp01

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp/macchain"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (GPCS table D-6).
const (
	LevelCMAC        = macchain.CMAC
	LevelCDecryption = macchain.CDecryption
)

// Parameter i, which a card tells in its card data alone (GPCS clause D.1.1).
const (
	Option05 = 0x05 // the last C-MAC is the next ICV as it is
	Option15 = 0x15 // it is encrypted before
)

// ErrKeys is a key that 3DES does not take.
var ErrKeys = errors.New("SCP01 keys")

// Keys are the static keys of a set, 16 bytes each. The DEK has no part in a session: keys are encrypted under the static one.
type Keys struct{ ENC, MAC secret.Bytes }

// Session is one secure channel. It is not safe for concurrent use, as a card is not.
type Session struct {
	macchain.Chain
	enc, mac   secret.Bytes
	host, card []byte
}

// Cipher is 3DES-ECB under a static key, wherever that is kept.
type Cipher func(data []byte) ([]byte, error)

// Held are static keys that stay where they are kept, such as in a token.
type Held struct{ ENC, MAC Cipher }

func ecb(key secret.Bytes) Cipher {
	return func(data []byte) ([]byte, error) {
		block, err := crypt.TripleDES(key.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeys, err)
		}
		return crypt.EncryptECB(block, data)
	}
}

// New derives the session keys from the host challenge and the card challenge, 8 bytes each; option is parameter i.
func New(keys Keys, option byte, host, card []byte) (*Session, error) {
	return NewHeld(Held{ecb(keys.ENC), ecb(keys.MAC)}, option, host, card)
}

// NewHeld is New with static keys that are kept elsewhere.
func NewHeld(keys Held, option byte, host, card []byte) (*Session, error) {
	if option != Option05 && option != Option15 {
		return nil, fmt.Errorf("SCP01: i = %02X is not known here", option)
	}
	data, err := derivationData(host, card)
	if err != nil {
		return nil, err
	}
	s := &Session{host: host, card: card}
	s.Chain = macchain.New(macchain.Rules{Name: "SCP01", MAC: s.sign, NextICV: s.icv(option), Encrypt: s.encrypt})
	for _, k := range []struct {
		into   *secret.Bytes
		cipher Cipher
	}{{&s.enc, keys.ENC}, {&s.mac, keys.MAC}} {
		v, err := k.cipher(data)
		if err != nil {
			return nil, err
		}
		*k.into = secret.New(v)
		clear(v)
	}
	return s, nil
}

// derivationData is the second half of the card challenge, the first of the host's, the first of the card's, the second of
// the host's (clause D.4.1).
func derivationData(host, card []byte) ([]byte, error) {
	if len(host) != 8 || len(card) != 8 {
		return nil, fmt.Errorf("SCP01: challenges of %d and %d bytes, both have 8", len(host), len(card))
	}
	return slices.Concat(card[4:], host[:4], card[:4], host[4:]), nil
}

// SessionKey is 3DES-ECB over the derivation data of clause D.4.1: 16 bytes.
func SessionKey(key, host, card []byte) ([]byte, error) {
	data, err := derivationData(host, card)
	if err != nil {
		return nil, err
	}
	return ecb(secret.New(key))(data)
}

// VerifyCard compares the card's cryptogram in constant time (clause D.4.2).
func (s *Session) VerifyCard(cryptogram []byte) (bool, error) {
	want, err := crypt.FullTripleDESMAC(s.enc.Reveal(), nil, slices.Concat(s.host, s.card))
	return subtle.ConstantTimeCompare(want, cryptogram) == 1, err
}

// HostCryptogram proves the host (clause D.4.2).
func (s *Session) HostCryptogram() ([]byte, error) {
	return crypt.FullTripleDESMAC(s.enc.Reveal(), nil, slices.Concat(s.card, s.host))
}

// Authenticate builds EXTERNAL AUTHENTICATE for a level (clause D.5.2).
func (s *Session) Authenticate(level byte) (apdu.Command, error) {
	cryptogram, err := s.HostCryptogram()
	if err != nil {
		return apdu.Command{}, err
	}
	return s.Begin(level, cryptogram)
}

// icv is the last C-MAC; with i = 15 under 3DES with the C-MAC key, where SCP02 takes single DES.
func (s *Session) icv(option byte) func(last []byte) ([]byte, error) {
	return func(last []byte) ([]byte, error) {
		if option != Option15 {
			return last, nil
		}
		block, err := crypt.TripleDES(s.mac.Reveal())
		if err != nil {
			return nil, err
		}
		return crypt.EncryptECB(block, last)
	}
}

// sign is the full 3DES MAC.
func (s *Session) sign(icv, data []byte) ([]byte, error) {
	return crypt.FullTripleDESMAC(s.mac.Reveal(), icv, data)
}

// encrypt puts the length before the data, and padding behind it unless that fills whole blocks.
func (s *Session) encrypt(data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(s.enc.Reveal())
	if err != nil {
		return nil, err
	}
	plain := append([]byte{byte(len(data))}, data...)
	if len(plain)%crypt.DESBlock != 0 {
		plain = crypt.Pad80(plain, crypt.DESBlock)
	}
	return crypt.EncryptCBC(block, nil, plain)
}

// Close wipes the session keys.
func (s *Session) Close() {
	s.enc.Wipe()
	s.mac.Wipe()
}
