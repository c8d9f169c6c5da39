package batch

import (
	"context"
	"testing"
)

// askingTwice is a service that holds every list against the caller's condition more than once, as PC/SC's does when something changed.
type askingTwice struct{ Readers }

func (s askingTwice) Wait(ctx context.Context, done func([]Slot) bool) ([]Slot, error) {
	return s.Readers.Wait(ctx, func(slots []Slot) bool {
		done(slots)
		return done(slots)
	})
}

// TestReadersAreAskedTwice: a reader that is plugged in later is served, however often the service asks whether it is looked for.
func TestReadersAreAskedTwice(t *testing.T) {
	r := newRig(t, 0, 2)
	open := r.bench.Readers
	r.bench.Readers = func() (Readers, error) {
		inner, err := open()
		return askingTwice{inner}, err
	}
	r.handles = func(r *rig, e Event) {
		if e.Kind == Started {
			go r.later(func() { r.readers["First"] = r.service.AddReader("First") })
		}
		r.replace(e)
	}
	if result, err := r.work(); err != nil || result.Tally[Good] != 2 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}
