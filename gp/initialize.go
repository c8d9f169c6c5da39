package gp

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp/scp03"
)

// InitializeUpdate builds INITIALIZE UPDATE for a key version with a host challenge of 8 bytes, 16 in S16 mode
// (GPCS clause E.5.1, Amendment D clause 7.1.1).
func InitializeUpdate(kvn byte, challenge []byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSInitializeUpdate, P1: kvn, Data: challenge, Le: apdu.MaxShortLe}
}

// Protocol is a secure channel protocol.
type Protocol byte

// Protocols this package speaks.
const (
	SCP01 Protocol = 0x01
	SCP02 Protocol = 0x02
	SCP03 Protocol = 0x03
)

func (p Protocol) String() string { return fmt.Sprintf("SCP%02X", byte(p)) }

// des tells a protocol of 3DES keys, whose responses are not protected here.
func (p Protocol) des() bool { return p == SCP01 || p == SCP02 }

// InitializeUpdateResponse is what a card answers.
type InitializeUpdateResponse struct {
	KDD        [10]byte // key diversification data
	KVN        byte
	Protocol   Protocol
	I          byte   // parameter i; SCP03 only
	Challenge  []byte // SCP02: 6 bytes; SCP01 and SCP03: 8, in S16 mode 16
	Cryptogram []byte // 8 bytes, in S16 mode 16
	Sequence   []byte // SCP02: 2 bytes; SCP03: 3, or none
}

// ErrInitializeUpdate is an answer that is no answer of a protocol known here.
var ErrInitializeUpdate = errors.New("answer of INITIALIZE UPDATE")

const headSize = 12 // KDD, KVN, protocol

// ParseInitializeUpdate reads the answer: 28 bytes of SCP01 and SCP02; 29 or 32 of SCP03, 45 or 48 in S16 mode.
func ParseInitializeUpdate(b []byte) (InitializeUpdateResponse, error) {
	var r InitializeUpdateResponse
	if len(b) < headSize {
		return r, fmt.Errorf("%w: %d bytes", ErrInitializeUpdate, len(b))
	}
	copy(r.KDD[:], b)
	r.KVN, r.Protocol = b[10], Protocol(b[11])
	switch r.Protocol {
	case SCP01:
		return r, r.scp01(b)
	case SCP02:
		return r, r.scp02(b)
	case SCP03:
		return r, r.scp03(b)
	}
	return r, fmt.Errorf("%w: protocol %s is not known here", ErrInitializeUpdate, r.Protocol)
}

func (r *InitializeUpdateResponse) scp01(b []byte) error {
	if len(b) != 28 {
		return fmt.Errorf("%w: %d bytes, SCP01 has 28", ErrInitializeUpdate, len(b))
	}
	r.Challenge, r.Cryptogram = own(b[12:20]), own(b[20:28])
	return nil
}

func (r *InitializeUpdateResponse) scp02(b []byte) error {
	if len(b) != 28 {
		return fmt.Errorf("%w: %d bytes, SCP02 has 28", ErrInitializeUpdate, len(b))
	}
	r.Sequence, r.Challenge, r.Cryptogram = own(b[12:14]), own(b[14:20]), own(b[20:28])
	return nil
}

func (r *InitializeUpdateResponse) scp03(b []byte) error {
	size := 0
	switch len(b) {
	case 29, 32:
		size = 8
	case 45, 48:
		size = 16
	default:
		return fmt.Errorf("%w: %d bytes, SCP03 has 29, 32, 45 or 48", ErrInitializeUpdate, len(b))
	}
	r.I = b[12]
	at := headSize + 1
	r.Challenge, r.Cryptogram = own(b[at:at+size]), own(b[at+size:at+2*size])
	rest := b[at+2*size:]
	if r.I&scp03.OptionPseudoRandom != 0 && len(rest) == 0 {
		return fmt.Errorf("%w: i = %02X derives its challenge, and the sequence counter is missing", ErrInitializeUpdate, r.I)
	}
	if len(rest) == 3 {
		r.Sequence = own(rest)
	}
	return nil
}

func own(b []byte) []byte { return append([]byte(nil), b...) }
