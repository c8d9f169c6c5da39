package summary

import (
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

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
