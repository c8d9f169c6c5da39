package batch

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// beginningAnew is a service that is lost once, and counts every reader from the start when it is back.
type beginningAnew struct {
	Readers
	lost *atomic.Bool
}

func (s beginningAnew) Wait(ctx context.Context, done func([]Slot) bool) ([]Slot, error) {
	if s.lost.CompareAndSwap(true, false) {
		return nil, errors.New("the service is gone")
	}
	return s.Readers.Wait(ctx, func(slots []Slot) bool {
		for i := range slots {
			slots[i].Events = 1
		}
		return done(slots)
	})
}

// TestServiceBeginsAnew: a card that was put in while the service was away is looked at, though it shows the number of the one before.
func TestServiceBeginsAnew(t *testing.T) {
	r := newRig(t, 1, 2)
	var lost atomic.Bool
	open := r.bench.Readers
	r.bench.Readers = func() (Readers, error) {
		inner, err := open()
		return beginningAnew{inner, &lost}, err
	}
	r.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			lost.Store(true)
		}
		r.replace(e)
	}
	r.bench.Limits.Idle = 5 * time.Second
	if result, err := r.work(); err != nil || result.End != Complete || result.Tally[Good] != 2 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
}
