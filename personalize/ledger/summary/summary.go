package summary

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

// Summary is what the records of a job come to. Durations are milliseconds; a share is of 100; what cannot be told of so few cards is nil.
type Summary struct {
	Balance    ledger.Counts `json:"balance"`
	Balanced   bool          `json:"balanced"` // ordered is the sum of the others, and every card of the records is in the list
	Yield      Yield         `json:"yield"`
	Throughput Throughput    `json:"throughput"`
	Cycle      Cycle         `json:"cycle"`
	Steps      []Step        `json:"steps"`  // the longest total first
	Causes     []Cause       `json:"causes"` // the most cards first
	Retries    Retries       `json:"retries"`
	Readers    []Group       `json:"readers"`
	Stations   []Group       `json:"stations"`
	Operators  []Group       `json:"operators"`
}

// Job is what the records say of the job itself.
type Job struct {
	Registered     time.Time
	Dual           bool
	Approvals      []Approval // of start and seal, each signer once
	RedoSignatures int
}

// Approval is one operator's signature.
type Approval struct {
	Action   ledger.Action `json:"action"`
	Operator string        `json:"operator"`
	Key      string        `json:"key"`
}

// Yield is how many of the cards that are done are good.
type Yield struct {
	Done             int      `json:"done"` // good, rejected or quarantined
	Percent          *float64 `json:"percent,omitempty"`
	FirstPass        int      `json:"first_pass"` // good at the first attempt
	FirstPassPercent *float64 `json:"first_pass_percent,omitempty"`
}

// Retries are attempts beyond a card's first. An attempt is a claim, or the taking over of one.
type Retries struct {
	Attempts   int        `json:"attempts"`
	PutInAgain int        `json:"put_in_again"` // cards that were let go once at least, to be tried again
	TakenOver  int        `json:"taken_over"`   // claims that a later run went on with
	Released   int        `json:"released"`     // claims that a person took from their station
	Redone     int        `json:"redone"`       // cards done once more, with a reason
	ByAttempts []Attempts `json:"by_attempts"`
}

// Attempts are the cards that took so many.
type Attempts struct {
	Attempts int `json:"attempts"`
	Cards    int `json:"cards"`
}

// Cause is a code and the cards it stopped.
type Cause struct {
	Code        string `json:"code"`
	Rejected    int    `json:"rejected"`
	Quarantined int    `json:"quarantined"`
	PutInAgain  int    `json:"put_in_again"` // attempts
	Redone      int    `json:"redone"`       // failures that a redo replaced
	Unclaimed   int    `json:"unclaimed"`    // cards outside of any claim: not of the job, or not identified
}

// Total counts all of a cause.
func (c Cause) Total() int { return c.Rejected + c.Quarantined + c.PutInAgain + c.Redone + c.Unclaimed }

// Step is where time went: all runs of one step.
type Step struct {
	Name    string  `json:"name"`
	Runs    int     `json:"runs"`
	APDUs   int     `json:"apdus"`
	Total   float64 `json:"total_ms"`
	Percent float64 `json:"percent"` // of all steps
	P50     float64 `json:"p50_ms"`
	P95     float64 `json:"p95_ms"`
}

// Cycle is how long cards took, and the time between them.
type Cycle struct {
	Good      *Spread `json:"good,omitempty"`    // of good cards, from the first contact to the conclusion
	Between   *Spread `json:"between,omitempty"` // at one reader, from one card's end to the next one's first contact
	Histogram []Bin   `json:"histogram"`         // of good cards
}

// Summary gives the figures, after Ordered was told every card of the list. elsewhere are the untouched cards that other jobs hold.
func (t *Tally) Summary(elsewhere int) Summary {
	n := t.balance
	n.Elsewhere = elsewhere
	took := t.goodTimes()
	return Summary{
		Balance: n, Balanced: t.balanced(), Yield: t.yield(), Throughput: t.throughput(),
		Cycle: Cycle{Good: spread(took), Between: spread(sorted(t.between)), Histogram: histogram(took)},
		Steps: t.stepList(), Causes: t.causes(), Retries: t.retriesOfAll(),
		Readers:   t.groups(func(p place) place { return place{station: p.station, reader: p.reader} }),
		Stations:  t.groups(func(p place) place { return place{station: p.station} }),
		Operators: t.groups(func(p place) place { return place{operator: p.operator} }),
	}
}

// Job gives what the records say of the job, and its seal, nil when it has none.
func (t *Tally) Job() (Job, *ledger.Seal) { return t.job, t.seal }

// Last is the time of the last record that was followed.
func (t *Tally) Last() time.Time { return t.last }

func (t *Tally) balanced() bool {
	n := t.balance
	for _, c := range t.cards {
		if !c.listed {
			return false
		}
	}
	return n.Ordered == n.Good+n.Rejected+n.Quarantined+n.Open+n.Untouched
}

func (t *Tally) goodTimes() []int64 {
	var out []int64
	for _, c := range t.cards {
		if c.outcome == ledger.Good && c.took > 0 {
			out = append(out, c.took)
		}
	}
	return sorted(out)
}

func (t *Tally) yield() Yield {
	var y Yield
	good := 0
	for _, c := range t.cards {
		if !c.done() {
			continue
		}
		y.Done++
		if c.outcome == ledger.Good {
			good++
			if c.attempts == 1 {
				y.FirstPass++
			}
		}
	}
	y.Percent, y.FirstPassPercent = share(good, y.Done), share(y.FirstPass, y.Done)
	return y
}

func (t *Tally) retriesOfAll() Retries {
	r := t.retries
	cards := map[int]int{}
	for _, c := range t.cards {
		r.Attempts += c.attempts
		cards[c.attempts]++
		if c.again > 0 {
			r.PutInAgain++
		}
		if c.redone > 0 {
			r.Redone++
		}
	}
	r.ByAttempts = []Attempts{}
	for _, n := range slices.Sorted(maps.Keys(cards)) {
		r.ByAttempts = append(r.ByAttempts, Attempts{n, cards[n]})
	}
	return r
}

func (t *Tally) causes() []Cause {
	by := map[string]*Cause{}
	of := func(code string) *Cause {
		if by[code] == nil {
			by[code] = &Cause{Code: code}
		}
		return by[code]
	}
	for _, c := range t.cards {
		switch c.outcome {
		case ledger.Rejected:
			of(named(c.code)).Rejected++
		case ledger.Quarantined:
			of(named(c.code)).Quarantined++
		}
	}
	for code, n := range t.again {
		of(code).PutInAgain = n
	}
	for code, n := range t.mended {
		of(code).Redone = n
	}
	for code, n := range t.remarks {
		of(code).Unclaimed = n
	}
	out := []Cause{}
	for _, c := range by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Code, b.Code)) })
	return out
}

func (t *Tally) stepList() []Step {
	var all int64
	for _, s := range t.steps {
		all += s.total
	}
	out := []Step{}
	for name, s := range t.steps {
		times := sorted(s.micros)
		step := Step{Name: name, Runs: len(times), APDUs: s.apdus, Total: ms(s.total), P50: ms(Percentile(times, 50)), P95: ms(Percentile(times, 95))}
		if all > 0 {
			step.Percent = round(100*float64(s.total)/float64(all), 2)
		}
		out = append(out, step)
	}
	slices.SortFunc(out, func(a, b Step) int { return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name)) })
	return out
}

// share is part of whole in percent, to two decimals; nil of nothing. 100 is all and 0 is none, however near.
func share(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	p := round(100*float64(part)/float64(whole), 2)
	switch {
	case p >= 100 && part < whole:
		p = 99.99
	case p <= 0 && part > 0:
		p = 0.01
	}
	return &p
}

// round keeps so many decimals.
func round(x float64, decimals int) float64 {
	f := math.Pow10(decimals)
	return math.Round(x*f) / f
}

// ms are milliseconds, exact to the microsecond.
func ms(micros int64) float64 { return float64(micros) / 1000 }
