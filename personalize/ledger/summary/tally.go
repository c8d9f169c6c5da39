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

// card is what the records say of one card.
type card struct {
	outcome   ledger.Outcome
	code      string
	at        *place
	attempts  int
	redone    int
	apdus     int
	took      int64 // microseconds, of the last conclusion
	steps     int64 // microseconds, of the run that is under way
	claimed   int64 // microseconds since 1970
	concluded int64
	ended     int64 // concluded by a run, not by a person
	again     int
	listed    bool
}

// Card is what became of one ordered card. Times are zero, and texts empty, when the records do not say.
type Card struct {
	Outcome                   ledger.Outcome
	Code                      string
	Station, Reader, Operator string
	Attempts, Redone, APDUs   int
	Took                      time.Duration // of the last run, from the first contact to the conclusion
	Claimed, Concluded        time.Time
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

func (t *Tally) claimed(r ledger.Record) {
	c := t.cards[r.Card]
	if c == nil {
		c = &card{outcome: ledger.Untouched}
		t.cards[r.Card] = c
	}
	switch r.Kind {
	case ledger.KindClaim:
		t.claim(c, r)
	case ledger.KindTakeOver:
		t.takeOver(c, r)
	case ledger.KindRelease:
		t.retries.Released++
	case ledger.KindEvent:
		t.step(c, r)
	case ledger.KindConclude:
		t.conclude(c, r)
	case ledger.KindReject:
		t.reject(c, r)
	}
}

func (t *Tally) claim(c *card, r ledger.Record) {
	if r.Replaces != "" {
		c.redone++
		if c.failed() {
			t.mended[named(c.code)]++
		}
	}
	at := r.Time.UnixMicro()
	if t.began == 0 {
		t.began = at
	}
	c.outcome, c.code, c.at, c.claimed = ledger.Underway, "", t.place(r), at
	c.attempts++
	t.runs[c.at]++
	c.took, c.apdus, c.concluded, c.ended = 0, 0, 0, 0
}

func (t *Tally) takeOver(c *card, r ledger.Record) {
	t.retries.TakenOver++
	c.at = t.place(r)
	c.attempts++
	t.runs[c.at]++
	c.steps = 0
}

func (t *Tally) step(c *card, r ledger.Record) {
	t.spent(r.Step, r.Micros, r.APDUs)
	c.steps += r.Micros
}

func (t *Tally) conclude(c *card, r ledger.Record) {
	c.outcome, c.code = r.Outcome, t.word(r.Code)
	c.took, c.apdus, c.concluded = r.Micros, r.APDUs, r.Time.UnixMicro()
	c.ended = c.concluded
	if r.Micros > c.steps {
		t.spent(StepOther, r.Micros-c.steps, 0)
	}
	if r.Outcome == ledger.Untouched {
		t.freed(c)
	}
	if c.code != codeFound { // its steps are those of the claim that follows
		c.steps = 0
	}
	t.done(r)
}

// freed is a card that can be claimed again.
func (t *Tally) freed(c *card) {
	if c.code == codeFound {
		c.attempts--
		t.runs[c.at]--
		return
	}
	t.again[named(c.code)]++
	t.reseats[c.at]++
	c.again++
}

func (t *Tally) reject(c *card, r ledger.Record) {
	if c.outcome == ledger.Underway {
		c.code = CodeByPerson
	}
	c.outcome, c.concluded, c.steps = ledger.Rejected, r.Time.UnixMicro(), 0
}

// done is the end of the work on a card in a reader. The time since the card before it is the person's.
func (t *Tally) done(r ledger.Record) {
	if r.Reader == "" || r.Micros <= 0 {
		return
	}
	where, end := place{station: r.Station, reader: r.Reader}, r.Time.UnixMicro()
	if before, ok := t.lastDone[where]; ok {
		t.between = append(t.between, max(0, end-r.Micros-before))
	}
	t.lastDone[where] = end
}

// series are the durations of one step.
type series struct {
	micros []int64
	total  int64
	apdus  int
}

func (t *Tally) spent(step string, micros int64, apdus int) {
	s := t.steps[step]
	if s == nil {
		s = &series{}
		t.steps[step] = s
	}
	s.micros = append(s.micros, micros)
	s.total += micros
	s.apdus += apdus
}

func (t *Tally) place(r ledger.Record) *place {
	p := place{r.Station, r.Reader, r.Operator}
	if t.places[p] == nil {
		t.places[p] = &p
	}
	return t.places[p]
}

// word keeps one copy of a text that many records carry.
func (t *Tally) word(s string) string {
	if w, ok := t.words[s]; ok {
		return w
	}
	t.words[s] = s
	return s
}

func named(code string) string {
	if code == "" {
		return CodeNone
	}
	return code
}

// Ordered counts one card of the job's list into the balance, after all records, and gives what became of it.
func (t *Tally) Ordered(pseudonym string) Card {
	c := t.cards[pseudonym]
	if c == nil || c.listed {
		t.balance.Untouched++
		return Card{Outcome: ledger.Untouched}
	}
	c.listed = true
	switch c.outcome {
	case ledger.Good:
		t.balance.Good++
	case ledger.Rejected:
		t.balance.Rejected++
	case ledger.Quarantined:
		t.balance.Quarantined++
	case ledger.Underway:
		t.balance.Open++
	default:
		t.balance.Untouched++
	}
	return c.told()
}

func (c *card) told() Card {
	out := Card{
		Outcome: c.outcome, Code: c.code, Attempts: c.attempts, Redone: c.redone, APDUs: c.apdus,
		Took: time.Duration(c.took) * time.Microsecond, Claimed: moment(c.claimed), Concluded: moment(c.concluded),
	}
	if c.at != nil {
		out.Station, out.Reader, out.Operator = c.at.station, c.at.reader, c.at.operator
	}
	if c.failed() {
		out.Code = named(c.code)
	}
	return out
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// done tells a card that is accounted for.
func (c *card) done() bool { return c.outcome == ledger.Good || c.failed() }

func (c *card) failed() bool { return c.outcome == ledger.Rejected || c.outcome == ledger.Quarantined }
