package personalize

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/meanwhile"
	"github.com/simbind/simbind/uicc"
)

// Applet is what the binding applet said of itself.
type Applet struct {
	AID           []byte
	MaxCommand    int // tag 9F65; 255 when absent
	Info          binding.Information
	State         binding.State
	Full          bool                   // State came through a session
	Configuration *binding.Configuration // nil: not read, or never configured
}

// SelectApplet selects the applet on the basic channel; its answer carries E3 and the open view of E1
// (card-interface §2). ErrNoApplet is wrapped when there is none.
func SelectApplet(ctx context.Context, t apdu.Transmitter, aid []byte) (*Applet, error) {
	r, err := apdu.Do(ctx, t, "SELECT binding applet", binding.SelectApplet(aid))
	if errors.Is(err, apdu.SWFileNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrNoApplet, err)
	}
	if err != nil {
		return nil, err
	}
	answer, err := binding.ParseSelectAnswer(r.Data, aid)
	if err != nil {
		return nil, fmt.Errorf("SELECT binding applet: %w", err)
	}
	return &Applet{AID: aid, MaxCommand: answer.MaxCommand, Info: answer.Information, State: answer.State}, nil
}

// session selects the applet and opens a secure channel to it: one attempt, counted on the disk before it goes out.
func (r *Run) session(ctx context.Context, iccid uicc.ICCID) (*gp.Session, *Applet, error) {
	var applet *Applet
	s, err := r.channel(ctx, iccid, func() (aid []byte, err error) {
		applet, err = SelectApplet(ctx, r.Card, r.AID)
		return r.AID, err
	})
	return s, applet, err
}

// channel opens a secure channel, at the run's level with the card's own key set, to the application that selects makes current.
func (r *Run) channel(ctx context.Context, iccid uicc.ICCID, selects func() (aid []byte, err error)) (*gp.Session, error) {
	secrets, err := r.keysFor(iccid)
	if err != nil {
		return nil, err
	}
	s, _, err := r.Channel(ctx, iccid, selects, secrets.Keys)
	return s, err
}

// Channel opens a secure channel to the application that selects makes current, with the one of several key sets that the card proves to
// hold, and tells which (gp.OpenOneOf); one set is the usual case. The count of failed attempts is looked at before anything is sent and
// kept on the disk; nothing is tried twice.
func (r *Run) Channel(ctx context.Context, iccid uicc.ICCID, selects func() (aid []byte, err error), sets ...gp.KeySet) (*gp.Session, int, error) {
	if sets[0].Empty() {
		return nil, 0, fmt.Errorf("%w: the key file has a row for it, but no enc and mac", ErrNoKeys)
	}
	attempts, err := r.Store.Attempts(iccid.String())
	if err != nil {
		return nil, 0, err
	}
	asked := sets[0].KVN
	if err := attempts.Allow(iccid.String(), asked, r.attemptLimit()); err != nil {
		return nil, 0, err
	}
	ready := meanwhile.Do(attempts.prepare)
	aid, err := selects()
	if err != nil {
		return nil, 0, errors.Join(err, ready())
	}
	s, which, err := gp.OpenOneOf(ctx, r.Card, gp.Options{
		Level: r.level(),
		Rand:  r.Rand,
		AID:   aid,
		BeforeAuthenticate: func(a gp.Attempt) error {
			if err := ready(); err != nil {
				return err
			}
			if err := attempts.Allow(iccid.String(), a.KVN, r.attemptLimit()); err != nil {
				return err
			}
			return attempts.Begin(r.Now(), a.KVN)
		},
	}, sets...)
	if failed := ready(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, 0, r.countMismatch(attempts, asked, err)
	}
	for _, w := range s.Warnings() {
		r.note("%s", w)
	}
	if err := attempts.Succeeded(s.KVN, asked); err != nil {
		s.Close()
		return nil, 0, err
	}
	return s, which, nil
}

// countMismatch: a card cryptogram that does not verify spends no try by the specification, but some cards
// count INITIALIZE UPDATE, so our own count goes up all the same: for the version that was asked for, by which the next one is refused.
func (r *Run) countMismatch(attempts *Attempts, asked byte, err error) error {
	var se *gp.SessionError
	if !errors.As(err, &se) || se.Failure != gp.FailureCryptogram {
		return err
	}
	if asked == 0 {
		asked = se.KVN
	}
	return errors.Join(err, attempts.Begin(r.Now(), asked))
}

func (r *Run) attemptLimit() int {
	if r.Attempts > 0 {
		return r.Attempts
	}
	return DefaultAttempts
}

func (r *Run) level() gp.Level {
	if r.Level != 0 {
		return r.Level
	}
	return gp.LevelCMAC | gp.LevelCDecryption
}

// getObject reads one object of the applet, joining its parts. ok is false when the applet has no such object.
func getObject(ctx context.Context, t apdu.Transmitter, object byte) (data []byte, ok bool, err error) {
	name := fmt.Sprintf("GET DATA %02X", object)
	parts := binding.NewParts(object)
	for !parts.Done() {
		r, err := apdu.Do(ctx, t, name, parts.Next())
		if errors.Is(err, apdu.SWReferenceNotFound) && len(parts.Bytes()) == 0 {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if err := parts.Add(r.Data); err != nil {
			return nil, false, fmt.Errorf("%s: %w", name, err)
		}
	}
	return parts.Bytes(), true, nil
}

// readFull reads E0 and the full E1 through the session into applet.
func readFull(ctx context.Context, s apdu.Transmitter, applet *Applet) error {
	raw, ok, err := getObject(ctx, s, binding.ObjectConfiguration)
	if err != nil {
		return err
	}
	if ok {
		c, err := binding.ParseConfiguration(raw)
		if err != nil {
			return fmt.Errorf("GET DATA E0: %w", err)
		}
		applet.Configuration = &c
	}
	raw, ok, err = getObject(ctx, s, binding.ObjectState)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("GET DATA E1: %w", apdu.SWReferenceNotFound)
	}
	if applet.State, err = binding.ParseState(raw); err != nil {
		return fmt.Errorf("GET DATA E1: %w", err)
	}
	applet.Full = true
	return nil
}

// storeData sends one template, in as many blocks as the session needs.
func storeData(ctx context.Context, s *gp.Session, name string, template []byte) error {
	for _, c := range binding.StoreData(template, s.MaxData()) {
		if _, err := apdu.Do(ctx, s, "STORE DATA "+name, c); err != nil {
			return binding.Explain(name, err)
		}
	}
	return nil
}
