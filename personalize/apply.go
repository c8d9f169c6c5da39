package personalize

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/internal/meanwhile"
)

// Outcome is how a personalization ended.
type Outcome string

// Outcomes.
const (
	OutcomeDone     Outcome = "personalized"
	OutcomeAsWanted Outcome = "already as wanted"
	OutcomeFound    Outcome = "found as intended after a broken run"
)

// Result is what a personalization reached.
type Result struct {
	Outcome Outcome
	Backup  string  // file name; empty when nothing was written
	Applet  *Applet // as read back
}

// InDoubtError is a run that broke after the first write may have reached the card. The journal knows; the next run reads
// the card and classifies it.
type InDoubtError struct {
	Step Step
	Err  error
}

func (e *InDoubtError) Error() string {
	return fmt.Sprintf("in doubt at %q: %v", string(e.Step), e.Err)
}
func (e *InDoubtError) Unwrap() error { return e.Err }

// VerifyError is a card that does not read back as written.
type VerifyError struct{ What, Want, Got string }

func (e *VerifyError) Error() string {
	return fmt.Sprintf("read back: %s is %s, wanted %s", e.What, e.Got, e.Want)
}

// Apply carries the plan out. Once the first write is announced in the journal it no longer
// listens to ctx being cancelled, until the card is proven or given up.
func (r *Run) Apply(ctx context.Context, p *Plan) (Result, error) {
	if p.AsWanted() {
		out := Result{Outcome: OutcomeAsWanted, Applet: p.Facts.Applet}
		if p.InDoubt != nil {
			out.Outcome = OutcomeFound
		}
		return out, nil
	}
	unlock, err := r.lock(p.Facts.ICCID)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	r.phase("session")
	saved := r.saveBackup(p)
	s, applet, err := r.session(ctx, p.Facts.ICCID)
	if err == nil {
		defer s.Close()
	}
	backup, failed := saved() // before anything is written to the card
	if err := errors.Join(err, failed); err != nil {
		return Result{Backup: backup}, err
	}
	if got, want := applet.State.Generation, p.Facts.Applet.State.Generation; got != want {
		return Result{Backup: backup}, &UnfitError{Reason: fmt.Sprintf("the card changed since it was read: generation %d, was %d", got, want)}
	}
	if err := ctx.Err(); err != nil {
		return Result{Backup: backup}, err
	}
	after, err := r.critical(context.WithoutCancel(ctx), p, s, backup)
	return Result{Outcome: OutcomeDone, Backup: backup, Applet: after}, err
}

// saveBackup brings the backup onto the disk, and makes the journal, while the card opens a session; the function it gives waits for the end.
func (r *Run) saveBackup(p *Plan) func() (name string, err error) {
	var name string
	b := r.backup(p)
	wait := meanwhile.Do(func() (err error) {
		if p.Wish.putBack { // what was saved before the scenario stays the newest: EF_IMSI may still be the scenario's
			return r.Store.prepareJournal(b.ICCID)
		}
		name, err = r.Store.SaveBackup(b, r.Backups...)
		return errors.Join(err, r.Store.prepareJournal(b.ICCID))
	})
	return func() (string, error) {
		err := wait()
		return name, err
	}
}

// critical is the section between INTENT and VERIFIED.
func (r *Run) critical(ctx context.Context, p *Plan, s *gp.Session, backup string) (*Applet, error) {
	journal, err := r.Store.Journal(p.Facts.ICCID.String())
	if err != nil {
		return nil, err
	}
	intent := r.intent(p, backup)
	if err := journal.Add(intent); err != nil {
		return nil, err
	}
	if step, err := r.write(ctx, p, s); err != nil {
		return nil, r.broken(journal, &intent, step, err)
	}
	after, step, err := r.prove(ctx, p)
	if err != nil {
		return after, r.broken(journal, &intent, step, err)
	}
	return after, r.verified(journal, &intent, !r.Recorded)
}

// verified ends the journal of a card that was proven. One that the disk does not take is in doubt, whatever was proven: nobody may take it for a
// card that nothing was written to.
func (r *Run) verified(journal *Journal, intent *Entry, durably bool) error {
	if err := journal.add(r.conclude(intent, MarkVerified, ""), durably); err != nil {
		return &InDoubtError{Step: StepJournal, Err: err}
	}
	return nil
}

// broken tells a refusal that left the card as it was (the applet takes a template whole or not at all) from a
// state nobody knows.
func (r *Run) broken(journal *Journal, intent *Entry, step Step, err error) error {
	var refused *binding.AppletError
	var verify *VerifyError
	var known *InDoubtError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &refused) && refused.SW != apdu.SWMemory && (step == StepCardBackup || step == StepConfigure):
		return errors.Join(err, journal.Add(r.conclude(intent, MarkAbandoned, "refused by the card: "+refused.Error())))
	case errors.As(err, &refused), errors.As(err, &verify):
		return errors.Join(err, journal.Add(r.conclude(intent, MarkQuarantine, err.Error())))
	}
	return &InDoubtError{Step: step, Err: err}
}

func (r *Run) intent(p *Plan, backup string) Entry {
	e := Entry{
		Time: r.Now().UTC(), Mark: MarkIntent, Run: r.runID(), Verb: verbPersonalize, Tool: r.Tool,
		ICCID: p.Facts.ICCID.String(), Backup: backup,
		GenerationBefore: p.Facts.Applet.State.Generation,
		Wanted:           p.Wish.Configuration.Hex(),
	}
	if p.Before != nil {
		e.Before = p.Before.Hex()
	}
	return e
}

func (r *Run) runID() string {
	b := make([]byte, 8)
	src := r.Rand
	if src == nil {
		src = rand.Reader
	}
	_, _ = src.Read(b) // a name for log lines, not a secret: zeros would do
	return hex.EncodeToString(b)
}

func (r *Run) write(ctx context.Context, p *Plan, s *gp.Session) (Step, error) {
	r.phase("write")
	backup, err := binding.BackUp().Encode()
	if err != nil {
		return StepCardBackup, err
	}
	if err := storeData(ctx, s, "E2 back up EF_IMSI", backup); err != nil {
		return StepCardBackup, err
	}
	if !slices.Contains(p.Steps, StepConfigure) {
		return "", nil
	}
	generation := p.Facts.Applet.State.Generation
	template, err := p.Wish.Configuration.EncodeExpecting(generation)
	if err != nil {
		return StepConfigure, err
	}
	return StepConfigure, storeData(ctx, s, "E0 configuration", template)
}

// prove resets the card and reads everything back through a new session.
func (r *Run) prove(ctx context.Context, p *Plan) (*Applet, Step, error) {
	r.phase("verify")
	if err := r.Card.Reset(ctx, false); err != nil {
		return nil, StepReset, err
	}
	r.pinDone = false
	s, applet, err := r.session(ctx, p.Facts.ICCID)
	if err != nil {
		return nil, StepReadBack, err
	}
	defer s.Close()
	if err := readFull(ctx, s, applet); err != nil {
		return nil, StepReadBack, err
	}
	return applet, StepReadBack, verify(p, applet)
}

// verify holds what was read back against the plan.
func verify(p *Plan, after *Applet) error {
	if after.Configuration == nil {
		return &VerifyError{What: "configuration", Want: "present", Got: "absent"}
	}
	if want := p.Wish.Configuration; !after.Configuration.Equal(want) {
		return &VerifyError{What: "configuration", Want: want.Hex(), Got: after.Configuration.Hex()}
	}
	want := p.Facts.Applet.State.Generation
	if slices.Contains(p.Steps, StepConfigure) {
		want = binding.NextGeneration(want)
	}
	if got := after.State.Generation; got != want {
		return &VerifyError{What: "generation", Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	}
	if !after.State.Status.Fits(p.Wish.Configuration.Scheme) {
		return &VerifyError{What: "state", Want: "one of scheme " + p.Wish.Configuration.Scheme.String(), Got: after.State.Status.String()}
	}
	return checkBackups(after, p.Subscriber)
}

// checkBackups tells whether the applet holds a plausible backup of every copy it manages, equal to what was
// read where that is known.
func checkBackups(a *Applet, known []Subscriber) error {
	for _, copyOf := range []struct {
		place   string
		managed bool
	}{{PlaceUSIM, a.Info.Copies.USIM()}, {PlaceGSM, a.Info.Copies.GSM()}} {
		backup, held := a.backupOf(copyOf.place)
		if copyOf.managed && !held {
			return &VerifyError{What: "backup of " + copyOf.place, Want: "held", Got: "missing"}
		}
		i := slices.IndexFunc(known, func(s Subscriber) bool { return s.Place == copyOf.place })
		if held && i >= 0 && backup != known[i].IMSI {
			return &VerifyError{What: "backup of " + copyOf.place, Want: "the EF_IMSI read before", Got: "something else"}
		}
	}
	return nil
}

// backup is the record of the card as it was read.
func (r *Run) backup(p *Plan) Backup {
	f := &p.Facts
	b := Backup{
		Tool: r.Tool, Time: r.Now().UTC(), Reader: f.Reader, ATR: upper(f.ATR),
		ICCID: f.ICCID.String(), EFICCID: upper(f.EFICCID), USIM: upper(f.USIM),
		AD: upper(f.AD), UST: upper(f.UST),
	}
	for i, c := range f.Copies {
		s := p.Subscriber[i]
		b.Copies = append(b.Copies, BackupCopy{
			Place: c.Place, Content: upper(s.IMSI[:]), From: s.From, FCP: upper(c.FCP.Raw),
			FileState: c.FCP.LifeCycle.String(), LinkedTo: c.Linked.String(),
		})
	}
	for _, file := range f.Location {
		b.Location = append(b.Location, BackupFile{Name: file.Name, Content: upper(file.Content)})
	}
	if a := f.Applet; a != nil {
		b.Generation = a.State.Generation
		b.Applet = &BackupState{AID: upper(a.AID), Version: a.Info.Version(), State: upper(a.State.Raw)}
		if a.Configuration != nil {
			b.Applet.Configuration = a.Configuration.Hex()
		}
	}
	return b
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
