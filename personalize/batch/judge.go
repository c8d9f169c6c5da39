package batch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// codeInterrupted is a card that was left because the person ended the batch.
const codeInterrupted = "interrupted"

// judge says what becomes of the card, and concludes its claim.
func (t *task) judge(ctx context.Context, err error) {
	defer t.release()
	t.cause = err
	outcome := t.decide(ctx, err)
	if err := t.enter(context.WithoutCancel(ctx), outcome); err != nil {
		t.unconcluded(err)
	}
}

// enter writes into the ledger what became of the card: its conclusion, the steps of a claim that stays open, or a remark.
func (t *task) enter(ctx context.Context, o ledger.Outcome) error {
	if t.recording != nil {
		if err := t.recording(); err != nil {
			return err
		}
	}
	switch {
	case t.claim == nil:
		return t.remark(ctx)
	case o == ledger.Underway:
		return t.record(ctx)
	}
	return t.conclude(ctx, o)
}

// decide fills in class, verdict and words, and gives the outcome of the claim: Underway when it stays open.
func (t *task) decide(ctx context.Context, err error) ledger.Outcome {
	if err == nil {
		t.verdict = Good
		return ledger.Good
	}
	t.reason = oneLine(err)
	var doubtful *personalize.InDoubtError
	if ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.As(err, &doubtful) {
		t.class, t.code, t.reason = refuse, codeInterrupted, "interrupted before anything was written"
		return t.leave(Left)
	}
	t.class, t.code = classify(err)
	return t.byClass(err)
}

// oneLine keeps several things that went wrong in the line that a card has in the view.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (t *task) byClass(err error) ledger.Outcome {
	switch t.class {
	case foreign:
		t.verdict = Foreign
	case elsewhere, lost:
		t.verdict, t.claim = Elsewhere, nil
		if h := t.taken(err); h.Holder != "" && h.Holder != t.b.Order.Digest {
			t.reason += fmt.Sprintf(", under another job (%.8s), which reads it first", h.Holder)
		}
	case before:
		t.before(err)
	case reseat:
		return t.again(Reseat, ledger.Rejected)
	case doubt:
		t.open = true
		return t.again(Doubt, ledger.Quarantined)
	case busy:
		return t.leave(Reseat)
	case refuse, stop:
		return t.leave(Left)
	default:
		t.verdict = Quarantined
		return ledger.Quarantined
	}
	return ledger.Underway
}

// leave frees the claim of a card that nothing was written to. One whose state nobody knows stays in doubt.
func (t *task) leave(v Verdict) ledger.Outcome {
	t.verdict = v
	if t.open {
		t.verdict = Doubt
		return ledger.Underway
	}
	if a := t.b.doneBefore(t.iccid); a != nil {
		return t.asItWas(a)
	}
	return ledger.Untouched
}

// again lets a card be put in once more, within the limit; then it goes into the bin, or aside when it may have been written.
func (t *task) again(v Verdict, otherwise ledger.Outcome) ledger.Outcome {
	if t.open {
		v, otherwise = Doubt, ledger.Quarantined
	}
	if t.claim == nil || t.b.reseat(t.iccid) < t.b.Limits.Reseats {
		return t.leave(v)
	}
	t.verdict = Rejected
	if otherwise == ledger.Quarantined {
		t.verdict = Quarantined
	}
	return otherwise
}

// before tells a card that needs nothing from one that was put aside or into the bin, and from one that is good, but as another job wanted it.
func (t *task) before(err error) {
	h := t.taken(err)
	switch {
	case h.Outcome == ledger.Good && h.Holder == t.b.Order.Digest:
		t.wasGood()
		return
	case h.Outcome == ledger.Good:
		t.verdict, t.code = Foreign, "done_elsewhere"
		t.reason += fmt.Sprintf(", under another job (%.8s)", h.Holder)
		return
	}
	t.verdict, t.code = FailedBefore, h.Code
	if h.Note != "" {
		t.reason += ": " + h.Note
	}
}

// wasGood: the card is good, unless another verb of this station has put it aside since.
func (t *task) wasGood() {
	t.verdict = AlreadyDone
	if aside := t.run.Aside(uicc.ICCID(t.iccid)); aside != nil {
		t.verdict, t.code = Quarantined, "quarantine"
		t.reason += ", and " + aside.Error()
	}
}

// taken is the claim that a refusal tells of; empty: it tells of none.
func (t *task) taken(err error) ledger.CardState {
	var taken *ledger.TakenError
	if errors.As(err, &taken) {
		return taken.Holding
	}
	return ledger.CardState{}
}

// conclude writes the steps and the outcome into the ledger.
func (t *task) conclude(ctx context.Context, o ledger.Outcome) error {
	apdus, _ := t.meter.cost()
	return t.claim.Conclude(ctx, o, ledger.Event{
		Step: "conclude", Code: t.code, Note: t.words(), Duration: t.b.now().Sub(t.began), APDUs: apdus, SW: statusWord(t.cause),
		Before: t.contentBefore(), After: t.contentAfter(), Hidden: t.hidden(),
	}, t.events(0)...)
}

// words are what the ledger keeps in clear: why it ended so, and what was worth a second look.
func (t *task) words() string {
	if t.reason == "" {
		return strings.Join(t.notes, "; ")
	}
	return strings.Join(append([]string{t.reason}, t.notes...), "; ")
}

// unconcluded is a card whose end the ledger does not have: it is read again by a later run, whatever it holds.
func (t *task) unconcluded(err error) {
	t.cause, t.reason = err, oneLine(err)
	t.class, t.code = classify(err)
	t.verdict = Doubt
	if t.class == lost {
		t.verdict = Elsewhere
	} else {
		t.class = stop
	}
}
