package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxWorkers bounds the readers of one bench: a reader that comes back under ever new names ends there.
const maxWorkers = 128

// supervise starts a worker for every reader that shows up, and waits for all of them.
func (b *Bench) supervise(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { b.watchEnd(ctx) })
	for p := b.pause(); ctx.Err() == nil; {
		err := b.watch(ctx, &all, &p)
		if err != nil && ctx.Err() == nil {
			b.tell(Event{Kind: Reader, Step: "failing", Code: "no_readers", Reason: err.Error()})
			p.sleep(ctx)
		}
	}
}

// watch looks for readers until the service fails.
func (b *Bench) watch(ctx context.Context, all *sync.WaitGroup, p *pause) error {
	readers, err := b.Readers()
	if err != nil {
		return err
	}
	defer readers.Close()
	for {
		slots, err := readers.Wait(ctx, func(slots []Slot) bool { return slices.ContainsFunc(slots, b.unserved) })
		if err != nil {
			return err
		}
		p.reset()
		for _, s := range slots {
			if !b.serves(s) {
				continue
			}
			w := &worker{b: b, slot: s, handled: -1, pause: b.pause()}
			all.Go(func() { w.work(ctx) })
		}
	}
}

// unserved tells whether a reader is the bench's and no worker has it yet. It may be asked more than once about a list.
func (b *Bench) unserved(s Slot) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.workers[s.Name] && len(b.workers) < maxWorkers && (b.Use == nil || b.Use(s))
}

// serves notes that a reader gets a worker; false: it has one, or gets none.
func (b *Bench) serves(s Slot) bool {
	if !b.unserved(s) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.workers[s.Name] = true
	return true
}

// watchEnd ends the batch when other stations did the rest, or no card came for too long.
func (b *Bench) watchEnd(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		quiet := b.quiet()
		if b.Limits.Idle > 0 && quiet >= b.Limits.Idle {
			b.end(errIdle)
		}
		if quiet >= recountAfter && b.rested() {
			b.recount(ctx)
		}
	}
}

// active counts the readers whose card is being worked on, hooks included.
func (b *Bench) active(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.working += n
	b.last = b.now()
}

// quiet is how long nobody has had anything to do.
func (b *Bench) quiet() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.working > 0 {
		return 0
	}
	return b.now().Sub(b.last)
}

const (
	watchEvery   = 200 * time.Millisecond
	recountAfter = 3 * time.Second
)

// rested tells whether the ledger may be asked again.
func (b *Bench) rested() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().After(b.resume)
}

// recount asks the ledger again, but not more often than a tenth of the time lets it, and ends the batch when all is done.
func (b *Bench) recount(ctx context.Context) {
	began := b.now()
	taken, err := b.count(context.WithoutCancel(ctx))
	if err != nil {
		b.halt("ledger_unreachable", err)
		return
	}
	if !taken {
		return
	}
	b.mu.Lock()
	b.resume = b.now().Add(10 * b.now().Sub(began))
	over := b.left <= 0 && len(b.Redo) == 0
	b.mu.Unlock()
	if over {
		b.end(errComplete)
	}
}

// worker serves one reader for as long as the batch lasts, also while the reader is unplugged.
type worker struct {
	b       *Bench
	slot    Slot
	readers Readers
	there   bool
	handled int // Events of the slot when its card was done with; -1: look at any card
	pause   pause
}

func (w *worker) work(ctx context.Context) {
	defer w.close()
	for ctx.Err() == nil {
		err := w.turn(ctx)
		if errors.Is(err, errNoMore) {
			w.b.retire()
			return
		}
		if err != nil && ctx.Err() == nil {
			w.close()
			w.handled = -1 // a service that begins anew counts anew: the next card may show the number of the last one
			w.tell(Event{Kind: Reader, Step: "failing", Code: "reader", Reason: err.Error()})
			w.pause.sleep(ctx)
		}
	}
}

func (w *worker) close() {
	if w.readers != nil {
		_ = w.readers.Close() // nothing is lost with it
		w.readers = nil
	}
}

func (w *worker) tell(e Event) {
	e.Slot = w.slot.Label
	w.b.tell(e)
}

// turn is one card: fetched, waited for, worked on. A contact that failed makes the next turn wait, so that a reader that flickers
// never spins.
func (w *worker) turn(ctx context.Context) error {
	if w.readers == nil {
		var err error
		if w.readers, err = w.b.Readers(); err != nil {
			return err
		}
	}
	s, err := w.next(ctx)
	if err != nil {
		return err
	}
	w.b.active(1)
	verdict := w.serve(ctx, s)
	w.b.active(-1)
	w.handled = int(s.Events)
	if verdict == Reseat || verdict == Doubt {
		w.pause.sleep(ctx)
	} else {
		w.pause.reset()
	}
	return nil
}

// next waits for a card that was not worked on yet.
func (w *worker) next(ctx context.Context) (Slot, error) {
	var found Slot
	fetch := w.b.Hooks.Get != nil
	for {
		_, err := w.readers.Wait(ctx, func(slots []Slot) bool {
			found = w.find(slots)
			return found.Present && int(found.Events) != w.handled || fetch && found.Name != "" && !found.Present
		})
		if err != nil || found.Present {
			return found, err
		}
		fetch = false
		if err := w.b.fetch(ctx, found.Label); err != nil {
			return found, err
		}
	}
}

// find looks for the worker's reader, and tells when it came or went. Without a card in it every card is a new one.
func (w *worker) find(slots []Slot) (found Slot) {
	for _, s := range slots {
		if s.Name == w.slot.Name {
			found = s
		}
	}
	if there := found.Name != ""; there != w.there {
		w.there = there
		step := "gone"
		if there {
			w.slot, step = found, "ready"
		}
		w.tell(Event{Kind: Reader, Step: step})
	}
	if !found.Present {
		w.handled = -1
	}
	return found
}

// serve works on the card in the reader, and waits, within the limit, while something else has it.
func (w *worker) serve(ctx context.Context, s Slot) Verdict {
	until := w.b.now().Add(w.b.Limits.Busy)
	for p := w.b.pause(); ; p.sleep(ctx) {
		t := &task{w: w, b: w.b, slot: s, began: w.b.now()}
		t.do(ctx)
		if t.class == busy && ctx.Err() == nil && w.b.now().Before(until) {
			continue
		}
		t.report(ctx)
		return t.verdict
	}
}

// pause is a wait that doubles from one failure to the next.
type pause struct{ first, next time.Duration }

func (b *Bench) pause() pause { return pause{first: b.Limits.Pause, next: b.Limits.Pause} }

func (p *pause) reset() { p.next = p.first }

func (p *pause) sleep(ctx context.Context) {
	t := time.NewTimer(p.next)
	defer t.Stop()
	p.next = min(2*p.next, 100*p.first)
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// errNoMore is a handler that has no card left for a reader.
var errNoMore = errors.New("no more cards")

// fetch asks the handler for a card. One that says no has none left; one that fails otherwise is asked again.
func (b *Bench) fetch(ctx context.Context, slot string) error {
	err := b.Hooks.run(ctx, "get", b.Hooks.Get, map[string]string{"SLOT": slot})
	var over *HookError
	if errors.As(err, &over) && over.Exit > 0 {
		return errNoMore
	}
	return err
}

// retire ends the batch when no reader gets cards any more.
func (b *Bench) retire() {
	b.mu.Lock()
	b.retired++
	all := b.retired == len(b.workers)
	b.mu.Unlock()
	if all {
		b.end(errIdle)
	}
}
