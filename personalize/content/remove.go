package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
)

// Removal is what taking the binding applet off a card would do, as a value.
type Removal struct {
	ICCID uicc.ICCID
	Free  *personalize.Plan // brings the applet to scheme off and backs EF_IMSI up; nil: it was never configured, or cannot be selected
	Steps []Step            // through the security domain, afterwards; empty: nothing of it is on the card
}

// AsWanted tells that there is nothing to do.
func (p *Removal) AsWanted() bool { return len(p.Steps) == 0 }

// RemovalWish says what shall go.
type RemovalWish struct {
	Expected personalize.Expected
	LoadFile []byte // its AID; nil: the one the applet was made from. The applet's instance is the run's AID
}

// PlanRemoval reads the card and plans the removal (card interface §6): a configured applet is first brought to scheme off, so that EF_IMSI
// holds the subscriber's IMSI again, and a backup of it is on the disk; only then load file and instance are deleted.
func PlanRemoval(ctx context.Context, run *personalize.Run, w RemovalWish) (*Removal, error) {
	p := &Removal{}
	var err error
	if p.ICCID, err = Unlocked(ctx, run, personalize.Expected{ICCID: w.Expected.ICCID}); err != nil { // EF_IMSI may hold the denial value now: free looks at the IMSI
		return nil, err
	}
	registry, err := p.registry(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := p.list(run, registry, w.LoadFile); err != nil {
		return p, err
	}
	if p.AsWanted() {
		return p, gone(ctx, run, w.Expected)
	}
	return p, p.free(ctx, run, w.Expected, registry.mayBind(run.AID))
}

func (p *Removal) registry(ctx context.Context, run *personalize.Run) (Registry, error) {
	d, err := Open(ctx, run, p.ICCID)
	if err != nil {
		return Registry{}, err
	}
	defer d.Close()
	run.Begin("registry")
	var r Registry
	return r, d.listContent(ctx, &r)
}

// gone looks that the applet does not answer, since a security domain may list its own content alone, and then at the IMSI that is expected.
func gone(ctx context.Context, run *personalize.Run, expected personalize.Expected) error {
	if err := run.Card.Reset(ctx, false); err != nil {
		return err
	}
	_, err := personalize.SelectApplet(ctx, run.Card, run.AID)
	switch {
	case err == nil:
		return &ConflictError{run.AID, "the binding applet answers, and the security domain does not list it: it belongs to another one"}
	case errors.As(err, new(*apdu.LinkError)):
		return err
	}
	_, err = run.Known(ctx, expected)
	return err
}

// list plans the deletions: of the load file with all that belongs to it, or of the instance alone where others were made from that load
// file too, or the card does not show it.
func (p *Removal) list(run *personalize.Run, r Registry, loadFile []byte) error {
	instance := run.AID
	applet := r.application(instance)
	if applet != nil && applet.State&stateLocked != 0 {
		return &ConflictError{instance, "the binding applet is locked and cannot restore EF_IMSI; unlock it first"}
	}
	loadFile, err := madeOf(applet, loadFile)
	if err != nil {
		return err
	}
	other := r.another(loadFile, instance)
	switch {
	case other != nil && applet == nil:
		return &ConflictError{other.AID, "another application of the same load file is on the card; remove it first"}
	case other == nil && find(r.LoadFiles, loadFile) != nil:
		p.Steps = []Step{{Name: "DELETE load file and applet", Command: gp.Delete(loadFile, true)}}
	case applet != nil:
		p.Steps = []Step{{Name: "DELETE applet", Command: gp.Delete(instance, false)}}
	}
	if other != nil {
		run.Remark("%X was made from the same load file and stays on the card, and the load file with it", other.AID)
	}
	return nil
}

// madeOf settles the load file that goes: the one that was named, or else the one the card tells, or else the binding package. One that is
// not the applet's would go for nothing.
func madeOf(applet *gp.RegistryEntry, named []byte) ([]byte, error) {
	told := applet != nil && applet.LoadFile != nil
	switch {
	case told && named != nil && !bytes.Equal(named, applet.LoadFile):
		return nil, &ConflictError{applet.AID, fmt.Sprintf("the binding applet was made from the load file %X, not from %X", applet.LoadFile, named)}
	case told:
		return applet.LoadFile, nil
	case named == nil:
		return binding.DefaultPackageAID, nil
	}
	return named, nil
}

// another finds an application made from a load file besides an instance of it.
func (r Registry) another(loadFile, instance []byte) *gp.RegistryEntry {
	n := slices.IndexFunc(r.Applications, func(e gp.RegistryEntry) bool { return madeFrom(e, loadFile) && !bytes.Equal(e.AID, instance) })
	if n < 0 {
		return nil
	}
	return &r.Applications[n]
}

// mayBind tells whether the applet is on the card, or an application whose load file the card does not tell, which could be one.
func (r Registry) mayBind(instance []byte) bool {
	return slices.ContainsFunc(r.Applications, func(e gp.RegistryEntry) bool { return bytes.Equal(e.AID, instance) || e.LoadFile == nil })
}

// free plans scheme off, after a reset that ends the session of the security domain. mayBind: an applet may be there that answers no SELECT.
func (p *Removal) free(ctx context.Context, run *personalize.Run, expected personalize.Expected, mayBind bool) error {
	run.Begin("read applet")
	if err := run.Card.Reset(ctx, false); err != nil {
		return err
	}
	off := binding.DefaultConfiguration(binding.Off)
	plan, err := run.Plan(ctx, func(uicc.ICCID) (personalize.Wish, error) {
		return personalize.Wish{Configuration: off, Expected: expected, Reconfigure: true}, nil
	})
	if errors.Is(err, personalize.ErrNoApplet) {
		return leave(ctx, run, expected, mayBind)
	}
	if err != nil {
		return err
	}
	if plan.Facts.Applet.State.Generation != 0 {
		p.Free = plan
	}
	return nil
}

// leave looks at EF_IMSI when no applet can be selected. Where one is installed all the same it may have left the denial value there, and
// nobody could put the IMSI back once it is gone.
func leave(ctx context.Context, run *personalize.Run, expected personalize.Expected, mayBind bool) error {
	run.Remark("the applet cannot be selected; EF_IMSI is left as it is")
	if err := run.Card.Reset(ctx, false); err != nil {
		return err
	}
	if !mayBind {
		_, err := run.Known(ctx, expected)
		return err
	}
	_, _, err := run.Save(ctx, expected, false)
	return err
}

// Apply carries the removal out and proves it: the applet cannot be selected any more.
func (p *Removal) Apply(ctx context.Context, run *personalize.Run) (backup string, err error) {
	if p.AsWanted() {
		return "", nil
	}
	if p.Free != nil {
		result, err := run.Apply(ctx, p.Free)
		if err != nil {
			return result.Backup, err
		}
		backup = result.Backup
		if s := result.Applet.State; s.Files != binding.FilesBackup {
			return backup, &personalize.UnfitError{Reason: fmt.Sprintf("the applet is off, and EF_IMSI holds %s, not the backup: nothing was deleted", s.Files)}
		}
	}
	unlock, err := run.Store.Lock(p.ICCID.String())
	if err != nil {
		return backup, err
	}
	defer unlock()
	d, err := Open(ctx, run, p.ICCID)
	if err != nil {
		return backup, err
	}
	defer d.Close()
	run.Begin("delete")
	if _, err := d.Do(ctx, p.Steps); err != nil {
		return backup, err
	}
	return backup, p.prove(context.WithoutCancel(ctx), run)
}

func (p *Removal) prove(ctx context.Context, run *personalize.Run) error {
	run.Begin("verify")
	if err := run.Card.Reset(ctx, false); err != nil {
		return &personalize.InDoubtError{Step: personalize.StepReset, Err: err}
	}
	_, err := personalize.SelectApplet(ctx, run.Card, run.AID)
	switch {
	case errors.Is(err, personalize.ErrNoApplet), errors.As(err, new(*binding.OtherApplicationError)): // its AID begins with the one that is gone
		return nil
	case errors.As(err, new(*apdu.LinkError)):
		return &personalize.InDoubtError{Step: personalize.StepReadBack, Err: err}
	}
	return &personalize.VerifyError{What: "binding applet", Want: "gone", Got: "still there"}
}
