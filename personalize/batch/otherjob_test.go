package batch

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

// another is a bench with the same cards under another job.
func another(r *rig) *rig {
	r.t.Helper()
	newRigOf(r)
	r.bench.Order.Job.Digest, r.bench.Order.Job.Name = strings.Repeat("ab", 32), "april"
	r.bench.Limits.Idle = 300 * time.Millisecond
	return r
}

// TestGoodUnderAnotherJob: nobody is told to put a card among the good ones of a job that did not do it.
func TestGoodUnderAnotherJob(t *testing.T) {
	r := newRig(t, 1, 2)
	r.pile = r.pile[:1]
	r.bench.Limits.Idle = 300 * time.Millisecond
	if result, err := r.work(); err != nil || result.Tally[Good] != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	another(r).pile = []mock.Chip{r.cards[0], r.cards[1]}
	result, err := r.work()
	if err != nil || result.Tally[Foreign] != 1 || result.Tally[Good] != 1 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.counts(ledger.Counts{Ordered: 2, Good: 1, Untouched: 1, Elsewhere: 1})
	for _, e := range r.events {
		if e.Verdict == Foreign && (e.Code != "done_elsewhere" || !strings.Contains(e.Reason, "another job")) {
			t.Errorf("told: %+v", e)
		}
	}
}

// TestInDoubtUnderAnotherJob: a card of this very station that another job left in doubt names that job.
func TestInDoubtUnderAnotherJob(t *testing.T) {
	r := newRig(t, 1, 2)
	r.readers["Slot 1"].SetFaults(mock.Faults{LoseAt: 16})
	ctx, cancel := context.WithCancel(context.Background())
	r.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			cancel()
			return
		}
		r.replace(e)
	}
	_, _ = r.bench.Work(ctx)
	another(r)
	r.readers["Slot 1"].SetFaults(mock.Faults{})
	result, err := r.work()
	if err != nil || result.Tally[Elsewhere] != 1 || result.Tally[Good] != 1 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	for _, e := range r.events {
		if e.Verdict == Elsewhere && !strings.Contains(e.Reason, "under another job") {
			t.Errorf("told: %q", e.Reason)
		}
	}
}
