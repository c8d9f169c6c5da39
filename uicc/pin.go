package uicc

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

// KeyRef is a key reference of TS 102 221 table 9.3.
type KeyRef byte

// Key references.
const (
	PIN1         KeyRef = 0x01
	UniversalPIN KeyRef = 0x11
	PIN2         KeyRef = 0x81
	ADM1         KeyRef = 0x0A
)

func (k KeyRef) String() string {
	switch {
	case k == UniversalPIN:
		return "universal PIN"
	case k >= 0x01 && k <= 0x08:
		return fmt.Sprintf("PIN1 (%02X)", byte(k))
	case k >= 0x81 && k <= 0x88:
		return fmt.Sprintf("PIN2 (%02X)", byte(k))
	case k >= 0x0A && k <= 0x0E:
		return fmt.Sprintf("ADM%d", k-0x09)
	case k >= 0x8A && k <= 0x8E:
		return fmt.Sprintf("ADM%d", k-0x84)
	}
	return fmt.Sprintf("key %02X", byte(k))
}

// codeLength is what VERIFY carries (clause 9.5.1).
const codeLength = 8

// ErrCode is wrapped by every refusal of a code's form; the code itself is never in the error.
var ErrCode = errors.New("code")

// PIN codes 4 to 8 digits as ASCII, filled with FF to 8 bytes (clause 9.5.1).
func PIN(digits string) (secret.Bytes, error) {
	if len(digits) < 4 || len(digits) > codeLength || !allDigits(digits) {
		return secret.Bytes{}, fmt.Errorf("%w: a PIN is 4 to 8 digits", ErrCode)
	}
	b := []byte(digits)
	for len(b) < codeLength {
		b = append(b, 0xFF)
	}
	defer clear(b)
	return secret.New(b), nil
}

// ADMFromDigits codes an ADM code given as eight ASCII digits.
func ADMFromDigits(digits string) (secret.Bytes, error) {
	if len(digits) != codeLength || !allDigits(digits) {
		return secret.Bytes{}, fmt.Errorf("%w: an ADM code in digits has eight of them", ErrCode)
	}
	return secret.New([]byte(digits)), nil
}

// ADMFromHex codes an ADM code given as sixteen hex digits. Which of the two forms a card's papers mean is a fact of
// the card; a wrong guess burns a try, so nothing here guesses.
func ADMFromHex(text string) (secret.Bytes, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != codeLength {
		return secret.Bytes{}, fmt.Errorf("%w: an ADM code in hex has sixteen hex digits", ErrCode)
	}
	defer clear(b)
	return secret.New(b), nil
}

func allDigits(s string) bool {
	for _, r := range []byte(s) {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// PINState is what an empty VERIFY tells.
type PINState struct {
	Ref       KeyRef
	TriesLeft int  // -1: not told
	Blocked   bool // no try left
	Open      bool // verified already, or not required
	Absent    bool // no such reference
	SW        apdu.SW
}

func (s PINState) String() string {
	switch {
	case s.Blocked:
		return "blocked"
	case s.Open:
		return "verified or not required"
	case s.Absent:
		return "absent"
	case s.TriesLeft >= 0:
		return fmt.Sprintf("%d tries left", s.TriesLeft)
	}
	return fmt.Sprintf("unknown (%s)", s.SW)
}

// Tries asks for a counter with an empty VERIFY; no try is spent.
func Tries(ctx context.Context, t apdu.Transmitter, ref KeyRef) (PINState, error) {
	s := PINState{Ref: ref, TriesLeft: -1}
	r, err := t.Transmit(ctx, VerifyEmpty(ref))
	if err != nil {
		return s, &apdu.LinkError{Name: "VERIFY " + ref.String(), Err: err}
	}
	s.SW = r.SW
	if x, ok := r.SW.Counter(); ok {
		s.TriesLeft, s.Blocked = x, x == 0
		return s, nil
	}
	switch {
	case r.SW.OK():
		s.Open = true
	case r.SW == apdu.SWBlocked:
		s.TriesLeft, s.Blocked = 0, true
	case r.SW == apdu.SWReferenceNotFound:
		s.Absent = true
	}
	return s, nil
}

// DefaultFloor: with so many tries or fewer left no code is offered. One try left is for a person to decide about.
const DefaultFloor = 1

// PINError is a code that was refused, or not offered because of its counter.
type PINError struct {
	Command   string // "VERIFY"
	Ref       KeyRef
	TriesLeft int  // -1: not told
	Blocked   bool // no try left
	Refused   bool // not offered: the counter stands at the floor, or cannot be read
	SW        apdu.SW
}

func (e *PINError) Error() string {
	name := fmt.Sprintf("%s %s", e.Command, e.Ref)
	switch {
	case e.Blocked:
		return fmt.Sprintf("%s: %s: blocked, no tries left", name, e.SW)
	case e.Refused && e.TriesLeft >= 0:
		return fmt.Sprintf("%s: not attempted, only %s left", name, tries(e.TriesLeft))
	case e.Refused:
		return fmt.Sprintf("%s: not attempted, the card does not tell its tries (%s)", name, e.SW)
	case e.TriesLeft >= 0:
		return fmt.Sprintf("%s: %s: wrong code, %s left", name, e.SW, tries(e.TriesLeft))
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

// Verify offers a code once: the counter is read first, and at floor tries or fewer, or with a counter that cannot be
// read, nothing is offered. A reference that is open already is left alone. Failures are *PINError.
func Verify(ctx context.Context, t apdu.Transmitter, ref KeyRef, code secret.Bytes, floor int) error {
	return guarded(ctx, t, "VERIFY", ref, floor, VerifyPIN(ref, code), true)
}

// Change changes a code with the same care as Verify.
func Change(ctx context.Context, t apdu.Transmitter, ref KeyRef, old, fresh secret.Bytes, floor int) error {
	return guarded(ctx, t, "CHANGE PIN", ref, floor, ChangePIN(ref, old, fresh), false)
}

func guarded(ctx context.Context, t apdu.Transmitter, name string, ref KeyRef, floor int, c apdu.Command, openIsDone bool) error {
	s, err := Tries(ctx, t, ref)
	if err != nil {
		return err
	}
	switch {
	case s.Open && openIsDone:
		return nil
	case s.Blocked:
		return &PINError{Command: name, Ref: ref, Blocked: true, SW: s.SW}
	case !s.Open && (s.TriesLeft < 0 || s.TriesLeft <= floor):
		return &PINError{Command: name, Ref: ref, TriesLeft: s.TriesLeft, Refused: true, SW: s.SW}
	}
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return &apdu.LinkError{Name: name + " " + ref.String(), Err: err}
	}
	return pinAnswer(name, ref, r.SW)
}

func pinAnswer(name string, ref KeyRef, sw apdu.SW) error {
	if sw.OK() {
		return nil
	}
	e := &PINError{Command: name, Ref: ref, TriesLeft: -1, SW: sw}
	if x, ok := sw.Counter(); ok {
		e.TriesLeft, e.Blocked = x, x == 0
	}
	if sw == apdu.SWBlocked {
		e.TriesLeft, e.Blocked = 0, true
	}
	return e
}
