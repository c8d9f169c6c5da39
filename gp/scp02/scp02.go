// Package scp02 is Secure Channel Protocol 02, the host's side (GPCS 2.3.1 annex E), in its explicit forms
// with three keys and C-MAC on the modified APDU: i = 15 and i = 55.
package scp02

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

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (GPCS table E-10).
const (
	LevelCMAC        = macchain.CMAC
	LevelCDecryption = macchain.CDecryption
	LevelRMAC        = 0x10
)

// Derivation constants of the session keys (GPCS clause E.4.1).
const (
	constCMAC = 0x0101
	constRMAC = 0x0102
	constDEK  = 0x0181
	constENC  = 0x0182
)

// ErrKeys is a key that 3DES does not take.
var ErrKeys = errors.New("SCP02 keys")

// Keys are the static keys of a set, 16 bytes each.
type Keys struct{ ENC, MAC, DEK secret.Bytes }

// Session is one secure channel. It is not safe for concurrent use, as a card is not.
type Session struct {
	macchain.Chain
	enc                  Key
	mac, rmac, dek       secret.Bytes
	host, sequence, card []byte
}

// Cipher is 3DES-CBC with a zero IV under a static key, wherever that is kept.
type Cipher func(data []byte) ([]byte, error)

// Key is the session's encryption key, wherever it is kept.
type Key interface {
	Encrypt(iv, data []byte) ([]byte, error) // 3DES-CBC of whole blocks
	Wipe()
}

// Held are static keys that stay where they are kept, such as in a token: ENC derives the session's encryption key there, from what 3DES-CBC
// is to encrypt to it. Without a DEK it is nil.
type Held struct {
	ENC      func(data []byte) (Key, error)
	MAC, DEK Cipher
}

func cbc(key secret.Bytes) Cipher {
	if key.IsZero() { // a set without DEK opens a channel and changes no keys
		return nil
	}
	return func(data []byte) ([]byte, error) { return inMemory{key}.Encrypt(nil, data) }
}

// inMemory is a key in memory.
type inMemory struct{ secret.Bytes }

func (k inMemory) Encrypt(iv, data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(k.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return crypt.EncryptCBC(block, iv, data)
}

// New derives the session keys from the sequence counter of 2 bytes (clause E.4.1); host is the host challenge
// of 8 bytes, card the card challenge of 6.
func New(keys Keys, host, sequence, card []byte) (*Session, error) {
	enc := func(data []byte) (Key, error) {
		v, err := inMemory{keys.ENC}.Encrypt(nil, data)
		defer clear(v)
		return inMemory{secret.New(v)}, err
	}
	return NewHeld(Held{enc, cbc(keys.MAC), cbc(keys.DEK)}, host, sequence, card)
}

// NewHeld is New with static keys that are kept elsewhere.
func NewHeld(keys Held, host, sequence, card []byte) (*Session, error) {
	s := &Session{host: host, sequence: sequence, card: card}
	s.Chain = macchain.New(s.rules())
	var err error
	if s.enc, err = keys.ENC(derivationData(constENC, sequence)); err != nil {
		return nil, err
	}
	for _, k := range []struct {
		into     *secret.Bytes
		cipher   Cipher
		constant uint16
	}{{&s.mac, keys.MAC, constCMAC}, {&s.rmac, keys.MAC, constRMAC}, {&s.dek, keys.DEK, constDEK}} {
		if k.cipher == nil {
			continue
		}
		v, err := k.cipher(derivationData(k.constant, sequence))
		if err != nil {
			s.Close()
			return nil, err
		}
		*k.into = secret.New(v)
		clear(v)
	}
	return s, nil
}

func (s *Session) rules() macchain.Rules {
	return macchain.Rules{Name: "SCP02", MAC: s.sign, NextICV: s.icv, Encrypt: s.encrypt}
}

// derivationData is constant, sequence counter and 12 zeros (clause E.4.1).
func derivationData(constant uint16, sequence []byte) []byte {
	data := make([]byte, 16)
	data[0], data[1] = byte(constant>>8), byte(constant)
	copy(data[2:4], sequence)
	return data
}

// SessionKey is 3DES-CBC with a zero IV over the derivation data: 16 bytes.
func SessionKey(key []byte, constant uint16, sequence []byte) ([]byte, error) {
	block, err := crypt.TripleDES(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return crypt.EncryptCBC(block, nil, derivationData(constant, sequence))
}

// VerifyCard compares the card's cryptogram in constant time (clause E.4.2.1).
func (s *Session) VerifyCard(cryptogram []byte) (bool, error) {
	want, err := s.cryptogram(s.host, s.sequence, s.card)
	return subtle.ConstantTimeCompare(want, cryptogram) == 1, err
}

// HostCryptogram proves the host (clause E.4.2.2).
func (s *Session) HostCryptogram() ([]byte, error) {
	return s.cryptogram(s.sequence, s.card, s.host)
}

// cryptogram is the full triple DES MAC: the last block of 3DES-CBC over the padded parts (clause B.1.2.1).
func (s *Session) cryptogram(parts ...[]byte) ([]byte, error) {
	out, err := s.enc.Encrypt(nil, crypt.Pad80(slices.Concat(parts...), crypt.DESBlock))
	if err != nil {
		return nil, err
	}
	return out[len(out)-crypt.DESBlock:], nil
}

// Authenticate builds EXTERNAL AUTHENTICATE for a level (clause E.5.2).
func (s *Session) Authenticate(level byte) (apdu.Command, error) {
	cryptogram, err := s.HostCryptogram()
	if err != nil {
		return apdu.Command{}, err
	}
	return s.Begin(level, cryptogram)
}

// icv is the last C-MAC under single DES (i bit 5).
func (s *Session) icv(last []byte) ([]byte, error) {
	block, err := crypt.SingleDES(s.mac.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.EncryptECB(block, last)
}

// sign is the retail MAC.
func (s *Session) sign(icv, data []byte) ([]byte, error) {
	return crypt.RetailMAC(s.mac.Reveal(), icv, data)
}

func (s *Session) encrypt(data []byte) ([]byte, error) {
	return s.enc.Encrypt(nil, crypt.Pad80(data, crypt.DESBlock))
}

// DEK is the session key that encrypts new keys (clause E.4.7); empty when the set has none.
func (s *Session) DEK() secret.Bytes { return s.dek }

// Close wipes the session keys.
func (s *Session) Close() {
	for _, k := range []interface{ Wipe() }{s.enc, s.mac, s.rmac, s.dek} {
		k.Wipe()
	}
}
