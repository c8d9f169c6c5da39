// Package scp03 is Secure Channel Protocol 03, the host's side (GlobalPlatform Card Specification 2.3,
// Amendment D 1.2): session keys, cryptograms, and the wrapping of commands and responses.
package scp03

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
	"github.com/simbind/simbind/secret"
)

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (Amendment D table 7-5).
const (
	LevelCMAC        = 0x01
	LevelCDecryption = 0x02
	LevelRMAC        = 0x10
	LevelREncryption = 0x20
)

// Bits of the parameter i (Amendment D table 5-1).
const (
	OptionS16          = 0x01 // 16-byte challenges, cryptograms and MACs
	OptionPseudoRandom = 0x10 // the card challenge is derived, not drawn
	OptionRMAC         = 0x20
	OptionREncryption  = 0x40
)

// Derivation constants (Amendment D table 4-1).
const (
	constCardCryptogram = 0x00
	constHostCryptogram = 0x01
	constCardChallenge  = 0x02
	constENC            = 0x04
	constMAC            = 0x06
	constRMAC           = 0x07
)

// ErrKeys is a key that AES does not take.
var ErrKeys = errors.New("SCP03 keys")

// ErrResponse is a response whose R-MAC or encryption does not verify. The session is over.
var ErrResponse = errors.New("SCP03 response")

// Derive is the data derivation of Amendment D clause 4.1.5: a KDF in counter mode with AES-CMAC (NIST SP
// 800-108) over 11 zeros, the constant, 00, the length in bits, the counter and the context. bits is 64, 128, 192 or 256.
func Derive(key []byte, constant byte, bits int, context []byte) ([]byte, error) {
	return derive(cmac(key), constant, bits, context)
}

func cmac(key []byte) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		mac, err := crypt.CMAC(key, data)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeys, err)
		}
		return mac, nil
	}
}

func derive(sign func([]byte) ([]byte, error), constant byte, bits int, context []byte) ([]byte, error) {
	var out []byte
	for _, m := range messages(constant, bits, context) {
		mac, err := sign(m)
		if err != nil {
			return nil, err
		}
		out = append(out, mac...)
	}
	return out[:bits/8], nil
}

// messages are what is signed for so many bits, one for each 128 of them.
func messages(constant byte, bits int, context []byte) (out [][]byte) {
	for counter := byte(1); len(out)*128 < bits; counter++ {
		block := make([]byte, 11, 16+len(context))
		block = append(block, constant, 0x00, byte(bits>>8), byte(bits), counter)
		out = append(out, append(block, context...))
	}
	return out
}

// Keys are the static keys of a set, each of 16, 24 or 32 bytes.
type Keys struct{ ENC, MAC secret.Bytes }

// Held are static keys that stay where they are kept, such as in a token. Size is their length in bytes: 16, 24 or 32.
type Held struct {
	ENC, MAC Deriver
	Size     int
}

// Session is one secure channel. It is not safe for concurrent use, as a card is not.
type Session struct {
	level          byte
	macSize        int // bytes of a MAC that travel: 8, in S16 mode 16
	enc, mac, rmac Key
	context        []byte // host challenge ‖ card challenge
	chaining       [16]byte
	counter        uint32 // of commands since EXTERNAL AUTHENTICATE
}

// New derives the session keys from the challenges, 8 bytes each, in S16 mode 16 (clause 6.2.1).
func New(keys Keys, host, card []byte) (*Session, error) {
	return begin(inMemory(keys.ENC), inMemory(keys.MAC), keys.ENC.Len(), keys.MAC.Len(), host, card)
}

// NewHeld is New with static keys that are kept elsewhere, and session keys that stay beside them.
func NewHeld(keys Held, host, card []byte) (*Session, error) {
	return begin(keys.ENC, keys.MAC, keys.Size, keys.Size, host, card)
}

func begin(enc, mac Deriver, encSize, macSize int, host, card []byte) (*Session, error) {
	s := &Session{macSize: len(host), context: append(append([]byte{}, host...), card...)}
	for _, k := range []struct {
		into     *Key
		derive   Deriver
		size     int
		constant byte
	}{{&s.enc, enc, encSize, constENC}, {&s.mac, mac, macSize, constMAC}, {&s.rmac, mac, macSize, constRMAC}} {
		var err error
		if *k.into, err = k.derive(messages(k.constant, k.size*8, s.context)); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// VerifyCard compares the card's cryptogram in constant time (clause 6.2.2.2).
func (s *Session) VerifyCard(cryptogram []byte) (bool, error) {
	want, err := derive(s.mac.CMAC, constCardCryptogram, s.macSize*8, s.context)
	return subtle.ConstantTimeCompare(want, cryptogram) == 1, err
}

// HostCryptogram proves the host (clause 6.2.2.3).
func (s *Session) HostCryptogram() ([]byte, error) {
	return derive(s.mac.CMAC, constHostCryptogram, s.macSize*8, s.context)
}

// CardChallenge is the pseudo-random card challenge a card with OptionPseudoRandom makes from its static ENC key, the
// sequence counter of 3 bytes and the AID of the application that was asked (clause 6.2.2.1).
func CardChallenge(enc secret.Bytes, sequence, aid []byte, size int) ([]byte, error) {
	return CardChallengeHeld(cmac(enc.Reveal()), sequence, aid, size)
}

// CardChallengeHeld is CardChallenge with an ENC key that is kept elsewhere: enc is AES-CMAC under it.
func CardChallengeHeld(enc func([]byte) ([]byte, error), sequence, aid []byte, size int) ([]byte, error) {
	return derive(enc, constCardChallenge, size*8, append(append([]byte{}, sequence...), aid...))
}

// Authenticate builds EXTERNAL AUTHENTICATE for a level: MACed, never encrypted (clause 7.1.2). From the next
// command on the session has that level.
func (s *Session) Authenticate(level byte) (apdu.Command, error) {
	cryptogram, err := s.HostCryptogram()
	if err != nil {
		return apdu.Command{}, err
	}
	c := apdu.Command{CLA: 0x80, INS: apdu.INSExternalAuth, P1: level, Data: cryptogram}
	c, chaining, err := s.sign(c)
	if err != nil {
		return c, err
	}
	s.chaining, s.level, s.counter = chaining, level, 0
	return c, nil
}

// Level is the security level.
func (s *Session) Level() byte { return s.level }

// MaxData is how many bytes of plain command data fit a command whose data has at most limit bytes (255: a short command), MAC and
// padding included; 0 when none do.
func (s *Session) MaxData(limit int) int {
	room := limit
	if s.level&LevelCMAC != 0 {
		room -= s.macSize
	}
	if s.level&LevelCDecryption != 0 {
		room = room/crypt.AESBlock*crypt.AESBlock - 1
	}
	return max(room, 0)
}

// Wrap encrypts and signs a command at the session's level (clauses 6.2.4, 6.2.6). The counter counts every command, also
// those without data. commit advances chaining value and counter: it is called when the link delivered an answer, and not when the
// link failed.
func (s *Session) Wrap(c apdu.Command) (wrapped apdu.Command, commit func(), err error) {
	counter := s.counter + 1
	if s.level&LevelCDecryption != 0 && len(c.Data) > 0 {
		if c.Data, err = s.encrypt(c.Data, counter); err != nil {
			return c, nil, err
		}
	}
	chaining := s.chaining
	if s.level&LevelCMAC != 0 {
		if c, chaining, err = s.sign(c); err != nil {
			return c, nil, err
		}
	}
	return c, func() { s.chaining, s.counter = chaining, counter }, nil
}

func (s *Session) encrypt(data []byte, counter uint32) ([]byte, error) {
	block := make([]byte, crypt.AESBlock)
	putCounter(block, counter)
	iv, err := s.enc.Encrypt(noIV, block)
	if err != nil {
		return nil, err
	}
	return s.enc.Encrypt(iv, crypt.Pad80(data, crypt.AESBlock))
}

func putCounter(block []byte, counter uint32) {
	n := len(block)
	block[n-4], block[n-3], block[n-2], block[n-1] = byte(counter>>24), byte(counter>>16), byte(counter>>8), byte(counter)
}

// sign appends the C-MAC over chaining value, header and data. The MAC sees the class byte with the secure
// messaging bit and without the logical channel (clause 6.2.4).
func (s *Session) sign(c apdu.Command) (apdu.Command, [16]byte, error) {
	channel := apdu.Channel(c.CLA)
	if len(c.Data)+s.macSize > apdu.MaxShortData {
		return c, s.chaining, fmt.Errorf("SCP03: %d bytes of data do not fit a short command with its MAC", len(c.Data))
	}
	signed := append(s.chaining[:], apdu.BaseClass(c.CLA)|0x04, c.INS, c.P1, c.P2, byte(len(c.Data)+s.macSize))
	full, err := s.mac.CMAC(append(signed, c.Data...))
	if err != nil {
		return c, s.chaining, err
	}
	if c.CLA, err = apdu.WithChannel(apdu.BaseClass(c.CLA)|0x04, channel); err != nil {
		return c, s.chaining, err
	}
	c.Data = append(append([]byte{}, c.Data...), full[:s.macSize]...)
	return c, [16]byte(full), nil
}

// Unwrap checks and removes R-MAC and R-ENC (clauses 6.2.5, 6.2.7), after the command was committed. A status word
// that is an error comes alone: it has no R-MAC and nothing to decrypt.
func (s *Session) Unwrap(r apdu.Response) (apdu.Response, error) {
	if s.level&LevelRMAC == 0 || !protected(r.SW) {
		if s.level&LevelRMAC != 0 && len(r.Data) > 0 {
			return apdu.Response{}, fmt.Errorf("%w: an error came with data", ErrResponse)
		}
		return r, nil
	}
	if len(r.Data) < s.macSize {
		return apdu.Response{}, fmt.Errorf("%w: %d bytes, too short for an R-MAC", ErrResponse, len(r.Data))
	}
	n := len(r.Data) - s.macSize
	data, mac := r.Data[:n], r.Data[n:]
	if err := s.verify(data, mac, r.SW); err != nil {
		return apdu.Response{}, err
	}
	if s.level&LevelREncryption != 0 && n > 0 {
		plain, err := s.decrypt(data)
		return apdu.Response{Data: plain, SW: r.SW}, err
	}
	return apdu.Response{Data: data, SW: r.SW}, nil
}

// verify checks the R-MAC over chaining value, data as it came, and status word. Where a proactive command waits, a UICC signs its 9000 and
// turns it into 91XX on the way out (TS 102 221 clause 7.4.2.1 stands outside the secure channel): both are the card's word.
func (s *Session) verify(data, mac []byte, sw apdu.SW) error {
	signed := []apdu.SW{sw}
	if _, waits := sw.Proactive(); waits {
		signed = append(signed, apdu.SWOK)
	}
	for _, w := range signed {
		want, err := s.rmac.CMAC(slices.Concat(s.chaining[:], data, []byte{w.SW1(), w.SW2()}))
		if err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(want[:s.macSize], mac) == 1 {
			return nil
		}
	}
	return fmt.Errorf("%w: R-MAC does not verify", ErrResponse)
}

// protected: 9000 (91XX is the same, a proactive command waits) and warnings carry an R-MAC.
func protected(sw apdu.SW) bool { return sw.OK() || sw.Warning() }

func (s *Session) decrypt(data []byte) ([]byte, error) {
	block := make([]byte, crypt.AESBlock)
	putCounter(block, s.counter)
	block[0] = 0x80
	iv, err := s.enc.Encrypt(noIV, block)
	if err != nil {
		return nil, err
	}
	plain, err := s.enc.Decrypt(iv, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	out, err := crypt.Unpad80(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResponse, err)
	}
	return out, nil
}

// Close wipes the session keys.
func (s *Session) Close() {
	for _, k := range []Key{s.enc, s.mac, s.rmac} {
		if k != nil {
			k.Wipe()
		}
	}
}
