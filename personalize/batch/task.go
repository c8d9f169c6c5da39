package batch

import (
	"context"
	"errors"
	"time"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// task is the work on the card that is in a reader now.
type task struct {
	w     *worker
	b     *Bench
	slot  Slot
	began time.Time

	meter   *meter
	run     *personalize.Run
	iccid   string
	claim   *ledger.Claim // held by this task
	claimed time.Time
	open    bool // the claim was taken over and what the card holds is not known yet
	plan    *personalize.Plan
	after   *personalize.Applet
	told    int // phases that are in the ledger
	took    time.Duration
	waited  time.Duration

	class   class
	code    string
	reason  string
	verdict Verdict
	cause   error
}

// do works on the card, from its first contact to its conclusion in the ledger. The card has no power afterwards.
func (t *task) do(ctx context.Context) {
	err := t.work(ctx)
	t.took = t.b.now().Sub(t.began)
	t.judge(ctx, err)
}

func (t *task) work(ctx context.Context) error {
	card, err := t.w.readers.Connect(ctx, t.slot)
	if err != nil {
		return err
	}
	t.meter = &meter{Card: card, now: t.b.now}
	run := t.b.Run
	t.run = &run
	t.run.Card, t.run.Phase, t.run.Note = t.meter, t.phase, nil
	defer card.Close() //nolint:errcheck // a card that is gone has no power
	return t.personalize(ctx)
}

// release gives the card's lock back and wipes its keys, when the ledger has the last word on it.
func (t *task) release() {
	if t.run != nil {
		t.run.Close()
	}
}

func (t *task) phase(name string) {
	t.meter.begin(name)
	t.w.tell(Event{Kind: Progress, ICCID: t.iccid, Step: name})
}

func (t *task) personalize(ctx context.Context) error {
	var err error
	t.plan, err = t.run.Plan(ctx, func(id uicc.ICCID) (personalize.Wish, error) { return t.wish(ctx, id) })
	if err != nil {
		return err
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
	redo := t.b.redo(t.iccid)
	if redo != "" {
		wish.Release = redo
	}
	return wish, t.take(context.WithoutCancel(ctx), redo)
}

// take claims the card, or takes over a claim that nothing concluded: its own station's, or one that is free for all.
func (t *task) take(ctx context.Context, redo string) error {
	want := ledger.Want{Job: t.b.Order.Digest, ICCID: t.iccid, By: t.by(), Lease: t.b.Limits.Lease, Redo: redo}
	c, err := t.b.Ledger.Claim(ctx, want)
	t.claimed = t.b.now()
	if err == nil {
		t.claim = c
		t.b.redone(t.iccid)
		return nil
	}
	var taken *ledger.TakenError
	if !errors.As(err, &taken) || !t.mayTakeOver(taken.Holding) {
		return err
	}
	if c, err = t.b.Ledger.TakeOver(ctx, taken.Holding.Claim, want.By, want.Lease); err != nil {
		return err
	}
	t.claim, t.open = c, true
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
	if err := t.claim.Conclude(ctx, ledger.Untouched, found, t.events()...); err != nil {
		return err
	}
	t.claim = nil
	return t.take(ctx, "")
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
	events := t.events()
	if len(events) == 0 {
		return nil
	}
	return t.claim.Events(context.WithoutCancel(ctx), events...)
}

func (t *task) events() (out []ledger.Event) {
	for i, p := range t.meter.phases[t.told:] {
		next := t.b.now()
		if at := t.told + i + 1; at < len(t.meter.phases) {
			next = t.meter.phases[at].began
		}
		out = append(out, ledger.Event{Step: p.name, SW: p.last, Duration: next.Sub(p.began), APDUs: p.apdus})
	}
	t.told = len(t.meter.phases)
	return out
}
