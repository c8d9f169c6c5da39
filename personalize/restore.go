package personalize

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Save reads the card and gives its backup, writing nothing to it. Keys are used only when EF_IMSI is
// readable in no other way: when the applet shows the denial value.
func (r *Run) Save(ctx context.Context, expected Expected, keyed bool) (Backup, Facts, error) {
	p := &Plan{Wish: Wish{Expected: expected}}
	f := &p.Facts
	r.phase("read")
	if err := r.identify(ctx, f); err != nil {
		return Backup{}, *f, err
	}
	if err := expected.checkICCID(f.ICCID); err != nil {
		return Backup{}, *f, err
	}
	if err := r.notPlayed(f.ICCID); err != nil {
		return Backup{}, *f, err
	}
	var err error
	if f.Applet, err = SelectApplet(ctx, r.Card, r.AID); err != nil && !errors.Is(err, ErrNoApplet) {
		return Backup{}, *f, err
	}
	if f.Applet != nil && f.Applet.State.Generation != 0 && keyed {
		s, applet, err := r.session(ctx, f.ICCID)
		if err != nil {
			return Backup{}, *f, err
		}
		defer s.Close()
		if err := readFull(ctx, s, applet); err != nil {
			return Backup{}, *f, err
		}
		f.Applet = applet
	}
	if err := refuseDenied(f.Applet); err != nil {
		return Backup{}, *f, err
	}
	if err := r.readFiles(ctx, f); err != nil {
		return Backup{}, *f, err
	}
	if f.Applet == nil {
		p.Subscriber, err = subscribers(&Facts{Copies: f.Copies, UST: f.UST, Applet: &Applet{}})
	} else {
		p.Subscriber, err = subscribers(f)
	}
	if err != nil {
		return Backup{}, *f, err
	}
	if err := r.checkIMSI(p, &Applet{}); err != nil {
		return Backup{}, *f, err
	}
	return r.backup(p), *f, nil
}

// refuseDenied refuses a card whose applet shows a denial value in a copy, and no backup: without keys a denial value that could be an IMSI
// cannot be told from the subscriber's.
func refuseDenied(a *Applet) error {
	if a == nil || a.Full || a.State.Backups == 0 {
		return nil
	}
	if f := a.State.Files; f == binding.FilesDenial || f == binding.FilesDifferent {
		return &UnfitError{Reason: "EF_IMSI is none that may be backed up (" + f.String() + "), and without keys nobody knows the subscriber's"}
	}
	return nil
}

// Difference is one copy of EF_IMSI whose content is not the backup's.
type Difference struct {
	Place string
	Have  []byte // 9 bytes
	Want  [9]byte
}

// Restoration is what a restore would write.
type Restoration struct {
	Facts       Facts
	Backup      Backup
	Differences []Difference
}

// PlanRestore compares a backup with the card it was taken from. A backup of another card is refused with
// *MismatchError.
func (r *Run) PlanRestore(ctx context.Context, b Backup, expected Expected) (*Restoration, error) {
	out := &Restoration{Backup: b}
	f := &out.Facts
	r.phase("read")
	if err := r.identify(ctx, f); err != nil {
		return nil, err
	}
	if err := expected.checkICCID(f.ICCID); err != nil {
		return nil, err
	}
	if err := (Expected{ICCID: b.ICCID}).checkICCID(f.ICCID); err != nil {
		return nil, err
	}
	if err := r.readFiles(ctx, f); err != nil {
		return nil, err
	}
	for _, saved := range b.Copies {
		want, err := saved.Bytes()
		if err != nil {
			return nil, err
		}
		if err := expected.checkIMSI(want); err != nil {
			return nil, err
		}
		have, ok := f.copyAt(saved.Place)
		if !ok {
			return nil, &UnfitError{Reason: fmt.Sprintf("the backup has %s, the card has no such file", saved.Place)}
		}
		if !bytes.Equal(have.Content, want[:]) {
			out.Differences = append(out.Differences, Difference{Place: saved.Place, Have: have.Content, Want: want})
		}
	}
	return out, nil
}

func (f *Facts) copyAt(place string) (Copy, bool) {
	for _, c := range f.Copies {
		if c.Place == place {
			return c, true
		}
	}
	return Copy{}, false
}

// Restore writes the differing copies with ADM1: its counter is read first, one attempt, and everything is read
// back after a reset.
func (r *Run) Restore(ctx context.Context, plan *Restoration) error {
	if len(plan.Differences) == 0 {
		return nil
	}
	iccid := plan.Facts.ICCID
	unlock, err := r.lock(iccid)
	if err != nil {
		return err
	}
	defer unlock()
	secrets, err := r.keysFor(iccid)
	if err != nil {
		return err
	}
	if secrets.ADM1.IsZero() {
		return fmt.Errorf("%w: EF_IMSI is written with ADM1, and there is none", ErrNoKeys)
	}
	journal, err := r.Store.Journal(iccid.String())
	if err != nil {
		return err
	}
	r.phase("write")
	if err := r.selectUSIM(ctx, &plan.Facts); err != nil {
		return err
	}
	if err := uicc.Verify(ctx, r.Card, uicc.ADM1, secrets.ADM1, r.PINFloor); err != nil {
		return err
	}
	intent := Entry{Time: r.Now().UTC(), Mark: MarkIntent, Run: r.runID(), Verb: verbRestore, Tool: r.Tool, ICCID: iccid.String()}
	if err := journal.Add(intent); err != nil {
		return err
	}
	if err := r.restoreCopies(context.WithoutCancel(ctx), plan); err != nil {
		return r.broken(journal, &intent, "", err)
	}
	return r.verified(journal, &intent, true)
}

func (r *Run) restoreCopies(ctx context.Context, plan *Restoration) error {
	if err := r.updateCopies(ctx, plan.Differences); err != nil {
		return err
	}
	r.phase("verify")
	if err := r.Card.Reset(ctx, false); err != nil {
		return &InDoubtError{Step: StepReset, Err: err}
	}
	r.pinDone = false
	var after Facts
	if err := r.identify(ctx, &after); err != nil {
		return &InDoubtError{Step: StepReadBack, Err: err}
	}
	if err := r.readFiles(ctx, &after); err != nil {
		return &InDoubtError{Step: StepReadBack, Err: err}
	}
	for _, d := range plan.Differences {
		got, _ := after.copyAt(d.Place)
		if !bytes.Equal(got.Content, d.Want[:]) {
			return &VerifyError{What: d.Place, Want: "the backup", Got: "something else"}
		}
	}
	return nil
}

func (r *Run) updateCopies(ctx context.Context, differences []Difference) error {
	for _, d := range differences {
		if err := r.updateCopy(ctx, d); err != nil {
			return &InDoubtError{Step: Step("UPDATE " + d.Place), Err: err}
		}
	}
	return nil
}

func (r *Run) updateCopy(ctx context.Context, d Difference) error {
	var err error
	if d.Place == PlaceGSM {
		_, err = uicc.SelectFilePath(ctx, r.Card, "DF_GSM EF_IMSI", usim.GSMIMSI.Path)
	} else {
		_, err = uicc.SelectFile(ctx, r.Card, "EF_IMSI", usim.EFIMSI.FID)
	}
	if err != nil {
		return err
	}
	retries, err := uicc.Update(ctx, r.Card, "UPDATE EF_IMSI", uicc.UpdateBinary(0, d.Want[:]))
	if retries > 0 {
		r.note("%s: the card needed %d internal retries: its memory wears out", d.Place, retries)
	}
	return err
}
