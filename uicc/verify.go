package uicc

import (
	"context"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

// PINState is what an empty VERIFY PIN or UNBLOCK PIN tells. When none of the flags is set and TriesLeft is -1, the
// card answered something else: the counter is unknown, which is not "fine".
type PINState struct {
	Ref       KeyRef
	TriesLeft int  // -1: not told
	Blocked   bool // no try left
	Open      bool // 9000: verified already, or not required (ISO/IEC 7816-4 clause 11.6.6)
	Disabled  bool // 6984: the PIN is disabled, as some cards put it
	Absent    bool // 6A88: no such reference
	SW        apdu.SW
}

func (s PINState) String() string {
	switch {
	case s.Blocked:
		return "blocked"
	case s.Open:
		return "verified or not required"
	case s.Disabled:
		return "disabled"
	case s.Absent:
		return "absent"
	case s.TriesLeft >= 0:
		return tries(s.TriesLeft) + " left"
	}
	return fmt.Sprintf("unknown (%s)", s.SW.String())
}

// Tries asks for the counter of a code with an empty VERIFY PIN (clause 11.1.9.1.2); no try is spent. A status word is
// no error here, only a failed link is.
func Tries(ctx context.Context, t apdu.Transmitter, ref KeyRef) (PINState, error) {
	return counter(ctx, t, "VERIFY", ref, VerifyEmpty(ref))
}

// UnblockTries asks for the counter of the unblocking code with an empty UNBLOCK PIN (clause 11.1.13.1.2).
func UnblockTries(ctx context.Context, t apdu.Transmitter, ref KeyRef) (PINState, error) {
	return counter(ctx, t, "UNBLOCK PIN", ref, UnblockEmpty(ref))
}

func counter(ctx context.Context, t apdu.Transmitter, name string, ref KeyRef, c apdu.Command) (PINState, error) {
	s := PINState{Ref: ref, TriesLeft: -1}
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return s, &apdu.LinkError{Name: name + " " + ref.String(), Err: err}
	}
	s.SW = r.SW
	x, counted := r.SW.Counter()
	switch {
	case counted:
		s.TriesLeft, s.Blocked = x, x == 0
	case r.SW.OK() && c.INS == apdu.INSVerifyPIN: // of an unblocking code 9000 says nothing of its tries
		s.Open = true
	case r.SW == apdu.SWBlocked:
		s.TriesLeft, s.Blocked = 0, true
	case r.SW == apdu.SWReferencedData:
		s.Disabled = true
	case r.SW == apdu.SWReferenceNotFound:
		s.Absent = true
	}
	return s, nil
}

// DefaultFloor: with so many tries or fewer left no code is offered. One try left is for a person to decide about.
const DefaultFloor = 1

// PINError is a code that was refused by the card, or not offered to it because of its counter.
type PINError struct {
	Command   string // "VERIFY", "CHANGE PIN", "UNBLOCK PIN"
	Ref       KeyRef
	TriesLeft int  // -1: not told
	Blocked   bool // no try left
	Refused   bool // not offered: the counter stands at the floor, or cannot be read
	SW        apdu.SW
}

// Error reads "VERIFY ADM1: 63C2: wrong code, 2 tries left".
func (e *PINError) Error() string {
	name, sw := fmt.Sprintf("%s %s", e.Command, e.Ref), e.SW.String() // the word alone: what it means is said here
	switch {
	case e.Blocked:
		return fmt.Sprintf("%s: %s: blocked, no tries left", name, sw)
	case e.Refused && e.TriesLeft >= 0:
		return fmt.Sprintf("%s: not attempted, only %s left", name, tries(e.TriesLeft))
	case e.Refused && e.SW == apdu.SWReferenceNotFound:
		return fmt.Sprintf("%s: %s: not attempted, the card has no such code", name, sw)
	case e.Refused && e.SW == apdu.SWReferencedData:
		return fmt.Sprintf("%s: %s: not attempted, the code is disabled", name, sw)
	case e.Refused:
		return fmt.Sprintf("%s: not attempted, the card does not tell its tries (%s)", name, sw)
	case e.TriesLeft >= 0:
		return fmt.Sprintf("%s: %s: wrong code, %s left", name, sw, tries(e.TriesLeft))
	}
	return fmt.Sprintf("%s: %s", name, e.SW.Error())
}

// Unwrap gives the status word.
func (e *PINError) Unwrap() error { return e.SW }

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// Verify offers a code of 8 bytes once: the counter is read first, and at floor tries or fewer, or with a counter that
// cannot be read, nothing is offered. A reference that answers 9000 is open already and is left alone. Nothing is ever
// tried again. Failures are *PINError, ErrCode before anything is sent, or *apdu.LinkError: then nobody knows whether
// the try was spent.
func Verify(ctx context.Context, t apdu.Transmitter, ref KeyRef, code secret.Bytes, floor int) error {
	return attempt{name: "VERIFY", ref: ref, count: VerifyEmpty(ref), codes: []secret.Bytes{code}, build: verifyCodes, openIsDone: true}.run(ctx, t, floor)
}

// Change changes a code with the same care as Verify. A code that is verified already (its counter is then full) is
// changed too.
func Change(ctx context.Context, t apdu.Transmitter, ref KeyRef, old, fresh secret.Bytes, floor int) error {
	return attempt{name: "CHANGE PIN", ref: ref, count: VerifyEmpty(ref), codes: []secret.Bytes{old, fresh}, build: changeCodes}.run(ctx, t, floor)
}

// Unblock gives a code a new value with its unblocking code; the counter read first is that of the unblocking code.
func Unblock(ctx context.Context, t apdu.Transmitter, ref KeyRef, puk, fresh secret.Bytes, floor int) error {
	return attempt{name: "UNBLOCK PIN", ref: ref, count: UnblockEmpty(ref), codes: []secret.Bytes{puk, fresh}, build: unblockCodes}.run(ctx, t, floor)
}

func verifyCodes(ref KeyRef, c []secret.Bytes) apdu.Command  { return VerifyPIN(ref, c[0]) }
func changeCodes(ref KeyRef, c []secret.Bytes) apdu.Command  { return ChangePIN(ref, c[0], c[1]) }
func unblockCodes(ref KeyRef, c []secret.Bytes) apdu.Command { return UnblockPIN(ref, c[0], c[1]) }

// attempt is one offer of a code: how the counter is asked for, and what is sent when it allows.
type attempt struct {
	name       string
	ref        KeyRef
	count      apdu.Command
	codes      []secret.Bytes
	build      func(KeyRef, []secret.Bytes) apdu.Command
	openIsDone bool
}

func (a attempt) run(ctx context.Context, t apdu.Transmitter, floor int) error {
	for _, code := range a.codes {
		if code.Len() != codeLength { // an empty one would ask for the counter instead
			return fmt.Errorf("%s %s: %w: %d bytes, want %d", a.name, a.ref, ErrCode, code.Len(), codeLength)
		}
	}
	s, err := counter(ctx, t, a.name, a.ref, a.count)
	if err != nil {
		return err
	}
	switch {
	case s.Open && a.openIsDone:
		return nil
	case s.Blocked:
		return &PINError{Command: a.name, Ref: a.ref, Blocked: true, SW: s.SW}
	case !s.Open && (s.TriesLeft < 0 || s.TriesLeft <= floor):
		return &PINError{Command: a.name, Ref: a.ref, TriesLeft: s.TriesLeft, Refused: true, SW: s.SW}
	}
	return a.offer(ctx, t)
}

func (a attempt) offer(ctx context.Context, t apdu.Transmitter) error {
	c := a.build(a.ref, a.codes)
	defer clear(c.Data)
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return &apdu.LinkError{Name: a.name + " " + a.ref.String(), Err: err}
	}
	if r.SW.OK() {
		return nil
	}
	e := &PINError{Command: a.name, Ref: a.ref, TriesLeft: -1, SW: r.SW}
	if x, ok := r.SW.Counter(); ok {
		e.TriesLeft, e.Blocked = x, x == 0
	}
	if r.SW == apdu.SWBlocked {
		e.TriesLeft, e.Blocked = 0, true
	}
	return e
}
