package batch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/simbind/simbind/internal/meanwhile"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// task is the work on the card that is in a reader now.
type task struct {
	w     *worker
	b     *Bench
	slot  Slot
	began time.Time

	meter               *meter
	run                 *personalize.Run
	iccid               string
	claim               *ledger.Claim // held by this task
	claiming, recording func() error  // wait for what the ledger does while the card works; nil: nothing
	claimed             time.Time
	open                bool // the claim was taken over and what the card holds is not known yet
	plan                *personalize.Plan
	after               *personalize.Applet
	told                int // phases that are in the ledger
	took                time.Duration
	waited              time.Duration // of it, for reader and card

	class   class
	code    string
	reason  string
	notes   []string
	verdict Verdict
	cause   error
}

// do works on the card, from its first contact to its conclusion in the ledger. The card has no power afterwards.
func (t *task) do(ctx context.Context) {
	err := t.work(ctx)
	if failed := t.sure(); err == nil { // a claim that is still on its way is waited for, and concluded
		err = failed
	}
	t.judge(ctx, err)
	t.took = t.b.now().Sub(t.began)
}

func (t *task) work(ctx context.Context) error {
	card, err := t.w.readers.Connect(ctx, t.slot)
	t.waited = t.b.now().Sub(t.began) // power and reset
	if err != nil {
		return err
	}
	t.meter = &meter{Card: card, now: t.b.now}
	run := t.b.Run
	t.run = &run
	t.run.Card, t.run.Phase, t.run.Note, t.run.Secrets = t.meter, t.phase, t.noted, t.secrets
	t.run.Recorded = true // by the claim's conclusion
	err = t.personalize(ctx)
	closing := t.b.now()
	_ = card.Close() // a card that is gone has no power
	_, onCard := t.meter.cost()
	t.waited += onCard + t.b.now().Sub(closing)
	return err
}

// release gives the card's lock back and wipes its keys, when the ledger has the last word on it.
func (t *task) release() {
	if t.run != nil {
		t.run.Close()
	}
}

// secrets opens the keys of a card that is claimed, and of no other.
func (t *task) secrets(iccid string) (keys.Card, error) {
	if err := t.sure(); err != nil {
		return keys.Card{}, err
	}
	if t.b.Run.Secrets == nil {
		return keys.Card{}, personalize.ErrNoKeys
	}
	return t.b.Run.Secrets(iccid)
}

// phase begins a phase. What came before the proof goes into the ledger while the card proves itself.
func (t *task) phase(name string) {
	t.meter.begin(name)
	if name == "verify" && t.claim != nil {
		events := t.events(1)
		t.recording = meanwhile.Do(func() error { return t.claim.Events(context.Background(), events...) })
	}
	t.w.tell(Event{Kind: Progress, ICCID: t.iccid, Step: name})
}

// noted keeps what the run found worth a second look: a card whose memory wears out, another key version than was asked for.
func (t *task) noted(words string) {
	if len(t.notes) < maxNotes && !slices.Contains(t.notes, words) { // proof opens a second session, which may find the same
		t.notes = append(t.notes, words)
	}
}

// maxNotes bounds what one card may have to say.
const maxNotes = 16

func (t *task) personalize(ctx context.Context) error {
	var err error
	t.plan, err = t.run.Plan(ctx, func(id uicc.ICCID) (personalize.Wish, error) { return t.wish(ctx, id) })
	if failed := t.sure(); failed != nil {
		err = failed
	}
	if err != nil {
		return t.twin(ctx, err)
	}
	if err := t.settleDoubt(ctx); err != nil {
		return err
	}
	if err := t.renew(ctx); err != nil {
		return err
	}
	result, err := t.run.Apply(ctx, t.plan)
	t.after = result.Applet
	return err
}

// twin looks whether a card that was done by its ICCID was written at all: if not, it is another card with the same number.
func (t *task) twin(ctx context.Context, err error) error {
	var taken *ledger.TakenError
	if !errors.As(err, &taken) || taken.Holding.Outcome != ledger.Good {
		return err
	}
	a, failed := personalize.SelectApplet(ctx, t.meter, t.run.AID)
	switch {
	case failed != nil && !errors.Is(failed, personalize.ErrNoApplet):
		return failed
	case failed != nil || a.State.Generation == 0:
		return &TwinError{Done: taken.Holding}
	}
	return err
}

// wish looks the card up in the job and claims it, before a key is used.
func (t *task) wish(ctx context.Context, id uicc.ICCID) (personalize.Wish, error) {
	t.iccid = id.String()
	wish, ordered := t.b.Order.Wish(t.iccid)
	if !ordered {
		return wish, &ForeignError{ICCID: id.Short()}
	}
	if err := t.run.Hold(id); err != nil {
		return wish, err
	}
	// It may hold the EF_IMSI of a scenario: it is not good because it was done before, and a reason to do it again says nothing about that.
	if err := t.run.NotPlayed(id); err != nil {
		return wish, err
	}
	redo := t.b.redo(t.iccid)
	if redo != "" {
		wish.Release = redo
	}
	return wish, t.take(context.WithoutCancel(ctx), redo)
}

// take claims the card. One that nobody holds is claimed while it is read: no key is opened before the ledger has said yes.
func (t *task) take(ctx context.Context, redo string) error {
	if _, err := t.b.Ledger.Find(ctx, t.iccid); !errors.Is(err, ledger.ErrNoClaim) {
		return t.takeNow(ctx, redo)
	}
	t.claiming = meanwhile.Do(func() error { return t.takeNow(ctx, redo) })
	return nil
}

// sure waits for the claim.
func (t *task) sure() error {
	if t.claiming == nil {
		return nil
	}
	return t.claiming()
}

// takeNow claims the card, or takes over a claim that nothing concluded: its own station's, or one that is free for all.
func (t *task) takeNow(ctx context.Context, redo string) error {
	want := ledger.Want{Job: t.b.Order.Digest, ICCID: t.iccid, By: t.by(), Lease: t.b.Limits.Lease, Redo: redo}
	c, err := t.b.Ledger.Claim(ctx, want)
	t.claimed = t.b.now()
	if err == nil {
		t.claim = c
		t.b.redone(c)
		return nil
	}
	var taken *ledger.TakenError
	if !errors.As(err, &taken) || !t.mayTakeOver(taken.Holding) {
		return err
	}
	if c, err = t.b.Ledger.TakeOver(ctx, taken.Holding.Claim, want.By, want.Lease); err != nil {
		return err
	}
	t.claim, t.open = c, !t.b.waits(t.iccid, c.ID)
	t.b.redone(c)
	return nil
}

func (t *task) mayTakeOver(h ledger.CardState) bool {
	return h.Outcome == ledger.Underway && h.Holder == t.b.Order.Digest && (h.By.Station == t.b.By.Station || h.Expired)
}

func (t *task) by() ledger.Actor {
	by := t.b.By
	by.Reader = t.slot.Label
	return by
}

// settleDoubt says what the card of a broken run holds. One that is as before that run is free again, and claimed anew to be written.
func (t *task) settleDoubt(ctx context.Context) error {
	if !t.open {
		return nil
	}
	t.open = false
	if t.plan.AsWanted() {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	found := ledger.Event{Step: "classify", Code: "found_untouched", Note: "a run was broken off; the card was read and is as before"}
	if err := t.claim.Conclude(ctx, ledger.Untouched, found, t.events(0)...); err != nil {
		return err
	}
	t.claim, t.claiming = nil, nil
	return t.takeNow(ctx, "")
}

// renew asks the ledger once more whether the card is ours before the first write, when reading it took so long that somebody may have
// released it.
func (t *task) renew(ctx context.Context) error {
	if t.plan.AsWanted() || t.b.now().Sub(t.claimed) < renewAfter {
		return nil
	}
	return t.record(ctx)
}

// renewAfter is far below any lease.
const renewAfter = 5 * time.Second

// record puts the phases since the last call into the ledger, durable when it returns.
func (t *task) record(ctx context.Context) error {
	return t.claim.Events(context.WithoutCancel(ctx), t.events(0)...)
}

// events are the phases that the ledger has not got yet, but for the last ones.
func (t *task) events(but int) (out []ledger.Event) {
	phases := t.meter.phases[:max(len(t.meter.phases)-but, t.told)]
	for i := t.told; i < len(phases); i++ {
		end := t.b.now()
		if i+1 < len(t.meter.phases) {
			end = t.meter.phases[i+1].began
		}
		p := phases[i]
		out = append(out, ledger.Event{Step: p.name, SW: p.last, Duration: end.Sub(p.began), APDUs: p.apdus})
	}
	t.told = len(phases)
	return out
}
