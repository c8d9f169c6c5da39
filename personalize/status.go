package personalize

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/binding"
)

// Status is what a card's applet says, and which card it is.
type Status struct {
	Facts
	Log []binding.LogEntry // newest first; only with keys
}

// Status reads the state of the applet: the open view in two commands, everything when keyed.
func (r *Run) Status(ctx context.Context, expected Expected, keyed bool) (Status, error) {
	var st Status
	r.phase("read")
	if err := r.identify(ctx, &st.Facts); err != nil {
		return st, err
	}
	if err := expected.checkICCID(st.ICCID); err != nil {
		return st, err
	}
	if !keyed {
		return st, r.openStatus(ctx, &st, expected)
	}
	if err := r.refuseIMSI(ctx, &st.Facts, expected); err != nil {
		return st, err
	}
	r.phase("session")
	s, applet, err := r.session(ctx, st.ICCID)
	if err != nil {
		return st, err
	}
	defer s.Close()
	if err := readFull(ctx, s, applet); err != nil {
		return st, err
	}
	st.Applet = applet
	if err := r.checkIMSI(&Plan{Wish: Wish{Expected: expected}}, applet); err != nil {
		return st, err
	}
	raw, ok, err := getObject(ctx, s, binding.ObjectLog)
	if err != nil || !ok {
		return st, err
	}
	if st.Log, err = binding.ParseLog(raw); err != nil {
		return st, fmt.Errorf("GET DATA E4: %w", err)
	}
	return st, nil
}

// openStatus takes what the applet's SELECT answer says. On a card without the applet the IMSI is looked at all the same, before
// the caller does anything else with it.
func (r *Run) openStatus(ctx context.Context, st *Status, expected Expected) error {
	applet, err := SelectApplet(ctx, r.Card, r.AID)
	if err != nil && !errors.Is(err, ErrNoApplet) {
		return err
	}
	st.Applet = applet
	if err := r.requireIMSI(ctx, &st.Facts, expected); err != nil {
		return err
	}
	return err
}
