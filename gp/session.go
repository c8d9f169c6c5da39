package gp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp/scp01"
	"github.com/simbind/simbind/gp/scp02"
	"github.com/simbind/simbind/gp/scp03"
	"github.com/simbind/simbind/secret"
)

// Level is the security level of a channel: the bits of P1 of EXTERNAL AUTHENTICATE.
type Level byte

// Bits of the level.
const (
	LevelCMAC        Level = 0x01
	LevelCDecryption Level = 0x02
	LevelRMAC        Level = 0x10
	LevelREncryption Level = 0x20
)

// Attempt is an authentication about to be made.
type Attempt struct {
	KDD      [10]byte
	KVN      byte // as the card answered
	Protocol Protocol
}

// Options of opening a channel.
type Options struct {
	Level   Level
	Channel int       // logical channel
	S16     bool      // 16-byte challenge at once (SCP03 with i bit 1); without it after a card refused 8
	Rand    io.Reader // of the host challenge; nil: crypto/rand
	AID     []byte    // of the application asked; lets a pseudo-random challenge be checked
	SCP01   byte      // parameter i of SCP01, which tells it in the card data alone: 05 or 15; 0 is 05
	// BeforeAuthenticate is told after the card proved itself and before EXTERNAL AUTHENTICATE, the one step that
	// can spend a try, goes out. An error stops there.
	BeforeAuthenticate func(Attempt) error
}

// channel is what the protocols have in common.
type channel interface {
	VerifyCard(cryptogram []byte) (bool, error)
	Authenticate(level byte) (apdu.Command, error)
	Wrap(apdu.Command) (wrapped apdu.Command, commit func(), err error)
	Unwrap(apdu.Response) (apdu.Response, error)
	MaxData(limit int) int
	Level() byte
	Close()
}

// Session is an open secure channel. It is an apdu.Transmitter: commands go in plain and responses come out plain.
type Session struct {
	Protocol Protocol
	KVN      byte
	KDD      [10]byte
	I        byte // SCP03 only
	Sequence []byte

	t        apdu.Transmitter
	ch       channel
	channel  int
	dek      secret.Bytes
	held     HeldKeys // nil: the session keys are in memory
	warnings []string
	closed   bool
}

// ErrClosed is a session that ended: closed, or given up because the link or a response failed.
var ErrClosed = errors.New("secure channel is closed")

// Open opens a channel to the selected application, whose INITIALIZE UPDATE answer decides the protocol. There
// is one attempt: nothing is tried again with another key, version or derivation. The card's cryptogram is
// verified before EXTERNAL AUTHENTICATE. Failures are *SessionError, or *apdu.LinkError when the link failed.
func Open(ctx context.Context, t apdu.Transmitter, keys KeySet, opt Options) (*Session, error) {
	s, _, err := OpenOneOf(ctx, t, opt, keys)
	return s, err
}

// OpenOneOf is Open for a card that holds one of several key sets of the same version and nobody knows which: a change of keys was broken
// off. The sets are held against the one cryptogram of one INITIALIZE UPDATE, so that finding out spends nothing; there is at most one
// EXTERNAL AUTHENTICATE, with the set that fits. It gives the place of that set.
func OpenOneOf(ctx context.Context, t apdu.Transmitter, opt Options, sets ...KeySet) (*Session, int, error) {
	challenge, answer, err := begin(ctx, t, sets[0].KVN, opt)
	if err != nil {
		return nil, 0, err
	}
	var failed error
	for n, keys := range sets {
		s := &Session{t: t, channel: opt.Channel, KDD: answer.KDD, KVN: answer.KVN, Protocol: answer.Protocol, I: answer.I, Sequence: answer.Sequence}
		err := s.fit(keys, challenge, answer, opt)
		if err == nil {
			err = s.authenticate(ctx, opt)
			if err == nil {
				return s, n, nil
			}
			s.Close()
			return nil, 0, err
		}
		s.Close()
		if failed == nil {
			failed = err
		}
	}
	return nil, 0, failed
}

// begin sends INITIALIZE UPDATE with a host challenge of 8 bytes. A card in S16 mode does not take that length (6700) and is asked once more
// with 16 (Amendment D clause 5.1): no key was used so far.
func begin(ctx context.Context, t apdu.Transmitter, kvn byte, opt Options) (challenge []byte, a InitializeUpdateResponse, err error) {
	sizes := []int{8, 16}
	if opt.S16 {
		sizes = sizes[1:]
	}
	for _, n := range sizes {
		challenge = make([]byte, n)
		if _, err := io.ReadFull(random(opt), challenge); err != nil {
			return nil, a, fmt.Errorf("host challenge: %w", err)
		}
		if a, err = initialize(ctx, t, kvn, challenge, opt); !errors.Is(err, apdu.SWWrongLength) {
			break
		}
	}
	return challenge, a, err
}

func random(opt Options) io.Reader {
	if opt.Rand != nil {
		return opt.Rand
	}
	return rand.Reader
}

func initialize(ctx context.Context, t apdu.Transmitter, kvn byte, challenge []byte, opt Options) (InitializeUpdateResponse, error) {
	c := InitializeUpdate(kvn, challenge)
	var err error
	if c.CLA, err = apdu.WithChannel(c.CLA, opt.Channel); err != nil {
		return InitializeUpdateResponse{}, err
	}
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return InitializeUpdateResponse{}, &apdu.LinkError{Name: "INITIALIZE UPDATE", Err: err}
	}
	if !r.SW.OK() {
		return InitializeUpdateResponse{}, refusedInitialize(kvn, r.SW)
	}
	answer, err := ParseInitializeUpdate(r.Data)
	if err != nil {
		return answer, &SessionError{Failure: FailureAnswer, KVN: kvn, Err: err}
	}
	return answer, nil
}

// fit derives the session's keys and holds the card's cryptogram against them.
func (s *Session) fit(keys KeySet, challenge []byte, a InitializeUpdateResponse, opt Options) error {
	if err := s.prepare(keys, challenge, a, opt); err != nil {
		return err
	}
	ok, err := s.ch.VerifyCard(a.Cryptogram)
	if err == nil && !ok {
		err = &SessionError{Failure: FailureCryptogram, Protocol: s.Protocol, KVN: s.KVN}
	}
	return err
}

// prepare derives the card's keys and the session's.
func (s *Session) prepare(keys KeySet, host []byte, a InitializeUpdateResponse, opt Options) error {
	if keys.KVN != 0 && a.KVN != keys.KVN {
		s.warn("key version %02X was asked for, the card answered %02X", keys.KVN, a.KVN)
	}
	if keys.Holder != nil {
		return s.prepareHeld(keys.Holder, host, a, opt)
	}
	set, err := keys.Diversify(a.KDD)
	if err != nil {
		return err
	}
	if keys.Diversification != NotDiversified {
		defer set.Wipe()
	}
	switch a.Protocol {
	case SCP01:
		return s.prepare01(set, host, a, opt)
	case SCP02:
		return s.prepare02(set, host, a)
	}
	return s.prepare03(set, host, a, opt)
}

func (s *Session) prepare01(set KeySet, host []byte, a InitializeUpdateResponse, opt Options) error {
	if err := sameSize(a, host); err != nil {
		return err
	}
	ch, err := scp01.New(scp01.Keys{ENC: set.ENC, MAC: set.MAC}, opt.scp01(), host, a.Challenge)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	s.ch, s.dek = ch, secret.New(set.DEK.Reveal())
	return nil
}

// scp01 is parameter i of SCP01.
func (o Options) scp01() byte {
	if o.SCP01 == 0 {
		return scp01.Option05
	}
	return o.SCP01
}

// sameSize: the card's challenge is as long as the host's.
func sameSize(a InitializeUpdateResponse, host []byte) error {
	if len(a.Challenge) == len(host) {
		return nil
	}
	return &SessionError{Failure: FailureAnswer, KVN: a.KVN, Protocol: a.Protocol, Err: fmt.Errorf("%w: challenge of %d bytes, sent were %d", ErrInitializeUpdate, len(a.Challenge), len(host))}
}

func (s *Session) prepare02(set KeySet, host []byte, a InitializeUpdateResponse) error {
	ch, err := scp02.New(scp02.Keys{ENC: set.ENC, MAC: set.MAC, DEK: set.DEK}, host, a.Sequence, a.Challenge)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	s.ch, s.dek = ch, ch.DEK()
	return nil
}

func (s *Session) prepare03(set KeySet, host []byte, a InitializeUpdateResponse, opt Options) error {
	if err := sameSize(a, host); err != nil {
		return err
	}
	ch, err := scp03.New(scp03.Keys{ENC: set.ENC, MAC: set.MAC}, host, a.Challenge)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	s.ch, s.dek = ch, secret.New(set.DEK.Reveal())
	return s.checkChallenge(a, opt, func() ([]byte, error) { return scp03.CardChallenge(set.ENC, a.Sequence, opt.AID, len(a.Challenge)) })
}

// checkChallenge: a derived card challenge that is not what the ENC key derives hints at a wrong ENC key, which nothing else
// proves before the first encrypted command. It never stops: the AID may be another.
func (s *Session) checkChallenge(a InitializeUpdateResponse, opt Options, derive func() ([]byte, error)) error {
	if a.I&scp03.OptionPseudoRandom == 0 || len(a.Sequence) == 0 || len(opt.AID) == 0 {
		return nil
	}
	want, err := derive()
	if err != nil {
		return err
	}
	if string(want) != string(a.Challenge) {
		s.warn("the card's challenge is not what this ENC key derives: the ENC key may be wrong")
	}
	return nil
}

func (s *Session) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// Warnings are things worth a second look that did not stop the session.
func (s *Session) Warnings() []string { return s.warnings }

func (s *Session) authenticate(ctx context.Context, opt Options) error {
	level := s.offered(opt.Level)
	if !s.has(level) {
		return &SessionError{Failure: FailureLevel, Protocol: s.Protocol, KVN: s.KVN, Err: fmt.Errorf("level %02X, and i = %02X", byte(level), s.I)}
	}
	if opt.BeforeAuthenticate != nil {
		if err := opt.BeforeAuthenticate(Attempt{KDD: s.KDD, KVN: s.KVN, Protocol: s.Protocol}); err != nil {
			return err
		}
	}
	if level != opt.Level {
		s.warn("%s has no protection of responses here: the level is %02X, not %02X", s.Protocol, byte(level), byte(opt.Level))
	}
	c, err := s.ch.Authenticate(byte(level))
	if err != nil {
		return err
	}
	if c.CLA, err = apdu.WithChannel(c.CLA, s.channel); err != nil {
		return err
	}
	r, err := s.t.Transmit(ctx, c)
	if err != nil {
		return &apdu.LinkError{Name: "EXTERNAL AUTHENTICATE", Err: err}
	}
	if !r.SW.OK() {
		return &SessionError{Failure: FailureAuthenticate, Protocol: s.Protocol, KVN: s.KVN, SW: r.SW, TriesSpent: 1}
	}
	return nil
}

// offered leaves out what the protocol, as spoken here, does not have: responses of SCP01 and SCP02 are not protected.
func (s *Session) offered(l Level) Level {
	if s.Protocol.des() {
		return l & (LevelCMAC | LevelCDecryption)
	}
	return l
}

// has tells whether a card of SCP03 says in its parameter i that it protects responses as the level wants it.
func (s *Session) has(l Level) bool {
	return (l&LevelRMAC == 0 || s.I&scp03.OptionRMAC != 0) && (l&LevelREncryption == 0 || s.I&scp03.OptionREncryption != 0)
}

// Level is the level in force.
func (s *Session) Level() Level { return Level(s.ch.Level()) }

// MaxData is how many bytes of plain data one short command carries at this level.
func (s *Session) MaxData() int { return s.ch.MaxData(apdu.MaxShortData) }

// MaxDataWithin is MaxData on a card that takes at most limit bytes of command data (tag 9F65 of its FCI; 0: not told), MAC and
// padding included.
func (s *Session) MaxDataWithin(limit int) int {
	if limit <= 0 || limit > apdu.MaxShortData {
		limit = apdu.MaxShortData
	}
	return s.ch.MaxData(limit)
}

// Transmit wraps, sends and unwraps. A link that failed, or a response that does not verify, ends the session: what the
// card believes is unknown, and nothing is wrapped twice. A status word that is an error does not end it.
func (s *Session) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	if s.closed {
		return apdu.Response{}, ErrClosed
	}
	var err error
	if c.CLA, err = apdu.WithChannel(c.CLA, s.channel); err != nil {
		return apdu.Response{}, err
	}
	c, commit, err := s.ch.Wrap(c)
	if s.Level()&LevelRMAC != 0 && c.Le == 0 {
		c.Le = apdu.MaxShortLe // the R-MAC comes as data, so that a command that expects none now does
	}
	if err != nil {
		return apdu.Response{}, err
	}
	r, err := s.t.Transmit(ctx, c)
	if err != nil {
		s.Close()
		return apdu.Response{}, err
	}
	commit()
	out, err := s.ch.Unwrap(r)
	if err != nil {
		s.Close()
	}
	return out, err
}

// EncryptKey encrypts a key under the data encryption key, the session's in SCP02, the static one in SCP03; see the function of
// the same name.
func (s *Session) EncryptKey(key []byte) ([]byte, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if s.dek.IsZero() {
		return nil, fmt.Errorf("%w: the set has no DEK", ErrKey)
	}
	return EncryptKey(s.Protocol, s.dek, key)
}

// Close wipes the session keys; the card's side ends with the next SELECT or reset.
func (s *Session) Close() {
	if s.closed {
		return
	}
	s.closed = true
	if s.ch != nil {
		s.ch.Close()
	}
	s.dek.Wipe()
	if s.held != nil {
		_ = s.held.Close() // the session is over either way
	}
}

// Failure tells the ways apart in which opening a channel fails.
type Failure byte

// Failures.
const (
	FailureNoKeySet     Failure = iota + 1 // 6A88: the card has no such key version
	FailureBlocked                         // 6982, 6983, 6985 at INITIALIZE UPDATE: locked, blocked, or the wrong state
	FailureCryptogram                      // the card's cryptogram does not verify with these keys
	FailureAuthenticate                    // EXTERNAL AUTHENTICATE was refused
	FailureAnswer                          // the answer is not of a protocol known here
	FailureNoChannel                       // INITIALIZE UPDATE was refused for another reason
	FailureLevel                           // the card does not offer the level; EXTERNAL AUTHENTICATE was not sent
)

// SessionError is a channel that could not be opened.
type SessionError struct {
	Failure    Failure
	Protocol   Protocol // 0 before the card answered
	KVN        byte     // as the card answered, else as asked
	SW         apdu.SW
	TriesSpent int // by us: EXTERNAL AUTHENTICATE spends one
	Err        error
}

func refusedInitialize(kvn byte, sw apdu.SW) *SessionError {
	e := &SessionError{Failure: FailureNoChannel, KVN: kvn, SW: sw}
	switch sw {
	case apdu.SWReferenceNotFound:
		e.Failure = FailureNoKeySet
	case apdu.SWSecurityStatus, apdu.SWBlocked, apdu.SWConditions:
		e.Failure = FailureBlocked
	}
	return e
}

func (e *SessionError) Error() string {
	switch e.Failure {
	case FailureNoKeySet:
		return fmt.Sprintf("INITIALIZE UPDATE: %s: the card has no key set of version %02X; no try spent", e.SW.String(), e.KVN)
	case FailureBlocked:
		return fmt.Sprintf("INITIALIZE UPDATE: %s: the card or its key set %02X is locked, blocked or in the wrong state; no try spent", e.SW.String(), e.KVN)
	case FailureCryptogram:
		return fmt.Sprintf("INITIALIZE UPDATE: the card's cryptogram does not verify (%s, KVN %02X): the %s key, the key version or the derivation is wrong; no try spent", e.Protocol, e.KVN, e.proven())
	case FailureAuthenticate:
		return fmt.Sprintf("EXTERNAL AUTHENTICATE: %s: refused (%s, KVN %02X): %s; one try spent", e.SW.String(), e.Protocol, e.KVN, e.suspect())
	case FailureLevel:
		return fmt.Sprintf("EXTERNAL AUTHENTICATE: not sent: the card does not protect responses this way (%v); no try spent", e.Err)
	case FailureAnswer:
		return fmt.Sprintf("INITIALIZE UPDATE: %v; no try spent", e.Err)
	}
	return fmt.Sprintf("INITIALIZE UPDATE: %s; no try spent", e.SW.Error())
}

// proven is the key whose use the card cryptogram proves.
func (e *SessionError) proven() string {
	if e.Protocol.des() {
		return "ENC"
	}
	return "MAC"
}

// TriesLeft is what the card told with its refusal of EXTERNAL AUTHENTICATE, by 63CX or 6983; most tell nothing.
func (e *SessionError) TriesLeft() (n int, told bool) {
	switch {
	case e.Failure != FailureAuthenticate:
		return 0, false
	case e.SW == apdu.SWBlocked:
		return 0, true
	}
	return e.SW.Counter()
}

func (e *SessionError) suspect() string {
	left, told := e.TriesLeft()
	switch {
	case told && left == 0:
		return "the key set is blocked"
	case told:
		return fmt.Sprintf("%s, %d left", e.wrong(), left)
	}
	return e.wrong()
}

func (e *SessionError) wrong() string {
	if e.Protocol.des() {
		return "the ENC key is right, the MAC key is wrong"
	}
	return "the MAC key is right, so the level is not allowed or the card's policy forbids it"
}

// Unwrap gives the status word, or what was wrong with the answer.
func (e *SessionError) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	if e.SW != 0 {
		return e.SW
	}
	return nil
}
