package batch

import (
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

// Kind says what an event is about.
type Kind string

// Kinds, in the order they come: one Started, then the others, one Result last.
const (
	Started  Kind = "started"
	Reader   Kind = "reader"   // came, went, or fails
	Progress Kind = "progress" // a card is at a step
	Done     Kind = "card"     // the work on a card that was in a reader is over
	Ended    Kind = "result"
)

// Verdict is what the person at the bench does with a card.
type Verdict string

// Verdicts.
const (
	Good         Verdict = "good"          // verified by reading back: to the good ones
	AlreadyDone  Verdict = "done_before"   // good already; not touched again
	FailedBefore Verdict = "failed_before" // rejected or put aside already
	Rejected     Verdict = "rejected"      // into the bin
	Quarantined  Verdict = "quarantined"   // put aside: a person decides
	Foreign      Verdict = "foreign"       // not of this job, or good under another one; no key was used
	Reseat       Verdict = "reseat"        // take out, clean, put in again
	Doubt        Verdict = "in_doubt"      // broke off while it was written: put in again, it is read first
	Elsewhere    Verdict = "elsewhere"     // another station works on it
	Left         Verdict = "left"          // nothing was written, the card stays to be done: keys missing, interrupted, batch stopped
)

// Event is what happened, for a view of the bench and for machines. Fields that do not belong to its kind are empty.
type Event struct {
	Time    time.Time
	Kind    Kind
	Slot    string // label of the reader
	ICCID   string // digits; empty: not known
	Step    string // phase of the work (Progress), or what a reader does (Reader): ready, gone, failing
	Verdict Verdict
	Code    string   // stable word of a failure, snake_case
	Reason  string   // words for people
	Notes   []string // of a card: things worth a second look, that stopped nothing
	Took    time.Duration
	Waited  time.Duration // of it, for the card
	APDUs   int
	Result  *Result // of Ended; in others what was reached so far
}

// Result is what a batch reached.
type Result struct {
	End     End
	Counts  ledger.Counts   // of the whole job, all stations
	Tally   map[Verdict]int // of this run
	Row     int             // failures in a row at the end
	InDoubt int             // cards this run left in doubt
	Began   time.Time
	Elapsed time.Duration
	Code    string // why it was stopped
	Reason  string // in words
	Err     error  // what stopped it
}

// End is why a batch ended.
type End string

// Ends.
const (
	Complete    End = "complete"    // no card of the job is left to do
	Idle        End = "idle"        // no card came for a time
	Interrupted End = "interrupted" // by the person
	Stopped     End = "stopped"     // by itself: failures in a row, wrong keys, a ledger that is lost
)

// Failed counts the cards of this run that need a person: in the bin, put aside, in doubt.
func (r *Result) Failed() int { return r.Tally[Rejected] + r.Tally[Quarantined] + r.InDoubt }
