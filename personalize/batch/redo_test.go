package batch

import (
	"context"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
)

// aside is a bench whose only card was put aside by wrong keys.
func aside(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, 1, 1)
	r.bench.Run.Secrets = wrongSecrets
	r.bench.Limits.Idle = 300 * time.Millisecond
	_, _ = r.work()
	r.counts(ledger.Counts{Ordered: 1, Quarantined: 1})
	again := newRigOf(r)
	again.bench.Limits.Idle = 300 * time.Millisecond
	again.bench.Redo = map[string]string{iccidOf(0): "the key file was that of another order"}
	return again
}

// TestRedoThatDidNothing: a card that was to be done again and was left stays what it was: put aside.
func TestRedoThatDidNothing(t *testing.T) {
	r := aside(t)
	r.bench.Run.Secrets = func(string) (keys.Card, error) { return keys.Card{}, personalize.ErrNoKeys }
	if result, err := r.work(); err != nil || result.Tally[Left] != 1 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.counts(ledger.Counts{Ordered: 1, Quarantined: 1})
	if result, err := newRigOf(r).work(); err != nil || result.End != Complete {
		t.Errorf("without leave: %v, %+v, %v", r.verdicts(), result, err)
	}
	if g := r.generation(r.cards[0]); g != 0 {
		t.Errorf("written %d times", g)
	}
}

// TestRedoWithBadContact: what was to be done again and had a bad contact is put in again, by the same leave.
func TestRedoWithBadContact(t *testing.T) {
	r := aside(t)
	r.readers["Slot 1"].SetFaults(mock.Faults{RemoveAt: 9})
	r.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			r.readers["Slot 1"].SetFaults(mock.Faults{})
			if e.Verdict == Reseat {
				r.counts(ledger.Counts{Ordered: 1, Open: 1})
			}
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || result.Tally[Reseat] != 1 || result.Tally[Good] != 1 || result.End != Complete {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}

// TestRedoOfACardInDoubt: leave for a card that is in doubt is used up when the card is read, and the batch ends.
func TestRedoOfACardInDoubt(t *testing.T) {
	for _, n := range []int{16, 17, 18} { // found as before, and found as wanted
		redoInDoubt(t, n)
	}
}

func redoInDoubt(t *testing.T, n int) {
	r := newRig(t, 1, 1)
	r.readers["Slot 1"].SetFaults(mock.Faults{LoseAt: n})
	ctx, cancel := context.WithCancel(context.Background())
	r.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			cancel()
			return
		}
		r.replace(e)
	}
	_, _ = r.bench.Work(ctx)
	r.counts(ledger.Counts{Ordered: 1, Open: 1})
	newRigOf(r).bench.Redo = map[string]string{iccidOf(0): "it broke off"}
	r.bench.Limits.Idle = 5 * time.Second
	r.readers["Slot 1"].SetFaults(mock.Faults{})
	result, err := r.work()
	if err != nil || result.Tally[Good] != 1 || result.End != Complete {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}
