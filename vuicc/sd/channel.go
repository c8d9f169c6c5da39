package sd

import (
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/plug"
)

// protocol is the card's side of one session of SCP02 or SCP03.
type protocol interface {
	// answer is what follows KDD, KVN and protocol in the answer of INITIALIZE UPDATE.
	answer() ([]byte, error)
	// hostCryptogram is what the host has to prove.
	hostCryptogram() ([]byte, error)
	// macSize is 8, in S16 mode 16.
	macSize() int
	// unwrap checks the C-MAC of a command and, at a level that has it, decrypts. begin is EXTERNAL AUTHENTICATE, which is
	// never encrypted.
	unwrap(c apdu.Command, level byte, begin bool) (apdu.Command, error)
	// wrap protects an answer at a level with R-MAC.
	wrap(r apdu.Response, level byte) (apdu.Response, error)
	// levels are the values of P1 that EXTERNAL AUTHENTICATE may have.
	levels() []byte
	// decryptKey takes a key component out from under the data encryption key.
	decryptKey(cipher []byte) ([]byte, error)
}

type session struct {
	protocol
	set           keySet
	authenticated bool
	aborted       bool // secure messaging failed: closed to everything until it is ended (GPCS clause 10.2.3)
	level         byte
}

// channel implements plug.SecureChannel.
type channel struct {
	d   *Domain
	n   int
	aid []byte // of the application that was asked: a pseudo-random challenge depends on it
}

// Security implements plug.SecureChannel: INITIALIZE UPDATE (class 80) and EXTERNAL AUTHENTICATE (class 84). Both end the
// session that was there, so that a failure leaves none.
func (ch *channel) Security(c apdu.Command) apdu.Response {
	old := ch.d.sessions[ch.n]
	ch.d.EndSession(ch.n)
	secure := apdu.SecureMessaging(c.CLA)
	switch {
	case apdu.BaseClass(c.CLA) != 0x80:
		return refuse(apdu.SWUnknownCLA)
	case c.INS == apdu.INSInitializeUpdate && !secure:
		return ch.initialize(c)
	case c.INS == apdu.INSExternalAuth && secure:
		return refuse(ch.authenticate(old, c))
	case c.INS == apdu.INSInitializeUpdate || c.INS == apdu.INSExternalAuth:
		return refuse(apdu.SWUnknownCLA)
	}
	return refuse(apdu.SWUnknownINS)
}

// initialize is INITIALIZE UPDATE (GPCS clause E.5.1, Amendment D clause 7.1.1): P1 is the key version, 00 for the default; the data is
// the host's challenge. The answer is KDD 10, KVN, protocol, then what the protocol says.
func (ch *channel) initialize(c apdu.Command) apdu.Response {
	d := ch.d
	set, ok := d.find(c.P1)
	want := 8
	if set.s16() {
		want = 16
	}
	switch {
	case c.P2 != 0:
		return refuse(apdu.SWWrongP1P2)
	case !ok:
		return refuse(apdu.SWReferenceNotFound)
	case d.Failures(set.KVN) >= d.fixed.Velocity:
		return refuse(apdu.SWBlocked)
	case len(c.Data) != want:
		return refuse(apdu.SWWrongLength)
	}
	p, err := d.challenge(d, set, c.Data, ch.aid)
	if err != nil {
		return refuse(statusOf(err))
	}
	tail, err := p.answer()
	if err != nil {
		return refuse(apdu.SWNoDiagnosis)
	}
	d.sessions[ch.n] = &session{protocol: p, set: set}
	return apdu.Response{Data: concat(d.fixed.KDD, []byte{set.KVN, set.Protocol}, tail), SW: apdu.SWOK}
}

// authenticate is EXTERNAL AUTHENTICATE (GPCS clause E.5.2, Amendment D clause 7.1.2). The failure counter of the key set goes up before
// the comparison and to zero after success, so that a power cut gives no free try. SCP02 counts a session at the
// same write.
func (ch *channel) authenticate(s *session, c apdu.Command) apdu.SW {
	d := ch.d
	switch {
	case s == nil || s.authenticated || s.aborted:
		return apdu.SWConditions
	case c.P2 != 0 || !slices.Contains(s.levels(), c.P1):
		return apdu.SWWrongP1P2
	case len(c.Data) != 2*s.macSize():
		return apdu.SWWrongLength
	}
	failed := d.Failures(s.set.KVN)
	if failed >= d.fixed.Velocity { // blocked on another logical channel meanwhile
		return apdu.SWBlocked
	}
	if d.mem.PutNow(counter(s.set.KVN, "failures"), []byte{byte(failed + 1)}) != nil {
		return apdu.SWMemory
	}
	if !s.proves(c) {
		return apdu.SWAuthenticationFailed
	}
	if err := d.succeeded(s.set); err != nil {
		return statusOr(err, apdu.SWMemory)
	}
	s.authenticated, s.level = true, c.P1
	d.sessions[ch.n] = s
	return apdu.SWOK
}

// succeeded takes the failures back and moves the sequence counter of SCP02 (GPCS clause E.1.2). The counter goes first: a cut between
// the two writes costs one failure, never a counter that stands twice.
func (d *Domain) succeeded(s keySet) error {
	if s.Protocol == 0x02 {
		seq, err := d.next(s)
		if err != nil {
			return err
		}
		if err := d.mem.PutNow(counter(s.KVN, "sequence"), seq); err != nil {
			return err
		}
	}
	return d.mem.PutNow(counter(s.KVN, "failures"), []byte{0})
}

func statusOr(err error, other apdu.SW) apdu.SW {
	if sw := apdu.SW(0); errors.As(err, &sw) {
		return sw
	}
	return other
}

// proves checks cryptogram and C-MAC without telling which was wrong.
func (s *session) proves(c apdu.Command) bool {
	plain, err := s.unwrap(c, plug.CMAC, true)
	if err != nil {
		return false
	}
	want, err := s.hostCryptogram()
	return err == nil && subtle.ConstantTimeCompare(want, plain.Data) == 1
}

// Unwrap implements plug.SecureChannel.
//
// 6982: no session, or a command without secure messaging inside a session that has it, or a failed check. A failed check
// aborts the session; then it is 6985 until the session is ended by INITIALIZE UPDATE, selection or reset
// (org.globalplatform.SecureChannel.unwrap).
func (ch *channel) Unwrap(c apdu.Command) (apdu.Command, error) {
	s := ch.d.sessions[ch.n]
	secure := apdu.SecureMessaging(c.CLA)
	switch {
	case s != nil && s.aborted:
		return c, apdu.SWConditions
	case s == nil || !s.authenticated:
		return c, apdu.SWSecurityStatus
	case s.level&plug.CMAC == 0 && secure:
		ch.abort(s)
		return c, apdu.SWSMUnsupported
	case s.level&plug.CMAC == 0:
		return c, nil
	case !secure:
		return c, apdu.SWSecurityStatus
	}
	plain, err := s.unwrap(c, s.level, false)
	if err != nil {
		ch.abort(s)
		return c, apdu.SWSecurityStatus
	}
	return plain, nil
}

// abort forgets the session keys and all that was begun under them.
func (ch *channel) abort(s *session) {
	ch.d.EndSession(ch.n)
	ch.d.sessions[ch.n] = &session{set: keySet{KVN: s.set.KVN}, aborted: true}
}

// Wrap implements plug.SecureChannel.
func (ch *channel) Wrap(r apdu.Response) apdu.Response {
	s := ch.d.sessions[ch.n]
	if s == nil || !s.authenticated || s.level&plug.RMAC == 0 {
		return r
	}
	out, err := s.wrap(r, s.level)
	if err != nil {
		return refuse(apdu.SWNoDiagnosis)
	}
	return out
}

// Level implements plug.SecureChannel.
func (ch *channel) Level() byte {
	s := ch.d.sessions[ch.n]
	if s == nil || !s.authenticated {
		return 0
	}
	return plug.Authenticated | s.level
}

// Reset implements plug.SecureChannel.
func (ch *channel) Reset() { ch.d.EndSession(ch.n) }

// room is how many bytes of answer fit one short response of the session after R-ENC padding and R-MAC.
func (s *session) room() int {
	n := apdu.MaxShortLe
	if s == nil || s.level&plug.RMAC == 0 {
		return n
	}
	n -= s.macSize()
	if s.level&plug.REncryption != 0 {
		n = n/16*16 - 1
	}
	return n
}

// split takes the MAC off the end of the data.
func split(c apdu.Command, size int) (data, mac []byte, err error) {
	if len(c.Data) < size || len(c.Data) > apdu.MaxShortData {
		return nil, nil, apdu.SWWrongLength
	}
	n := len(c.Data) - size
	return c.Data[:n], c.Data[n:], nil
}

// macHead is the header as both sides MAC it: class with secure messaging and without logical channel, and the Lc of data and MAC
// (GPCS clause E.4.4, Amendment D clause 6.2.4).
func macHead(c apdu.Command, size int) []byte {
	return []byte{c.CLA&0x80 | 0x04, c.INS, c.P1, c.P2, byte(size)}
}

// unprotected is the class without secure messaging, on its logical channel.
func unprotected(cla byte) byte {
	out, err := apdu.WithChannel(cla&0x80, apdu.Channel(cla))
	if err != nil {
		return cla & 0x80
	}
	return out
}

func concat(parts ...[]byte) []byte { return slices.Concat(parts...) }
