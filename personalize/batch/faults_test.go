package batch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

// TestPulledAnywhere: a card that is pulled at any command, and put in again, is written once. After it was pulled too often it is not good, but
// nothing of it is written twice either.
func TestPulledAnywhere(t *testing.T) {
	for _, lose := range []bool{false, true} {
		for n := 1; n <= 30; n++ {
			r := newRig(t, 1, 1)
			f := mock.Faults{RemoveAt: n}
			if lose {
				f = mock.Faults{LoseAt: n}
			}
			r.readers["Slot 1"].SetFaults(f)
			r.handles = func(r *rig, e Event) {
				if e.Kind == Done {
					r.readers["Slot 1"].SetFaults(mock.Faults{})
				}
				r.replace(e)
			}
			result, err := r.work()
			if err != nil || result.End != Complete {
				t.Fatalf("pulled at %d: %v, %+v, %v", n, r.verdicts(), result, err)
			}
			r.proven()
			if f := r.cards[0].FailuresOf(r.cards[0].Image().Domain.Keys[0].KVN); f != 0 {
				t.Errorf("pulled at %d: %d failed authentications", n, f)
			}
		}
	}
}

// TestBadContact: within the limit a card is put in again, then it goes into the bin; the others are done all the same.
func TestBadContact(t *testing.T) {
	r := newRig(t, 2, 6)
	bad := r.cards[0]
	r.handles = func(r *rig, e Event) {
		if e.Kind == Progress { // whichever reader it is in
			return
		}
		r.replace(e)
		for name, reader := range r.readers {
			reader.SetFaults(mock.Faults{})
			if r.in[name] == mock.Chip(bad) {
				reader.SetFaults(mock.Faults{RemoveAt: 4})
			}
		}
	}
	result, err := r.work()
	if err != nil || result.Tally[Reseat] != 2 || result.Tally[Rejected] != 1 || result.Tally[Good] != 5 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.counts(ledger.Counts{Ordered: 6, Good: 5, Rejected: 1})
	if g := r.generation(bad); g != 0 {
		t.Errorf("the card in the bin was written %d times", g)
	}
}

// TestBrokenReader: one that never powers a card stops nobody, and is looked at ever more rarely.
func TestBrokenReader(t *testing.T) {
	r := newRig(t, 3, 12)
	r.readers["Slot 2"].SetFaults(mock.Faults{Mute: true})
	tries := 0
	r.handles = func(r *rig, e Event) {
		if e.Slot == "Slot 2" && e.Kind == Done {
			if tries++; tries == 3 { // the operator takes the card to another reader
				r.pile = append(r.pile, r.in["Slot 2"])
				r.readers["Slot 2"].Remove()
				return
			}
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || result.Tally[Good] != 12 || tries > 3 {
		t.Fatalf("%d tries, %+v, %v", tries, result, err)
	}
	r.proven()
}

// TestFailuresInARow: five cards that fail one after the other stop the batch; a good one in between begins anew.
func TestFailuresInARow(t *testing.T) {
	r := newRig(t, 1, 12)
	r.pile = nil
	for i := range 12 {
		if i == 4 {
			r.pile = append(r.pile, mock.Chip(r.cards[0]))
			continue
		}
		r.pile = append(r.pile, mock.Chip(r.card(100+i)))
	}
	result, err := r.work()
	var stopped *StopError
	if !errors.As(err, &stopped) || result.Code != "failures_in_a_row" || result.Tally[Foreign] != 9 || result.Tally[Good] != 1 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
}

// TestLeftInTheReader: a card that was done is not sent a command while it stays, and is told done when it comes back.
func TestLeftInTheReader(t *testing.T) {
	r := newRig(t, 1, 2)
	first := r.cards[0]
	var commands []int
	r.bench.Limits.Idle = time.Second
	r.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			commands = append(commands, first.Counters().Commands)
			if len(commands) == 1 {
				go r.later(func() { r.insert("Slot 1", first) })
			}
			return
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || result.End != Idle || !slices.Equal(r.verdicts(), []Verdict{Good, AlreadyDone}) {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	if n := commands[1] - commands[0]; n > 2 {
		t.Errorf("%d commands to a card that is done", n)
	}
	if n := first.Counters().Commands; n != commands[1] {
		t.Errorf("%d commands to a card that only lay there", n-commands[1])
	}
}

// TestDeadRun: cards that a run left half written are read by the next one and concluded.
func TestDeadRun(t *testing.T) {
	for n := 9; n <= 20; n++ {
		r := newRig(t, 1, 2)
		r.readers["Slot 1"].SetFaults(mock.Faults{LoseAt: n})
		ctx, cancel := context.WithCancel(context.Background())
		r.handles = func(r *rig, e Event) {
			if e.Kind == Done {
				cancel() // the run is over before the card is put in again
				return
			}
			r.replace(e)
		}
		if result, err := r.bench.Work(ctx); err == nil || result.End != Interrupted {
			t.Fatalf("cut at %d: %+v, %v", n, result, err)
		}
		r.renew()
		r.pile = []mock.Chip{r.cards[1], r.cards[0]}
		r.in = map[string]mock.Chip{}
		r.readers["Slot 1"].SetFaults(mock.Faults{})
		r.handles = nil
		result, err := r.work()
		if err != nil || result.End != Complete {
			t.Fatalf("cut at %d: %v, %+v, %v", n, r.verdicts(), result, err)
		}
		r.proven()
	}
}

// TestInterrupt: whatever is being written is finished first.
func TestInterrupt(t *testing.T) {
	r := newRig(t, 4, 12)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.handles = func(r *rig, e Event) {
		if e.Step == "write" {
			cancel()
		}
		r.replace(e)
	}
	result, err := r.bench.Work(ctx)
	if !errors.Is(err, context.Canceled) || result.End != Interrupted || result.Tally[Good] == 0 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	if result.Counts.Open != 0 || result.Counts.Good != result.Tally[Good] || result.Counts.Quarantined != 0 {
		t.Errorf("after the interrupt: %+v", result.Counts)
	}
	r.renew()
	r.pile, r.in, r.handles = nil, map[string]mock.Chip{}, nil
	for _, c := range r.cards {
		r.pile = append(r.pile, c)
	}
	if result, err := r.work(); err != nil || result.Tally[AlreadyDone] == 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	r.proven()
}

// TestUnpluggedReader: a reader that is pulled while it writes, and comes back, goes on.
func TestUnpluggedReader(t *testing.T) {
	r := newRig(t, 2, 8)
	pulled := false
	r.handles = func(r *rig, e Event) {
		if e.Step == "write" && !pulled {
			pulled = true
			card := r.in[e.Slot]
			r.service.RemoveReader(r.readers[e.Slot])
			r.pile = append(r.pile, card)
			r.in[e.Slot] = nil
			go r.later(func() { r.readers[e.Slot] = r.service.AddReader(e.Slot) })
			return
		}
		if e.Kind == Done && r.in[e.Slot] == nil {
			return
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || !pulled || result.Tally[Doubt] != 1 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}

// TestPluggedInLater: the bench begins without a reader, and serves each that comes.
func TestPluggedInLater(t *testing.T) {
	r := newRig(t, 0, 6)
	second := false
	plug := func(name string) {
		go r.later(func() { r.readers[name] = r.service.AddReader(name) })
	}
	r.handles = func(r *rig, e Event) {
		if e.Kind == Started {
			plug("First")
		}
		if e.Kind == Done && !second {
			second = true
			plug("Second")
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || result.Tally[Good] != 6 || len(r.readers) != 2 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}

// TestNoService: readers that cannot be reached are asked for again, ever more rarely, until they can.
func TestNoService(t *testing.T) {
	r := newRig(t, 1, 2)
	asked := 0
	reach := r.bench.Readers
	r.bench.Readers = func() (Readers, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if asked++; asked < 6 {
			return nil, errors.New("no service")
		}
		return reach()
	}
	result, err := r.work()
	if err != nil || result.Tally[Good] != 2 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	failing := 0
	for _, e := range r.events {
		if e.Step == "failing" {
			failing++
		}
	}
	if failing != 5 {
		t.Errorf("told %d times", failing)
	}
}

// TestSwapped: a card taken out while it is written, and another one put in its place.
func TestSwapped(t *testing.T) {
	r := newRig(t, 2, 8)
	swapped := map[string]bool{}
	r.handles = func(r *rig, e Event) {
		if e.Step == "write" && !swapped[e.ICCID] && len(r.pile) > 0 {
			swapped[e.ICCID] = true
			r.pile = append(r.pile, r.in[e.Slot])
			r.next(e.Slot)
			return
		}
		if e.Kind == Done && e.Verdict == Doubt { // its reader holds the next card already
			return
		}
		r.replace(e)
	}
	result, err := r.work()
	if err != nil || len(swapped) < 2 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}

// TestBusyReader: another program's use is waited for, within the limit.
func TestBusyReader(t *testing.T) {
	r := newRig(t, 1, 2)
	r.readers["Slot 1"].SetFaults(mock.Faults{Busy: 3})
	result, err := r.work()
	if err != nil || !slices.Equal(r.verdicts(), []Verdict{Good, Good}) {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}
