// Package scp02 is Secure Channel Protocol 02, the host's side (GPCS 2.3.1 annex E), in its explicit forms
// with three keys and C-MAC on the modified APDU: i = 15 and i = 55.
package scp02

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (GPCS table E-10).
const (
	LevelCMAC        = 0x01
	LevelCDecryption = 0x02
	LevelRMAC        = 0x10
)

// Derivation constants of the session keys (GPCS clause E.4.1).
const (
	constCMAC = 0x0101
	constRMAC = 0x0102
	constDEK  = 0x0181
	constENC  = 0x0182
)

const macSize = 8

// ErrKeys is a key that 3DES does not take.
var ErrKeys = errors.New("SCP02 keys")

// Keys are the static keys of a set, 16 bytes each.
type Keys struct{ ENC, MAC, DEK secret.Bytes }

// Session is one secure channel. It is not safe for concurrent use, as a card is not.
type Session struct {
	level                byte
	enc, mac, rmac, dek  secret.Bytes
	host, sequence, card []byte
	icv                  []byte // last C-MAC, zeros before the first
}

// New derives the session keys from the sequence counter of 2 bytes (clause E.4.1); host is the host challenge
// of 8 bytes, card the card challenge of 6.
func New(keys Keys, host, sequence, card []byte) (*Session, error) {
	s := &Session{host: host, sequence: sequence, card: card, icv: make([]byte, macSize)}
	for _, k := range []struct {
		into     *secret.Bytes
		base     secret.Bytes
		constant uint16
	}{{&s.enc, keys.ENC, constENC}, {&s.mac, keys.MAC, constCMAC}, {&s.rmac, keys.MAC, constRMAC}, {&s.dek, keys.DEK, constDEK}} {
		if k.base.IsZero() { // a set without DEK opens a channel and changes no keys
			continue
		}
		v, err := SessionKey(k.base.Reveal(), k.constant, sequence)
		if err != nil {
			return nil, err
		}
		*k.into = secret.New(v)
		clear(v)
	}
	return s, nil
}

// SessionKey is 3DES-CBC with a zero IV over constant, sequence counter and 12 zeros: 16 bytes.
func SessionKey(key []byte, constant uint16, sequence []byte) ([]byte, error) {
	block, err := crypt.TripleDES(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	data := make([]byte, 16)
	data[0], data[1] = byte(constant>>8), byte(constant)
	copy(data[2:4], sequence)
	return crypt.EncryptCBC(block, nil, data)
}

// VerifyCard compares the card's cryptogram in constant time (clause E.4.2.1).
func (s *Session) VerifyCard(cryptogram []byte) (bool, error) {
	want, err := crypt.FullTripleDESMAC(s.enc.Reveal(), nil, join(s.host, s.sequence, s.card))
	return subtle.ConstantTimeCompare(want, cryptogram) == 1, err
}

// HostCryptogram proves the host (clause E.4.2.2).
func (s *Session) HostCryptogram() ([]byte, error) {
	return crypt.FullTripleDESMAC(s.enc.Reveal(), nil, join(s.sequence, s.card, s.host))
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// Authenticate builds EXTERNAL AUTHENTICATE for a level: MACed with a zero ICV, never encrypted (clause E.5.2).
func (s *Session) Authenticate(level byte) (apdu.Command, error) {
	cryptogram, err := s.HostCryptogram()
	if err != nil {
		return apdu.Command{}, err
	}
	c := apdu.Command{CLA: 0x80, INS: apdu.INSExternalAuth, P1: level, Data: cryptogram}
	mac, err := s.cmac(c, make([]byte, macSize))
	if err != nil {
		return c, err
	}
	c.CLA |= 0x04
	c.Data = append(c.Data, mac...)
	s.icv, s.level = mac, level
	return c, nil
}

// Level is the security level.
func (s *Session) Level() byte { return s.level }

// MaxData is how many bytes of plain command data fit a command whose data has at most limit bytes (255: a short command), MAC and
// padding included; 0 when none do.
func (s *Session) MaxData(limit int) int {
	room := limit
	if s.level&LevelCMAC != 0 {
		room -= macSize
	}
	if s.level&LevelCDecryption != 0 {
		room = room/crypt.DESBlock*crypt.DESBlock - 1
	}
	return max(room, 0)
}

// Wrap signs the plain command, then encrypts its data (clauses E.4.4, E.4.6). A command without data is MACed
// only. The ICV is the last C-MAC under single DES (i bit 5). commit makes this C-MAC the next ICV: it is called when the link
// delivered an answer, and not when the link failed.
func (s *Session) Wrap(c apdu.Command) (wrapped apdu.Command, commit func(), err error) {
	if s.level&LevelCMAC == 0 {
		return c, func() {}, nil
	}
	icv, err := s.encryptedICV()
	if err != nil {
		return c, nil, err
	}
	if len(c.Data)+macSize > apdu.MaxShortData {
		return c, nil, fmt.Errorf("SCP02: %d bytes of data do not fit a short command with its MAC", len(c.Data))
	}
	mac, err := s.cmac(c, icv)
	if err != nil {
		return c, nil, err
	}
	data := c.Data
	if s.level&LevelCDecryption != 0 && len(data) > 0 {
		if data, err = s.encrypt(data); err != nil {
			return c, nil, err
		}
	}
	if c.CLA, err = apdu.WithChannel(apdu.BaseClass(c.CLA)|0x04, apdu.Channel(c.CLA)); err != nil {
		return c, nil, err
	}
	c.Data = append(append([]byte{}, data...), mac...)
	if len(c.Data) > apdu.MaxShortData {
		return c, nil, fmt.Errorf("SCP02: %d bytes of data do not fit a short command", len(c.Data))
	}
	return c, func() { s.icv = mac }, nil
}

func (s *Session) encryptedICV() ([]byte, error) {
	block, err := crypt.SingleDES(s.mac.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.EncryptECB(block, s.icv)
}

// cmac is the retail MAC over the header with the secured class (channel bits zero) and Lc + 8, and the plain data.
func (s *Session) cmac(c apdu.Command, icv []byte) ([]byte, error) {
	head := []byte{apdu.BaseClass(c.CLA) | 0x04, c.INS, c.P1, c.P2, byte(len(c.Data) + macSize)}
	return crypt.RetailMAC(s.mac.Reveal(), icv, append(head, c.Data...))
}

func (s *Session) encrypt(data []byte) ([]byte, error) {
	block, err := crypt.TripleDES(s.enc.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.EncryptCBC(block, nil, crypt.Pad80(data, crypt.DESBlock))
}

// Unwrap has nothing to remove: the levels offered here carry no R-MAC.
func (s *Session) Unwrap(r apdu.Response) (apdu.Response, error) { return r, nil }

// DEK is the session key that encrypts new keys (clause E.4.7); empty when the set has none.
func (s *Session) DEK() secret.Bytes { return s.dek }

// Close wipes the session keys.
func (s *Session) Close() {
	for _, k := range []secret.Bytes{s.enc, s.mac, s.rmac, s.dek} {
		k.Wipe()
	}
}
