package batch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
)

// TestPutAsideSince: a card that is good in the ledger, and that another verb of this station put aside since, does not go to the good ones.
func TestPutAsideSince(t *testing.T) {
	first := newRig(t, 1, 2)
	first.pile, first.bench.Limits.Idle = first.pile[:1], 300*time.Millisecond
	if result, err := first.work(); err != nil || result.Tally[Good] != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	r := newRigOf(first)
	r.pile, r.bench.Limits.Idle = r.pile[:1], 300*time.Millisecond
	journal, err := r.bench.Run.Store.Journal(iccidOf(0))
	for _, mark := range []personalize.Mark{personalize.MarkIntent, personalize.MarkQuarantine} {
		if err == nil {
			err = journal.Add(personalize.Entry{Time: time.Now(), Mark: mark, Run: "x", Verb: "restore", ICCID: iccidOf(0), Reason: "it holds another IMSI"})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if result, err := r.work(); result.Tally[Quarantined] != 1 || result.Tally[AlreadyDone] != 0 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.counts(ledger.Counts{Ordered: 2, Good: 1, Untouched: 1})
	if !slices.ContainsFunc(r.events, func(e Event) bool { return e.Kind == Done && strings.Contains(e.Reason, "it holds another IMSI") }) {
		t.Error("nothing says why")
	}
}

// TestPlayedCard: a card on which a scenario was played and that was not put back may hold the scenario's IMSI. It is good neither because it was done
// before, nor does leave to do it again for another reason take that IMSI for the subscriber's.
func TestPlayedCard(t *testing.T) {
	for name, redo := range map[string]string{"done before": "", "done again": "bad contacts"} {
		t.Run(name, func(t *testing.T) {
			first := newRig(t, 1, 2)
			first.pile, first.bench.Limits.Idle = first.pile[:1], 300*time.Millisecond
			if result, err := first.work(); err != nil || result.Tally[Good] != 1 {
				t.Fatalf("%+v, %v", result, err)
			}
			r := newRigOf(first)
			r.pile = r.pile[:1]
			journal, err := r.bench.Run.Store.Journal(iccidOf(0))
			if err == nil {
				err = journal.Add(personalize.Entry{Time: time.Now(), Mark: personalize.MarkIntent, Run: "x", Verb: "terminal run", ICCID: iccidOf(0)})
			}
			if err != nil {
				t.Fatal(err)
			}
			r.bench.Limits.Idle = 300 * time.Millisecond
			if redo != "" {
				r.bench.Redo = map[string]string{iccidOf(0): redo}
			}
			before := r.generation(r.cards[0])
			if result, err := r.work(); result.Tally[Quarantined] != 1 || result.Tally[Good]+result.Tally[AlreadyDone] != 0 {
				t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
			}
			r.counts(ledger.Counts{Ordered: 2, Good: 1, Untouched: 1})
			if g := r.generation(r.cards[0]); g != before {
				t.Errorf("generation %d, was %d", g, before)
			}
			if journal, err = r.bench.Run.Store.Journal(iccidOf(0)); err != nil || journal.Played() == nil {
				t.Errorf("the journal forgot that it was played: %v", err)
			}
			if !slices.ContainsFunc(r.events, func(e Event) bool { return e.Kind == Done && strings.Contains(e.Reason, "a scenario was played") }) {
				t.Error("nothing says why")
			}
		})
	}
}
