package personalize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Wish is what one card shall become.
type Wish struct {
	Configuration binding.Configuration
	Expected      Expected
	Reconfigure   bool   // a card with another configuration may be changed
	Release       string // why a card in quarantine may go on; empty: it may not
	putBack       bool   // what a scenario changed is put back: that it was played is no hindrance
}

// Step is one thing apply does, in the order of the plan.
type Step string

// Steps of a personalization. The activating write comes last, then the proof.
const (
	StepBackup     Step = "save EF_IMSI to the backup store"
	StepSession    Step = "open a secure channel to the applet"
	StepCardBackup Step = "STORE DATA E2: back up EF_IMSI on the card"
	StepConfigure  Step = "STORE DATA E0: write the binding configuration"
	StepReset      Step = "reset the card"
	StepReadBack   Step = "read configuration, state and backups back through a new session"
	StepJournal    Step = "write down that it was proven"
)

// Plan is what a run would do, as a value: it can be printed, compared and applied.
type Plan struct {
	Facts      Facts
	Wish       Wish
	Before     *binding.Configuration // on the card now; nil: never configured, or not readable without keys
	Steps      []Step                 // empty: the card is as wanted
	InDoubt    *Entry                 // what a broken run had begun and this one found out about
	Subscriber []Subscriber           // EF_IMSI of each copy, as the subscriber's, whatever the file holds now
}

// Subscriber is the EF_IMSI that belongs into a copy.
type Subscriber struct {
	Place string
	IMSI  [9]byte
	From  string // "file", or "applet": the file holds something else, the applet's backup was taken
}

// AsWanted tells that there is nothing to write.
func (p *Plan) AsWanted() bool { return len(p.Steps) == 0 }

// ConfiguredError is a card that carries another configuration already.
type ConfiguredError struct {
	Have, Want binding.Configuration
	Generation uint16
}

func (e *ConfiguredError) Error() string {
	return fmt.Sprintf("the card is personalized already: scheme %s, generation %d; other than wanted: %s",
		e.Have.Scheme, e.Generation, strings.Join(e.Want.Differences(e.Have), ", "))
}

// QuarantineError is a card whose state is neither what it was before a broken run nor what that run wanted.
type QuarantineError struct{ Reason string }

func (e *QuarantineError) Error() string { return "card in doubt: " + e.Reason }

// Plan reads the card and says what has to be done; wish is asked once the card's identity is known. It writes nothing to the card. The caller holds the lock of
// the card only from Apply on; Apply checks by the generation that nothing changed since.
func (r *Run) Plan(ctx context.Context, wish func(uicc.ICCID) (Wish, error)) (*Plan, error) {
	r.phase("read")
	p := &Plan{}
	f := &p.Facts
	if err := r.identify(ctx, f); err != nil {
		return nil, err
	}
	var err error
	if p.Wish, err = wish(f.ICCID); err != nil {
		return nil, err
	}
	if err := p.Wish.Expected.checkICCID(f.ICCID); err != nil {
		return nil, err
	}
	journal, err := r.openJournal(p)
	if err != nil {
		return nil, err
	}
	if f.Applet, err = SelectApplet(ctx, r.Card, r.AID); err != nil {
		return nil, err
	}
	if err := p.Wish.Configuration.Validate(&f.Applet.Info); err != nil {
		return nil, &UnfitError{Reason: "this applet cannot take the configuration", Err: err}
	}
	if f.Applet.State.Generation != 0 || p.InDoubt != nil {
		done, err := r.planConfigured(ctx, p, journal)
		if done || err != nil {
			return p, err
		}
	}
	return p, r.planFresh(ctx, p)
}

// Aside gives the *QuarantineError of a card that the journal of this station puts aside; nil: it does not.
func (r *Run) Aside(iccid uicc.ICCID) error {
	journal, err := r.Store.Journal(iccid.String())
	if err != nil || !journal.Quarantined() {
		return err
	}
	return &QuarantineError{Reason: journal.last().Reason}
}

// openJournal refuses a card in quarantine and remembers one in doubt.
func (r *Run) openJournal(p *Plan) (*Journal, error) {
	journal, err := r.Store.Journal(p.Facts.ICCID.String())
	if err != nil {
		return nil, err
	}
	if journal.Quarantined() {
		last := *journal.last()
		if p.Wish.Release == "" {
			return nil, &QuarantineError{Reason: last.Reason}
		}
		if err := journal.Add(r.conclude(&last, MarkAbandoned, "released by a person: "+p.Wish.Release)); err != nil {
			return nil, err
		}
	}
	p.InDoubt = journal.InDoubt()
	return journal, r.refusePlayed(journal, &p.Wish)
}

// planConfigured looks at a card that was configured before, or may have been: it compares through a session. done:
// the card is as wanted.
func (r *Run) planConfigured(ctx context.Context, p *Plan, journal *Journal) (done bool, err error) {
	if err := r.refuseIMSI(ctx, &p.Facts, p.Wish.Expected); err != nil {
		return false, err
	}
	s, applet, err := r.session(ctx, p.Facts.ICCID)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if err := readFull(ctx, s, applet); err != nil {
		return false, err
	}
	p.Facts.Applet, p.Before = applet, applet.Configuration
	if p.InDoubt != nil {
		if err := r.classify(p, journal); err != nil {
			return false, err
		}
	}
	if p.Before == nil {
		return false, nil
	}
	if p.Before.Equal(p.Wish.Configuration) && checkBackups(applet, nil) == nil {
		return true, r.checkIMSI(p, applet)
	}
	if !p.Before.Equal(p.Wish.Configuration) && !p.Wish.Reconfigure {
		return false, &ConfiguredError{Have: *p.Before, Want: p.Wish.Configuration, Generation: applet.State.Generation}
	}
	return false, nil
}

// classify tells how far a broken run came: as it wanted, as before, or neither. Neither is never rewritten.
func (r *Run) classify(p *Plan, journal *Journal) error {
	open, state := p.InDoubt, p.Facts.Applet.State
	if open.Verb == verbRestore { // it wrote EF_IMSI alone, and that is read and judged anew
		return journal.Add(r.conclude(open, MarkAbandoned, "a restore was broken off; EF_IMSI was read again"))
	}
	have := ""
	if p.Before != nil {
		have = p.Before.Hex()
	}
	switch {
	case have != "" && have == open.Wanted && checkBackups(p.Facts.Applet, nil) == nil:
		return journal.Add(r.conclude(open, MarkVerified, "found as intended by a later run"))
	case state.Generation == open.GenerationBefore && have == open.Before:
		return journal.Add(r.conclude(open, MarkAbandoned, "found untouched by a later run"))
	}
	reason := fmt.Sprintf("a run that began at %s was broken off, and the card (generation %d) is neither as before it (generation %d) nor as it wanted",
		open.Time.UTC().Format("2006-01-02 15:04:05Z"), state.Generation, open.GenerationBefore)
	if err := journal.Add(r.conclude(open, MarkQuarantine, reason)); err != nil {
		return err
	}
	return &QuarantineError{Reason: reason}
}

func (r *Run) conclude(open *Entry, mark Mark, reason string) Entry {
	e := *open
	e.Time, e.Mark, e.Reason, e.Tool = r.Now().UTC(), mark, reason, r.Tool
	return e
}

// planFresh reads the files and lists the steps.
func (r *Run) planFresh(ctx context.Context, p *Plan) error {
	applet := p.Facts.Applet
	r.phase("read files")
	if err := r.readFiles(ctx, &p.Facts); err != nil {
		return err
	}
	var err error
	if p.Subscriber, err = subscribers(&p.Facts); err != nil {
		return err
	}
	if err := r.checkIMSI(p, applet); err != nil {
		return err
	}
	denial := p.Wish.Configuration.Denial
	if i := slices.IndexFunc(p.Subscriber, func(s Subscriber) bool { return s.IMSI == denial }); i >= 0 {
		return &UnfitError{Reason: "the denial value is the IMSI of this card (" + p.Subscriber[i].Place + "): every terminal would be let in"}
	}
	p.Steps = []Step{StepBackup, StepSession, StepCardBackup}
	if p.Before == nil || !p.Before.Equal(p.Wish.Configuration) {
		p.Steps = append(p.Steps, StepConfigure)
	}
	p.Steps = append(p.Steps, StepReset, StepReadBack)
	return nil
}

// subscribers decides for each copy which nine bytes are the subscriber's: the file's, when they are plausible and not the
// denial value; else the applet's backup; else the card is refused.
func subscribers(f *Facts) ([]Subscriber, error) {
	if len(f.Copies) == 0 {
		if usim.Services(f.UST).Available(usim.ServiceNonIMSISUPI) {
			return nil, &UnfitError{Reason: "UST service 130 is available: this card has no EF_IMSI, and binding works by EF_IMSI"}
		}
		return nil, &UnfitError{Reason: "the card has no EF_IMSI"}
	}
	var out []Subscriber
	for _, c := range f.Copies {
		s, err := subscriber(c, f.Applet)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func subscriber(c Copy, applet *Applet) (Subscriber, error) {
	s := Subscriber{Place: c.Place, From: "file"}
	copy(s.IMSI[:], c.Content)
	err := usim.Plausible(s.IMSI)
	denied := applet.Configuration != nil && bytes.Equal(c.Content, applet.Configuration.Denial[:])
	if err == nil && !denied {
		return s, nil
	}
	if backup, ok := applet.backupOf(c.Place); ok {
		s.IMSI, s.From = backup, "applet"
		return s, nil
	}
	if denied {
		err = errors.New("it holds the denial value")
	}
	return s, &UnfitError{Reason: c.Place + " is no EF_IMSI that may be backed up", Err: err}
}

// backupOf gives the applet's backup of a copy, known through a session only.
func (a *Applet) backupOf(place string) ([9]byte, bool) {
	backup := a.State.BackupUSIM
	if place == PlaceGSM {
		backup = a.State.BackupGSM
	}
	if backup == nil {
		return [9]byte{}, false
	}
	return *backup, true
}

// refuseIMSI looks at EF_IMSI before a key is used, when a certain IMSI is expected: two commands more. What is not readable, or no
// IMSI at the moment because a terminal was denied, is left to checkIMSI.
func (r *Run) refuseIMSI(ctx context.Context, f *Facts, expected Expected) error {
	if expected.IMSI == "" {
		return nil
	}
	content, ok, err := r.visibleIMSI(ctx, f)
	if err != nil || !ok {
		return err
	}
	return expected.checkIMSI(content)
}

// requireIMSI is refuseIMSI for a run without keys, in which nothing later could tell: what is not readable is refused.
func (r *Run) requireIMSI(ctx context.Context, f *Facts, expected Expected) error {
	if expected.IMSI == "" {
		return nil
	}
	content, ok, err := r.visibleIMSI(ctx, f)
	if err != nil {
		return err
	}
	if !ok {
		return expected.unseenIMSI()
	}
	return expected.checkIMSI(content)
}

// visibleIMSI reads EF_IMSI of ADF.USIM as any terminal would; ok is false when it is not readable or no IMSI.
func (r *Run) visibleIMSI(ctx context.Context, f *Facts) (content [9]byte, ok bool, err error) {
	if err := r.selectUSIM(ctx, f); err != nil || f.USIM == nil {
		return content, false, err
	}
	raw, err := r.optional(ctx, usim.EFIMSI)
	if err != nil || len(raw) != usim.EFIMSI.Size {
		return content, false, err
	}
	content = [9]byte(raw)
	return content, usim.Plausible(content) == nil, nil
}

// checkIMSI holds the expected IMSI against every copy read, or against the applet's backups when no file was read.
func (r *Run) checkIMSI(p *Plan, applet *Applet) error {
	if p.Wish.Expected.IMSI == "" {
		return nil
	}
	have := p.Subscriber
	if have == nil {
		for _, place := range []string{PlaceUSIM, PlaceGSM} {
			if b, ok := applet.backupOf(place); ok {
				have = append(have, Subscriber{Place: place, IMSI: b})
			}
		}
	}
	for _, s := range have {
		if err := p.Wish.Expected.checkIMSI(s.IMSI); err != nil {
			return err
		}
	}
	return nil
}
