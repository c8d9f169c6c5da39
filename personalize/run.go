// Package personalize brings one card to a wanted terminal binding: read, plan, apply, verify.
//
// Every prefix of what it writes is safe: the backup of EF_IMSI is durable on the disk before the first
// write, the activating write comes last, and a journal tells a later run what a broken one
// had begun. A card in doubt is read and classified, never rewritten blindly.
package personalize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Card is a card in a reader, reset just before, whose T=0 housekeeping is hidden.
type Card interface {
	apdu.Transmitter
	ATR() []byte
	Reader() string
	// Reset ends all security state; the application on every channel is the MF again.
	Reset(ctx context.Context, cold bool) error
}

// Run is one card and everything around it.
type Run struct {
	Card     Card
	Store    *Store
	AID      []byte                                // of the binding applet's instance
	Domain   []byte                                // AID of the security domain that manages content and keys; nil: the issuer's, as it is found
	Secrets  func(iccid string) (keys.Card, error) // nil: no keys at hand; asked once the card is known
	Level    gp.Level                              // of the secure channel; 0: C-MAC and C-DEC
	Attempts int                                   // failed authentications with a key version before the next is refused; 0: DefaultAttempts
	PINFloor int                                   // see uicc.Verify
	Backups  []age.Recipient                       // encrypt backups to these
	Now      func() time.Time
	Rand     io.Reader
	Tool     string       // name and version, for the records
	Phase    func(string) // told at the beginning of each phase; may be nil
	Note     func(string) // told things worth a second look; may be nil
	Recorded bool         // the caller records durably how it ends: VERIFIED is not waited for on the disk, and one that is lost is found again by reading

	secrets *keys.Card
	owner   string // ICCID of the card they are of
	pinDone bool   // PIN1 was verified since the last reset
	held    string // ICCID of the card whose lock is held until Close
	unlock  func()
}

// ErrNoKeys is wrapped when a step needs keys and none are at hand.
var ErrNoKeys = errors.New("no keys for this card")

// ErrNoApplet is wrapped when the binding applet cannot be selected.
var ErrNoApplet = errors.New("the binding applet is not on this card")

// MismatchError is a card that is not the expected one. No key was used.
type MismatchError struct {
	What      string // "ICCID" or "IMSI"
	Want, Got string // shortened
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s of the card is %s, expected %s", e.What, e.Got, e.Want)
}

// Expected is who the card must be. Empty fields are not checked.
type Expected struct {
	ICCID, IMSI string // digits
}

func (x Expected) checkICCID(got uicc.ICCID) error {
	if x.ICCID == "" {
		return nil
	}
	want, err := uicc.ParseICCID(x.ICCID)
	if err != nil {
		return err
	}
	if want.String() != got.String() {
		return &MismatchError{What: "ICCID", Want: want.Short(), Got: got.Short()}
	}
	return nil
}

// Known reads who the card is and refuses another than the expected one, also one whose expected IMSI cannot be read. Nothing was sent to it
// before but a reset.
func (r *Run) Known(ctx context.Context, expected Expected) (uicc.ICCID, error) {
	r.phase("read")
	var f Facts
	if err := r.identify(ctx, &f); err != nil {
		return f.ICCID, err
	}
	if err := expected.checkICCID(f.ICCID); err != nil {
		return f.ICCID, err
	}
	return f.ICCID, r.requireIMSI(ctx, &f, expected)
}

// KeysOf gives the card's key set, or the masters it is derived from. ErrNoKeys is wrapped when none are at hand.
func (r *Run) KeysOf(iccid uicc.ICCID) (gp.KeySet, error) {
	secrets, err := r.keysFor(iccid)
	if err != nil {
		return gp.KeySet{}, err
	}
	return secrets.Keys, nil
}

// Begin tells the phase that begins.
func (r *Run) Begin(phase string) { r.phase(phase) }

// Remark tells something worth a second look.
func (r *Run) Remark(format string, args ...any) { r.note(format, args...) }

// checkIMSI compares nine bytes of EF_IMSI.
func (x Expected) checkIMSI(content [9]byte) error {
	if x.IMSI == "" {
		return nil
	}
	want, err := usim.ParseIMSI(x.IMSI)
	if err != nil {
		return err
	}
	got, err := usim.DecodeIMSI(content[:])
	if err != nil {
		return err
	}
	if got.String() != want.String() {
		return &MismatchError{What: "IMSI", Want: want.Short(0), Got: got.Short(0)}
	}
	return nil
}

// unseenIMSI is the refusal of a card that shows no IMSI at all.
func (x Expected) unseenIMSI() error {
	want, err := usim.ParseIMSI(x.IMSI)
	if err != nil {
		return err
	}
	return &MismatchError{What: "IMSI", Want: want.Short(0), Got: "not readable"}
}

func (r *Run) phase(name string) {
	if r.Phase != nil {
		r.Phase(name)
	}
}

func (r *Run) note(format string, args ...any) {
	if r.Note != nil {
		r.Note(fmt.Sprintf(format, args...))
	}
}

// keysFor loads the secrets of the card once its identity is known and accepted.
func (r *Run) keysFor(iccid uicc.ICCID) (*keys.Card, error) {
	if r.secrets != nil && r.owner == iccid.String() {
		return r.secrets, nil
	}
	r.forget()
	if r.Secrets == nil {
		return nil, ErrNoKeys
	}
	s, err := r.Secrets(iccid.String())
	if errors.Is(err, keys.ErrNoCard) {
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	if err != nil {
		return nil, err
	}
	r.secrets, r.owner = &s, iccid.String()
	return r.secrets, nil
}

// Hold keeps other runs on this station away from the card until Close, for a caller that decides about it between reading and
// writing. *LockedError.
func (r *Run) Hold(iccid uicc.ICCID) error {
	unlock, err := r.Store.Lock(iccid.String())
	if err != nil {
		return err
	}
	r.held, r.unlock = iccid.String(), unlock
	return nil
}

// lock is the card's lock for the time of writing, which a run that holds it has already.
func (r *Run) lock(iccid uicc.ICCID) (unlock func(), err error) {
	if r.held == iccid.String() {
		return func() {}, nil
	}
	return r.Store.Lock(iccid.String())
}

// Close wipes the secrets of the card, and gives back the lock of Hold.
func (r *Run) Close() {
	if r.unlock != nil {
		r.unlock()
		r.held, r.unlock = "", nil
	}
	r.forget()
}

func (r *Run) forget() {
	if r.secrets == nil {
		return
	}
	r.secrets.Wipe()
	r.secrets = nil
}

func shortICCID(digits string) string {
	if len(digits) < 10 {
		return "******"
	}
	return digits[:6] + "***" + digits[len(digits)-4:]
}
