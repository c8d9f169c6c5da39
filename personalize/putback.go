package personalize

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
)

// PutBack is a card that was put back as it was before a scenario was played on it.
type PutBack struct {
	Done  []string // what was written, in order
	Left  []string // what does not stand as it did: it can be tried again
	Never []string // what no command brings back
}

// before is what a backup says of the applet.
type before struct {
	configuration *binding.Configuration // nil: never configured, or not read
	state         *binding.State         // nil: not kept
}

// applet takes apart what the backup says of the applet.
func (b Backup) applet() (before, error) {
	var out before
	if b.Applet == nil {
		return out, nil
	}
	var err error
	if out.configuration, err = savedObject("configuration", b.Applet.Configuration, binding.ParseConfiguration); err != nil {
		return out, err
	}
	out.state, err = savedObject("state", b.Applet.State, binding.ParseState)
	return out, err
}

// savedObject takes an object of a backup apart; nil: it was not saved.
func savedObject[T any](name, text string, parse func([]byte) (T, error)) (*T, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is no hex", ErrBackup, name)
	}
	if len(raw) == 0 {
		return nil, nil
	}
	v, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return &v, nil
}

// PutBack brings EF_IMSI of every copy, the applet's backups of it, its configuration and its bound terminals back to what was saved
// before a scenario was played, looks at the result, and lets the journal say so when nothing is left. Without the issuer's code for EF_IMSI
// the rest is put back all the same. It is to be called with a context that is not cancelled. Counters, log, generation and what the applet
// noted of the last start go on.
func (r *Run) PutBack(ctx context.Context, p *Play, keyed bool) (PutBack, error) {
	var out PutBack
	was, err := p.Backup.applet()
	if err != nil {
		return out, err
	}
	noCode := r.copiesBack(ctx, p, was, keyed, &out)
	if noCode != nil && !errors.Is(noCode, ErrNoKeys) && !errors.As(noCode, new(*uicc.PINError)) {
		return out, noCode
	}
	for _, step := range []func(context.Context, *Play, before, bool, *PutBack) error{r.configurationBack, r.boundBack, r.filesBack, r.lookBack} {
		if err := step(ctx, p, was, keyed, &out); err != nil {
			return out, errors.Join(noCode, err)
		}
	}
	if len(out.Left) > 0 || noCode != nil {
		return out, noCode
	}
	return out, p.journal.Add(r.conclude(&p.intent, MarkVerified, "put back"))
}

// again reads the card behind a reset.
func (r *Run) again(ctx context.Context, p *Play, keyed bool) (*Applet, error) {
	if err := r.Reset(ctx, true); err != nil {
		return nil, err
	}
	st, err := r.Status(ctx, Expected{ICCID: p.Backup.ICCID}, keyed)
	return st.Applet, err
}

// foreign are the copies that hold neither what was saved nor what the applet will make of it again: it has another backup of them, or none that
// is known. The card is reset before.
func (r *Run) foreign(ctx context.Context, p *Play, a *Applet) (*Restoration, error) {
	if err := r.Reset(ctx, false); err != nil {
		return nil, err
	}
	plan, err := r.PlanRestore(ctx, p.Backup, Expected{})
	if err != nil {
		return nil, err
	}
	plan.Differences = slices.DeleteFunc(plan.Differences, func(d Difference) bool {
		held, ok := a.backupOf(d.Place)
		return ok && held == d.Want
	})
	return plan, nil
}

// copiesBack writes EF_IMSI with ADM1 where it is another. Behind the next reset the applet takes what was written for its backup.
func (r *Run) copiesBack(ctx context.Context, p *Play, _ before, keyed bool, out *PutBack) error {
	if len(p.Backup.Copies) == 0 {
		return nil
	}
	a, err := r.again(ctx, p, keyed)
	if err != nil {
		return err
	}
	plan, err := r.foreign(ctx, p, a)
	if err != nil || len(plan.Differences) == 0 {
		return err
	}
	secrets, err := r.keysFor(uicc.ICCID(p.Backup.ICCID))
	if err != nil {
		return err
	}
	if secrets.ADM1.IsZero() {
		return r.previousBack(ctx, p, a, out)
	}
	r.phase("write")
	if err := r.selectUSIM(ctx, &plan.Facts); err != nil {
		return err
	}
	if err := uicc.Verify(ctx, r.Card, uicc.ADM1, secrets.ADM1, r.PINFloor); err != nil {
		return err
	}
	if err := r.updateCopies(ctx, plan.Differences); err != nil {
		return err
	}
	for _, d := range plan.Differences {
		out.Done = append(out.Done, "EF_IMSI of "+d.Place)
	}
	return nil
}

// previousBack is copiesBack without ADM1: the applet goes back to what it replaced, in every copy at once, when that gives what was saved.
func (r *Run) previousBack(ctx context.Context, p *Play, a *Applet, out *PutBack) error {
	for _, c := range p.Backup.Copies {
		saved, err := c.Bytes()
		if err != nil {
			return err
		}
		becomes, _ := a.backupOf(c.Place)
		replaced := a.State.ReplacedUSIM
		if c.Place == PlaceGSM {
			replaced = a.State.ReplacedGSM
		}
		if replaced != nil {
			becomes = *replaced
		}
		if becomes != saved {
			return fmt.Errorf("%w: EF_IMSI is written with ADM1, and there is none", ErrNoKeys)
		}
	}
	return r.doBack(ctx, p, binding.PreviousBackup(), "EF_IMSI and its backups, by going back to the replaced ones", out)
}
