// Package macchain is what the host's sides of SCP01 and SCP02 have in common: a chain of C-MACs of 8 bytes over plain commands, whose data is
// encrypted afterwards. How a MAC is made, what becomes its ICV, and how data is encrypted is each protocol's own.
package macchain

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/crypt"
)

// Bits of the security level, P1 of EXTERNAL AUTHENTICATE (GPCS tables D-6, E-10).
const (
	CMAC        = 0x01
	CDecryption = 0x02
)

const macSize = 8

// Rules are those of one protocol.
type Rules struct {
	Name    string                                       // for errors
	MAC     func(icv, data []byte) ([]byte, error)       // 8 bytes
	NextICV func(last []byte) ([]byte, error)            // of the C-MAC of the command before
	Encrypt func(data []byte) (cipher []byte, err error) // whole blocks; data is not empty
}

// Chain is one session's. It is not safe for concurrent use, as a card is not.
type Chain struct {
	rules Rules
	level byte
	icv   []byte // last C-MAC, zeros before the first
}

// New begins a chain.
func New(r Rules) Chain { return Chain{rules: r, icv: make([]byte, macSize)} }

// Begin builds EXTERNAL AUTHENTICATE with the host's cryptogram for a level: MACed with a zero ICV, never encrypted (GPCS clauses D.5.2, E.5.2).
func (s *Chain) Begin(level byte, cryptogram []byte) (apdu.Command, error) {
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
func (s *Chain) Level() byte { return s.level }

// MaxData is how many bytes of plain command data fit a command whose data has at most limit bytes (255: a short command), MAC and
// encryption included, which takes at least one byte more than the data; 0 when none do.
func (s *Chain) MaxData(limit int) int {
	room := limit
	if s.level&CMAC != 0 {
		room -= macSize
	}
	if s.level&CDecryption != 0 {
		room = room/crypt.DESBlock*crypt.DESBlock - 1
	}
	return max(room, 0)
}

// Wrap signs the plain command, then encrypts its data (GPCS clauses D.3.1, D.3.2, E.4.4, E.4.6). A command without data is MACed only. commit
// makes this C-MAC the next ICV: it is called when the link delivered an answer, and not when the link failed.
func (s *Chain) Wrap(c apdu.Command) (wrapped apdu.Command, commit func(), err error) {
	if s.level&CMAC == 0 {
		return c, func() {}, nil
	}
	if len(c.Data) > s.MaxData(apdu.MaxShortData) {
		return c, nil, fmt.Errorf("%s: %d bytes of data do not fit a short command with its MAC", s.rules.Name, len(c.Data))
	}
	icv, err := s.rules.NextICV(s.icv)
	if err != nil {
		return c, nil, err
	}
	mac, err := s.cmac(c, icv)
	if err != nil {
		return c, nil, err
	}
	data := c.Data
	if s.level&CDecryption != 0 && len(data) > 0 {
		if data, err = s.rules.Encrypt(data); err != nil {
			return c, nil, err
		}
	}
	if c.CLA, err = apdu.WithChannel(apdu.BaseClass(c.CLA)|0x04, apdu.Channel(c.CLA)); err != nil {
		return c, nil, err
	}
	c.Data = append(append([]byte{}, data...), mac...)
	return c, func() { s.icv = mac }, nil
}

// cmac is over the header with the secured class (channel bits zero) and Lc + 8, and the plain data.
func (s *Chain) cmac(c apdu.Command, icv []byte) ([]byte, error) {
	head := []byte{apdu.BaseClass(c.CLA) | 0x04, c.INS, c.P1, c.P2, byte(len(c.Data) + macSize)}
	return s.rules.MAC(icv, append(head, c.Data...))
}

// Unwrap has nothing to remove: the levels offered here carry no R-MAC.
func (s *Chain) Unwrap(r apdu.Response) (apdu.Response, error) { return r, nil }
