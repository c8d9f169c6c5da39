package personalize

import (
	"context"
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
		var err error
		st.Applet, err = SelectApplet(ctx, r.Card, r.AID)
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
	raw, ok, err := getObject(ctx, s, binding.ObjectLog)
	if err != nil || !ok {
		return st, err
	}
	if st.Log, err = binding.ParseLog(raw); err != nil {
		return st, fmt.Errorf("GET DATA E4: %w", err)
	}
	return st, nil
}
