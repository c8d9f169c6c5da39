package batch

import (
	"slices"
	"testing"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

func TestEveryCardOnce(t *testing.T) {
	r := newRig(t, 4, 24)
	result, err := r.work()
	if err != nil || result.End != Complete || result.Tally[Good] != 24 {
		t.Fatalf("%+v, %v", result, err)
	}
	r.proven()
	first, last := r.events[0], r.events[len(r.events)-1]
	if first.Kind != Started || last.Kind != Ended || last.Result.End != Complete {
		t.Errorf("events from %v to %v", first.Kind, last.Kind)
	}
}

// TestForeignCard: no key is used on a card the job does not name.
func TestForeignCard(t *testing.T) {
	r := newRig(t, 1, 2)
	r.pile = slices.Insert(r.pile, 1, mock.Chip(r.card(99)))
	result, err := r.work()
	if err != nil || !slices.Equal(r.verdicts(), []Verdict{Good, Foreign, Good}) {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}

// TestWrongKeys: the second card that the keys do not fit stops the batch, and no card is authenticated to.
func TestWrongKeys(t *testing.T) {
	r := newRig(t, 1, 4)
	r.bench.Run.Secrets = wrongSecrets
	result, err := r.work()
	if err == nil || result.End != Stopped || result.Code != "wrong_keys" {
		t.Fatalf("%+v, %v", result, err)
	}
	r.counts(ledger.Counts{Ordered: 4, Quarantined: 2, Untouched: 2})
	for i, c := range r.cards {
		if n := c.FailuresOf(0x30); n != 0 || r.generation(c) != 0 {
			t.Errorf("card %d: %d failed authentications", i, n)
		}
	}
}

// TestSameICCID: a second card with the number of one that was done is no good card.
func TestSameICCID(t *testing.T) {
	r := newRig(t, 1, 2)
	twin := r.card(0)
	r.pile = slices.Insert(r.pile, 1, mock.Chip(twin))
	result, err := r.work()
	if err != nil || !slices.Equal(r.verdicts(), []Verdict{Good, Quarantined, Good}) {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
	if g := r.generation(twin); g != 0 {
		t.Errorf("the twin was written %d times", g)
	}
}
