package personalize

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
)

// A scenario that is played on a card may store configurations and write EF_IMSI: from its INTENT until the journal says that the card was put
// back, EF_IMSI may be the scenario's, and no other verb may take it for the subscriber's.

// Play is a card on which a scenario may change what it likes.
type Play struct {
	Backup  Backup // as the card was
	File    string // of the backup; empty: the card has no EF_IMSI
	journal *Journal
	intent  Entry
}

// PlayedError is a card on which a scenario was played and that was not put back.
type PlayedError struct {
	Since  time.Time
	Backup string // file; empty: the card has no EF_IMSI
}

// Open is the refusal of the card until it is put back.
func (p *Play) Open() *PlayedError { return &PlayedError{Since: p.intent.Time, Backup: p.File} }

func (e *PlayedError) Error() string {
	return fmt.Sprintf("a scenario was played on this card at %s and nothing was put back: EF_IMSI and the configuration may be the scenario's",
		e.Since.UTC().Format("2006-01-02 15:04:05Z"))
}

// Unwrap: such a card is put aside like any whose state nobody knows.
func (e *PlayedError) Unwrap() error { return &QuarantineError{Reason: "a scenario was played"} }

// notPlayed refuses a card on which a scenario was played with *PlayedError.
func (r *Run) notPlayed(iccid uicc.ICCID) error {
	if r.Store == nil {
		return nil
	}
	journal, err := r.Store.Journal(iccid.String())
	if err != nil {
		return err
	}
	return r.refusePlayed(journal, &Wish{})
}

// refusePlayed refuses a card on which a scenario was played, unless it is put back now, or a person releases it.
func (r *Run) refusePlayed(journal *Journal, w *Wish) error {
	open := journal.Played()
	switch {
	case open == nil || w.putBack:
		return nil
	case w.Release == "":
		return &PlayedError{Since: open.Time, Backup: open.Backup}
	}
	return journal.Add(r.conclude(open, MarkAbandoned, "released by a person: "+w.Release))
}

// Reset resets the card; PIN1 has to be presented again then.
func (r *Run) Reset(ctx context.Context, cold bool) error {
	r.pinDone = false
	return r.Card.Reset(ctx, cold)
}

// Codes gives PIN1 and ADM1 of the card as they are at hand; zero: it is not.
func (r *Run) Codes(iccid uicc.ICCID) (pin1, adm1 secret.Bytes, err error) {
	s, err := r.keysFor(iccid)
	if errors.Is(err, ErrNoKeys) {
		return secret.Bytes{}, secret.Bytes{}, nil
	}
	if err != nil {
		return secret.Bytes{}, secret.Bytes{}, err
	}
	return s.PIN1, s.ADM1, nil
}

// NotPlayed refuses a card on which a scenario was played and that was not put back: *PlayedError.
func (r *Run) NotPlayed(iccid uicc.ICCID) error { return r.notPlayed(iccid) }

// BeginPlay saves EF_IMSI and the configuration, locks the card for this station until Close, and announces in the journal that
// a scenario is played. The card is reset before. Without keys the configuration is not known and cannot be
// changed; EF_IMSI has to show the subscriber then.
func (r *Run) BeginPlay(ctx context.Context, iccid uicc.ICCID, keyed bool) (*Play, error) {
	if err := r.Hold(iccid); err != nil {
		return nil, err
	}
	if err := r.refuseDoubt(iccid); err != nil {
		return nil, err
	}
	if err := r.Reset(ctx, false); err != nil {
		return nil, err
	}
	b, facts, err := r.Save(ctx, Expected{ICCID: iccid.String()}, keyed)
	if errors.As(err, new(*UnfitError)) && len(facts.Copies) == 0 && facts.Applet != nil {
		b, err = r.backup(&Plan{Facts: facts}), nil
	}
	if err != nil {
		return nil, err
	}
	if facts.Applet == nil {
		return nil, ErrNoApplet
	}
	if s := facts.Applet.State; !keyed && s.Backups != 0 && s.Files != binding.FilesBackup {
		return nil, &UnfitError{Reason: "EF_IMSI is not the subscriber's now, and without keys nobody knows that one: nothing could be put back"}
	}
	return r.announcePlay(b, facts.Applet)
}

// refuseDoubt: a card of which nobody knows what it should be cannot be put back.
func (r *Run) refuseDoubt(iccid uicc.ICCID) error {
	journal, err := r.Store.Journal(iccid.String())
	switch {
	case err != nil:
		return err
	case journal.Quarantined():
		return &QuarantineError{Reason: journal.last().Reason}
	case journal.InDoubt() != nil:
		return &QuarantineError{Reason: "a " + journal.InDoubt().Verb + " was broken off on this card: run it again first"}
	}
	return nil
}

func (r *Run) announcePlay(b Backup, applet *Applet) (*Play, error) {
	p := &Play{Backup: b}
	var err error
	if len(b.Copies) > 0 {
		if p.File, err = r.Store.SaveBackup(b, r.Backups...); err != nil {
			return nil, err
		}
		if p.File, err = filepath.Abs(p.File); err != nil { // the card may be put back from another folder
			return nil, err
		}
	}
	if p.journal, err = r.Store.Journal(b.ICCID); err != nil {
		return nil, err
	}
	p.intent = Entry{
		Time: r.Now().UTC(), Mark: MarkIntent, Run: r.runID(), Verb: verbPlay, Tool: r.Tool, ICCID: b.ICCID, Backup: p.File,
		GenerationBefore: applet.State.Generation,
	}
	if applet.Configuration != nil {
		p.intent.Before = applet.Configuration.Hex()
	}
	return p, p.journal.Add(p.intent)
}

// Broken gives the play of a card that was broken off; nil when there is none. open opens a backup file.
func (r *Run) Broken(iccid uicc.ICCID, open func(file string) (Backup, error)) (*Play, error) {
	journal, err := r.Store.Journal(iccid.String())
	if err != nil {
		return nil, err
	}
	e := journal.Played()
	if e == nil {
		return nil, nil
	}
	p := &Play{File: e.Backup, journal: journal, intent: *e}
	if e.Backup == "" {
		p.Backup = Backup{ICCID: e.ICCID, Generation: e.GenerationBefore, Applet: &BackupState{Configuration: e.Before}}
		return p, nil
	}
	if p.Backup, err = open(e.Backup); err != nil {
		return nil, err
	}
	return p, (Expected{ICCID: p.Backup.ICCID}).checkICCID(iccid)
}

// Keyed tells whether the card was read with keys, its configuration too: it is put back with keys alone.
func (p *Play) Keyed() bool {
	was, err := p.Backup.applet()
	return p.intent.Before != "" || err == nil && was.state != nil && (was.state.BackupUSIM != nil || was.state.BackupGSM != nil)
}
