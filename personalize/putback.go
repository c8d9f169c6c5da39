package personalize

import (
	"bytes"
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
	if raw, err := hex.DecodeString(b.Applet.Configuration); err != nil {
		return out, fmt.Errorf("%w: configuration is no hex", ErrBackup)
	} else if len(raw) > 0 {
		c, err := binding.ParseConfiguration(raw)
		if err != nil {
			return out, fmt.Errorf("%w: %w", ErrBackup, err)
		}
		out.configuration = &c
	}
	if raw, err := hex.DecodeString(b.Applet.State); err != nil {
		return out, fmt.Errorf("%w: state is no hex", ErrBackup)
	} else if len(raw) > 0 {
		s, err := binding.ParseState(raw)
		if err != nil {
			return out, fmt.Errorf("%w: %w", ErrBackup, err)
		}
		out.state = &s
	}
	return out, nil
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

// doBack carries one action out, behind a reset.
func (r *Run) doBack(ctx context.Context, p *Play, action binding.Action, what string, out *PutBack) error {
	if err := r.Reset(ctx, false); err != nil {
		return err
	}
	if _, err := r.Act(ctx, Expected{ICCID: p.Backup.ICCID}, action); err != nil {
		return err
	}
	out.Done = append(out.Done, what)
	return nil
}

// configurationBack writes the configuration. A card that never had one gets the one that does the same: off.
func (r *Run) configurationBack(ctx context.Context, p *Play, was before, keyed bool, out *PutBack) error {
	if !keyed {
		return nil
	}
	a, err := r.again(ctx, p, keyed)
	if err != nil || a.Configuration == nil || was.configuration != nil && a.Configuration.Equal(*was.configuration) {
		return err
	}
	want := binding.DefaultConfiguration(binding.Off)
	if was.configuration != nil {
		want = *was.configuration
	} else {
		out.Never = append(out.Never, "the card was never configured: scheme off, which does the same, stands there now")
	}
	if a.Configuration.Equal(want) {
		return nil
	}
	if err := r.Reset(ctx, false); err != nil {
		return err
	}
	plan, err := r.Plan(ctx, func(uicc.ICCID) (Wish, error) {
		return Wish{Configuration: want, Expected: Expected{ICCID: p.Backup.ICCID}, Reconfigure: true, putBack: true}, nil
	})
	if err != nil {
		return err
	}
	if _, err := r.Apply(ctx, plan); err != nil {
		return err
	}
	out.Done = append(out.Done, "configuration, scheme "+want.Scheme.String())
	return nil
}

// boundBack gives a first-insert card the terminals it was bound to, or arms it again.
func (r *Run) boundBack(ctx context.Context, p *Play, was before, keyed bool, out *PutBack) error {
	if !keyed || was.state == nil || was.configuration == nil || was.configuration.Scheme != binding.FirstInsert {
		return nil
	}
	a, err := r.again(ctx, p, keyed)
	if err != nil || slices.Equal(a.State.Bound, was.state.Bound) {
		return err
	}
	if len(a.State.Bound) > 0 {
		if err := r.doBack(ctx, p, binding.Unbind(), "armed again", out); err != nil {
			return err
		}
	}
	for _, v := range was.state.Bound {
		imei, ok := v.IMEI()
		if !ok {
			return fmt.Errorf("%w: a bound terminal is not shown whole", ErrBackup)
		}
		if err := r.doBack(ctx, p, binding.Bind(imei), "bound to "+imei.Short(), out); err != nil {
			return err
		}
	}
	return nil
}

// filesBack lets EF_IMSI show the subscriber again when it did before.
func (r *Run) filesBack(ctx context.Context, p *Play, was before, keyed bool, out *PutBack) error {
	if !keyed || was.state == nil || was.state.Files != binding.FilesBackup {
		return nil
	}
	a, err := r.again(ctx, p, keyed)
	if err != nil || a.State.Files == binding.FilesBackup {
		return err
	}
	return r.doBack(ctx, p, binding.Restore(), "EF_IMSI as it is in the backups", out)
}

// lookBack tells what does not stand as it did.
func (r *Run) lookBack(ctx context.Context, p *Play, was before, keyed bool, out *PutBack) error {
	r.phase("verify")
	a, err := r.again(ctx, p, keyed)
	if err != nil {
		return err
	}
	if err := r.lookAtCopies(ctx, p, a, out); err != nil {
		return err
	}
	if !keyed {
		return nil
	}
	if was.configuration != nil && (a.Configuration == nil || !a.Configuration.Equal(*was.configuration)) {
		out.Left = append(out.Left, "configuration")
	}
	if was.state != nil && was.configuration != nil && !slices.Equal(a.State.Bound, was.state.Bound) {
		out.Left = append(out.Left, "bound terminals")
	}
	if was.state != nil && was.state.Files == binding.FilesBackup && a.State.Files != binding.FilesBackup {
		out.Left = append(out.Left, "EF_IMSI is "+a.State.Files.String())
	}
	if a.State.Failure == binding.FailureStrictResting && (was.state == nil || was.state.Failure != binding.FailureStrictResting) {
		out.Never = append(out.Never, "strict start rests until another terminal starts, or the configuration changes")
	}
	if p.Backup.replacedOthers(a) {
		out.Never = append(out.Never, "the applet keeps the EF_IMSI of the scenario as the backup that was replaced last")
	}
	return nil
}

// lookAtCopies tells which copies are not, or will not be, what was saved.
func (r *Run) lookAtCopies(ctx context.Context, p *Play, a *Applet, out *PutBack) error {
	if len(p.Backup.Copies) == 0 {
		return nil
	}
	plan, err := r.foreign(ctx, p, a)
	if err != nil {
		return err
	}
	for _, d := range plan.Differences {
		out.Left = append(out.Left, "EF_IMSI of "+d.Place)
	}
	for _, c := range p.Backup.Copies {
		saved, err := c.Bytes()
		if held, ok := a.backupOf(c.Place); err != nil || ok && held != saved {
			out.Left = append(out.Left, "the applet's backup of "+c.Place)
		}
	}
	return nil
}

// replacedOthers tells whether the replaced backups are others than they were.
func (b Backup) replacedOthers(a *Applet) bool {
	was, err := b.applet()
	if err != nil || was.state == nil {
		return false
	}
	same := func(x, y *[9]byte) bool {
		return x == nil && y == nil || x != nil && y != nil && bytes.Equal(x[:], y[:])
	}
	return !same(was.state.ReplacedUSIM, a.State.ReplacedUSIM) || !same(was.state.ReplacedGSM, a.State.ReplacedGSM)
}
