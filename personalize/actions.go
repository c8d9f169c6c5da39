package personalize

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
)

// Change is a card before and after an action.
type Change struct {
	ICCID         uicc.ICCID
	Before, After *Applet
}

// Act carries one action of the card interface out (§6): identity, session, state, action with the generation just
// read, state again. A card on which a scenario was played is refused with *PlayedError: what is done now would be undone when it is put back.
func (r *Run) Act(ctx context.Context, expected Expected, action binding.Action) (Change, error) {
	return r.actUnless(ctx, expected, action, r.notPlayed)
}

// act is Act while a card is put back.
func (r *Run) act(ctx context.Context, expected Expected, action binding.Action) (Change, error) {
	return r.actUnless(ctx, expected, action, func(uicc.ICCID) error { return nil })
}

func (r *Run) actUnless(ctx context.Context, expected Expected, action binding.Action, refuses func(uicc.ICCID) error) (Change, error) {
	var f Facts
	r.phase("read")
	if err := r.identify(ctx, &f); err != nil {
		return Change{}, err
	}
	out := Change{ICCID: f.ICCID}
	if err := expected.checkICCID(f.ICCID); err != nil {
		return out, err
	}
	if err := r.refuseIMSI(ctx, &f, expected); err != nil {
		return out, err
	}
	unlock, err := r.lock(f.ICCID)
	if err != nil {
		return out, err
	}
	defer unlock()
	if err := refuses(f.ICCID); err != nil {
		return out, err
	}
	r.phase("session")
	s, before, err := r.session(ctx, f.ICCID)
	if err != nil {
		return out, err
	}
	defer s.Close()
	if err := readFull(ctx, s, before); err != nil {
		return out, err
	}
	out.Before = before
	if err := r.checkIMSI(&Plan{Wish: Wish{Expected: expected}}, before); err != nil {
		return out, err
	}
	template, err := action.Expecting(before.State.Generation).Encode()
	if err != nil {
		return out, err
	}
	r.phase("write")
	ctx = context.WithoutCancel(ctx)
	if err := storeData(ctx, s, "E2 "+action.String(), template); err != nil {
		return out, doubtful(Step("STORE DATA E2 "+action.String()), err)
	}
	r.phase("verify")
	after := *before
	if err := readFull(ctx, s, &after); err != nil {
		return out, &InDoubtError{Step: StepReadBack, Err: err}
	}
	out.After = &after
	return out, checkAction(action, before, &after)
}

// doubtful: a status word says that nothing was done (the applet takes a template whole or not at all); after a link that broke
// nobody knows.
func doubtful(step Step, err error) error {
	if errors.As(err, new(*binding.AppletError)) {
		return err
	}
	return &InDoubtError{Step: step, Err: err}
}

// checkAction holds the state after an action against what the action promises.
func checkAction(action binding.Action, before, after *Applet) error {
	b, a := before.State, after.State
	wantGeneration := b.Generation
	if action.RaisesGeneration() {
		wantGeneration = binding.NextGeneration(b.Generation)
	}
	if a.Generation != wantGeneration {
		return &VerifyError{What: "generation", Want: fmt.Sprint(wantGeneration), Got: fmt.Sprint(a.Generation)}
	}
	switch action.Kind {
	case binding.ActionUnbind:
		if len(a.Bound) != 0 {
			return &VerifyError{What: "bound terminals", Want: "0", Got: fmt.Sprint(len(a.Bound))}
		}
	case binding.ActionBind:
		for _, imei := range a.Bound {
			if imei.Is(action.IMEI) {
				return nil
			}
		}
		return &VerifyError{What: "bound terminals", Want: action.IMEI.Short(), Got: "others"}
	}
	return nil
}
