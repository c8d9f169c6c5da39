// Package summary turns the records of one job into figures: balance, yield, rates, times, causes, places. It looks at records alone, in
// the order of the chain; it has no clock and no database, so that the same records give the same figures.
package summary

import (
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

// Words that are in the figures and not in the records.
const (
	CodeNone     = "no_code"            // a card that failed without a code
	CodeByPerson = "rejected_by_person" // a card in doubt that a person put into the bin
	StepOther    = "other"              // what a conclusion took beyond its steps: power-up, and the tool between the steps
)

// codeFound concludes a claim that was broken off, on a card found as before. The claim that follows is the same attempt.
const codeFound = "found_untouched"

// Tally follows the records of one job. It keeps some numbers a card, and no record.
type Tally struct {
	job      Job
	cards    map[string]*card // by pseudonym
	places   map[place]*place // each once
	words    map[string]string
	steps    map[string]*series
	again    map[string]int    // by code: put in again
	runs     map[*place]int    // claims and takings over
	reseats  map[*place]int    // put in again
	mended   map[string]int    // by code: failed, and done once more
	remarks  map[string]int    // by code: outside of any claim
	lastDone map[place]int64   // by station and reader: when the last card was done with
	between  []int64           // microseconds from one card to the next
	approved map[Approval]bool // told already
	retries  Retries
	seal     *ledger.Seal
	began    int64
	last     time.Time
	balance  ledger.Counts
}

// place is where a card was, and with whom.
type place struct {
	station, reader, operator string
}

// New gives a tally without records.
func New() *Tally {
	return &Tally{
		cards: map[string]*card{}, places: map[place]*place{}, words: map[string]string{}, steps: map[string]*series{},
		again: map[string]int{}, runs: map[*place]int{}, reseats: map[*place]int{}, mended: map[string]int{}, remarks: map[string]int{}, lastDone: map[place]int64{}, approved: map[Approval]bool{},
	}
}

// Record follows the next record of the job.
func (t *Tally) Record(r ledger.Record) {
	t.last = r.Time
	switch r.Kind {
	case ledger.KindJob:
		t.registered(r)
	case ledger.KindApproval:
		t.approval(r)
	case ledger.KindSeal:
		t.seal = r.Seal
	case ledger.KindRemark:
		t.remark(r)
	case ledger.KindClaim, ledger.KindTakeOver, ledger.KindRelease, ledger.KindEvent, ledger.KindConclude, ledger.KindReject:
		t.claimed(r)
	}
}

func (t *Tally) registered(r ledger.Record) {
	if r.Order == nil {
		return
	}
	t.job.Registered, t.job.Dual = r.Time, r.Order.Dual
	t.balance.Ordered = r.Order.Ordered
}

func (t *Tally) approval(r ledger.Record) {
	if r.Approval == nil {
		return
	}
	a := Approval{Action: r.Approval.Action, Operator: r.Operator, Key: r.Approval.Key}
	switch {
	case a.Action == ledger.Redo:
		t.job.RedoSignatures++
	case !t.approved[a]:
		t.approved[a] = true
		t.job.Approvals = append(t.job.Approvals, a)
	}
}

// remark is a card outside of any claim: one that is not of the job, or does not tell who it is.
func (t *Tally) remark(r ledger.Record) {
	if r.Code == "" {
		return
	}
	t.remarks[t.word(r.Code)]++
	t.done(r)
}
