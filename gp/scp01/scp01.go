// Package scp01 is Secure Channel Protocol 01, the host's side (GPCS 2.2.1 annex D), in its explicit forms with three keys and
// C-MAC on the modified APDU: i = 05 and i = 15. It is deprecated; old cards know nothing else.
package scp01

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (GPCS table D-6).
const (
	LevelCMAC        = 0x01
	LevelCDecryption = 0x02
)

// Parameter i, which a card tells in its card data alone (GPCS clause D.1.1).
const (
	Option05 = 0x05 // the last C-MAC is the next ICV as it is
	Option15 = 0x15 // it is encrypted before
)

const macSize = 8

// ErrKeys is a key that 3DES does not take.
var ErrKeys = errors.New("SCP01 keys")

// Keys are the static keys of a set, 16 bytes each. The DEK has no part in a session: keys are encrypted under the static one.
type Keys struct{ ENC, MAC secret.Bytes }

// Session is one secure channel. It is not safe for concurrent use, as a card is not.
type Session struct {
	level      byte
	encryptICV bool
	enc, mac   secret.Bytes
	host, card []byte
	icv        []byte // last C-MAC, zeros before the first
}

// New derives the session keys from the host challenge and the card challenge, 8 bytes each; option is parameter i.
func New(keys Keys, option byte, host, card []byte) (*Session, error) {
	if option != Option05 && option != Option15 {
		return nil, fmt.Errorf("SCP01: i = %02X is not known here", option)
	}
	s := &Session{encryptICV: option == Option15, host: host, card: card, icv: make([]byte, macSize)}
	for _, k := range []struct {
		into *secret.Bytes
		base secret.Bytes
	}{{&s.enc, keys.ENC}, {&s.mac, keys.MAC}} {
		v, err := SessionKey(k.base.Reveal(), host, card)
		if err != nil {
			return nil, err
		}
		*k.into = secret.New(v)
		clear(v)
	}
	return s, nil
}

// SessionKey is 3DES-ECB over the second half of the card challenge, the first of the host's, the first of the card's, the second of
// the host's: 16 bytes (clause D.4.1).
func SessionKey(key, host, card []byte) ([]byte, error) {
	if len(host) != 8 || len(card) != 8 {
		return nil, fmt.Errorf("SCP01: challenges of %d and %d bytes, both have 8", len(host), len(card))
	}
	block, err := crypt.TripleDES(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return crypt.EncryptECB(block, join(card[4:], host[:4], card[:4], host[4:]))
}

// VerifyCard compares the card's cryptogram in constant time (clause D.4.2).
func (s *Session) VerifyCard(cryptogram []byte) (bool, error) {
	want, err := crypt.FullTripleDESMAC(s.enc.Reveal(), nil, join(s.host, s.card))
	return subtle.ConstantTimeCompare(want, cryptogram) == 1, err
}

// HostCryptogram proves the host (clause D.4.2).
func (s *Session) HostCryptogram() ([]byte, error) {
	return crypt.FullTripleDESMAC(s.enc.Reveal(), nil, join(s.card, s.host))
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// Authenticate builds EXTERNAL AUTHENTICATE for a level: MACed with a zero ICV, never encrypted (clause D.5.2).
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

// MaxData is how many bytes of plain command data fit a command whose data has at most limit bytes (255: a short command): encrypted, a length
// byte comes before them, and padding only where it is needed; 0 when none do.
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

// Wrap signs the plain command, then encrypts its data (clauses D.3.1, D.3.2). A command without data is MACed only. commit makes this
// C-MAC the next ICV: it is called when the link delivered an answer, and not when the link failed.
func (s *Session) Wrap(c apdu.Command) (wrapped apdu.Command, commit func(), err error) {
	if s.level&LevelCMAC == 0 {
		return c, func() {}, nil
	}
	icv, err := s.nextICV()
	if err != nil {
		return c, nil, err
	}
	if len(c.Data) > s.MaxData(apdu.MaxShortData) {
		return c, nil, fmt.Errorf("SCP01: %d bytes of data do not fit a short command with its MAC", len(c.Data))
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
	c.Data = join(data, mac)
	return c, func() { s.icv = mac }, nil
}

// nextICV is the last C-MAC; with i = 15 under 3DES with the C-MAC key, where SCP02 takes single DES.
func (s *Session) nextICV() ([]byte, error) {
	if !s.encryptICV {
		return s.icv, nil
	}
	block, err := crypt.TripleDES(s.mac.Reveal())
	if err != nil {
		return nil, err
	}
	return crypt.EncryptECB(block, s.icv)
}

// cmac is the full 3DES MAC over the header with the secured class (channel bits zero) and Lc + 8, and the plain data.
func (s *Session) cmac(c apdu.Command, icv []byte) ([]byte, error) {
	head := []byte{apdu.BaseClass(c.CLA) | 0x04, c.INS, c.P1, c.P2, byte(len(c.Data) + macSize)}
	return crypt.FullTripleDESMAC(s.mac.Reveal(), icv, append(head, c.Data...))
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

// Unwrap has nothing to remove: responses are not protected.
func (s *Session) Unwrap(r apdu.Response) (apdu.Response, error) { return r, nil }

// Close wipes the session keys.
func (s *Session) Close() {
	s.enc.Wipe()
	s.mac.Wipe()
}
