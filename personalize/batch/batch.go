// Package batch works through a job at a bench: many readers, each card exactly once.
//
// One worker serves one reader. A card is known by the ICCID it shows, claimed in the ledger before a key of it is used, then planned,
// written and read back as any single card is (personalize.Run), and concluded. What broke off is read again before anything else, on the
// same or on another reader.
package batch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
)

// Order is what was ordered: the job as the ledger knows it, and what is wanted of each card.
type Order struct {
	ledger.Job
	Wish func(iccid string) (personalize.Wish, bool)
}

// Bench is a batch and everything around it.
type Bench struct {
	Readers func() (Readers, error) // a connection of its own for every worker
	Use     func(Slot) bool         // which readers are the bench's; nil: all
	Ledger  *ledger.Ledger
	Order   Order
	By      ledger.Actor      // station, operator, tool
	Run     personalize.Run   // what the run of every card begins with; its card is filled in
	Redo    map[string]string // by ICCID: why a card that is done is done again
	Hooks   Hooks
	Limits  Limits
	Tell    func(Event) // one at a time; may be nil

	mu            sync.Mutex
	telling       sync.Mutex
	result        Result
	end           context.CancelCauseFunc
	reseats       map[string]int    // failed contacts of a card
	again         map[string]*again // by ICCID: cards that were done and are done again
	wrong, doubts map[string]bool   // cards that the keys did not fit; that this run left half written
	retired       int               // of the workers, those whose handler has no more cards
	workers       map[string]bool   // by name of the reader
	working       int               // readers whose card is being worked on
	last          time.Time         // something happened
	left          int               // cards to do, as last counted less those done since
	moves         int               // cards that were concluded
	resume        time.Time         // not counted again before
}

// Limits bound what the bench does by itself. The zero value of each is its default.
type Limits struct {
	Reseats   int           // times one card is tried for bad contact: 3
	Row       int           // failed cards in a row that stop the batch: 5
	WrongKeys int           // cards that the keys do not fit that stop the batch: 2
	Busy      time.Duration // how long another program's use of a reader is waited for: 30 s
	Idle      time.Duration // end when no card came for so long; 0: never
	Pause     time.Duration // first pause before a reader that failed is looked at again, doubled up to a hundredfold: 250 ms
	Lease     time.Duration // of a claim: ledger.DefaultLease
}

func (l Limits) filled() Limits {
	set(&l.Reseats, 3)
	set(&l.Row, 5)
	set(&l.WrongKeys, 2)
	set(&l.Busy, 30*time.Second)
	set(&l.Pause, 250*time.Millisecond)
	return l
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// StopError is why a batch stopped by itself.
type StopError struct {
	Code string // snake_case
	Err  error
}

func (e *StopError) Error() string { return e.Err.Error() }
func (e *StopError) Unwrap() error { return e.Err }

var (
	errComplete = errors.New("no card of the job is left to do")
	errIdle     = errors.New("no card came")
)

// Work runs the batch until no card is left, ctx ends, or it stops itself (*StopError). Cards that are being written then are finished
// first. A job that may not start yet is refused as Ledger.MayStart does, with an empty Result; the ledger knows it from then on.
func (b *Bench) Work(ctx context.Context) (Result, error) {
	b.prepare()
	if err := b.register(ctx); err != nil {
		return Result{}, err
	}
	working, end := context.WithCancelCause(ctx)
	defer end(nil)
	b.end = end
	b.tell(Event{Kind: Started})
	if b.left == 0 && len(b.Redo) == 0 {
		end(errComplete)
	}
	b.supervise(working)
	return b.finish(ctx, context.Cause(working))
}

func (b *Bench) prepare() {
	b.Limits = b.Limits.filled()
	b.reseats, b.again, b.wrong, b.doubts, b.workers = map[string]int{}, map[string]*again{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	b.result = Result{Began: b.now(), Tally: map[Verdict]int{}}
	b.last = b.now()
}

func (b *Bench) now() time.Time { return b.Run.Now() }

func (b *Bench) register(ctx context.Context) error {
	if err := b.Ledger.Register(ctx, b.Order.Job, b.By); err != nil {
		return err
	}
	if err := b.Ledger.MayStart(ctx, b.Order.Digest); err != nil {
		return err
	}
	_, err := b.count(ctx)
	return err
}

// count asks the ledger where the cards are. An answer that a card overtook is not taken: the next card asks again.
func (b *Bench) count(ctx context.Context) (taken bool, err error) {
	b.mu.Lock()
	moves := b.moves
	b.mu.Unlock()
	n, err := b.Ledger.Counts(ctx, b.Order.Digest)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if moves != b.moves {
		return false, nil
	}
	b.result.Counts, b.left = n, n.Untouched-n.Elsewhere+n.Open
	return true, nil
}

// finish counts once more and says how it ended.
func (b *Bench) finish(ctx context.Context, cause error) (Result, error) {
	_, err := b.count(context.WithoutCancel(ctx))
	r := b.result
	r.Elapsed = b.now().Sub(r.Began)
	var stopped *StopError
	switch {
	case errors.As(cause, &stopped):
		r.End, r.Code, r.Reason = Stopped, stopped.Code, stopped.Error()
		err = errors.Join(stopped, err)
	case errors.Is(cause, errComplete):
		r.End = Complete
	case errors.Is(cause, errIdle):
		r.End = Idle
	default:
		r.End = Interrupted
		err = errors.Join(ctx.Err(), err)
	}
	r.Err = err
	b.result = r
	b.tell(Event{Kind: Ended})
	return r, err
}

// tell hands one event to the view, one at a time.
func (b *Bench) tell(e Event) {
	if b.Tell == nil {
		return
	}
	b.telling.Lock()
	defer b.telling.Unlock()
	e.Time = b.now()
	r := b.snapshot()
	e.Result = &r
	b.Tell(e)
}

// snapshot is what was reached so far.
func (b *Bench) snapshot() Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.result
	r.Tally = map[Verdict]int{}
	for v, n := range b.result.Tally {
		r.Tally[v] = n
	}
	return r
}

// halt stops the batch; the first cause counts.
func (b *Bench) halt(code string, err error) { b.end(&StopError{Code: code, Err: err}) }
