package personalize

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
)

// doBack carries one action out, behind a reset.
func (r *Run) doBack(ctx context.Context, p *Play, action binding.Action, what string, out *PutBack) error {
	if err := r.Reset(ctx, false); err != nil {
		return err
	}
	if _, err := r.act(ctx, Expected{ICCID: p.Backup.ICCID}, action); err != nil {
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
	if err != nil || a.Configuration == nil && was.configuration == nil {
		return err
	}
	want := binding.DefaultConfiguration(binding.Off)
	if was.configuration != nil {
		want = *was.configuration
	} else {
		out.Never = append(out.Never, "the card was never configured: scheme off, which does the same, stands there now")
	}
	if a.Configuration != nil && a.Configuration.Equal(want) {
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
		lookOpen(p, was, a, out)
		return nil
	}
	lookFull(was, a, out)
	if p.Backup.replacedOthers(a) {
		out.Never = append(out.Never, "the applet keeps the EF_IMSI of the scenario as the backup that was replaced last")
	}
	return nil
}

// lookOpen is what can be told without keys.
func lookOpen(p *Play, was before, a *Applet, out *PutBack) {
	if a.State.Generation != p.Backup.Generation { // a start changes none
		out.Left = append(out.Left, "a configuration that was stored since, or an action, which takes keys")
	}
	if a.State.Backups != 0 && a.State.Files != binding.FilesBackup {
		out.Left = append(out.Left, "EF_IMSI is "+a.State.Files.String())
	}
	if was.state != nil && was.state.Status != a.State.Status {
		out.Never = append(out.Never, "the card is "+a.State.Status.String()+" now and was "+was.state.Status.String()+": what changes that takes keys")
	}
}

// lookFull compares configuration and full state.
func lookFull(was before, a *Applet, out *PutBack) {
	if was.configuration != nil && (a.Configuration == nil || !a.Configuration.Equal(*was.configuration)) {
		out.Left = append(out.Left, "configuration")
	}
	resting := a.State.Failure == binding.FailureStrictResting
	if was.state != nil {
		if was.configuration != nil && !slices.Equal(a.State.Bound, was.state.Bound) {
			out.Left = append(out.Left, "bound terminals")
		}
		if was.state.Files == binding.FilesBackup && a.State.Files != binding.FilesBackup {
			out.Left = append(out.Left, "EF_IMSI is "+a.State.Files.String())
		}
		resting = resting && was.state.Failure != binding.FailureStrictResting
	}
	if resting {
		out.Never = append(out.Never, "strict start rests until another terminal starts, or the configuration changes")
	}
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
