package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// batchView shows the events of a batch. An error is a reader of it that went away.
type batchView interface{ tell(e batch.Event) error }

// batchView is NDJSON for machines, a table that is repainted on a terminal, and lines elsewhere.
func (a *app) batchView(order batch.Order) batchView {
	if a.global.json {
		return &eventStream{a: a, order: order, out: json.NewEncoder(a.out)}
	}
	if f, ok := a.onTerminal(); ok && !a.global.quiet {
		return newBatchTable(a, order, f)
	}
	return &eventLines{a: a, order: order}
}

// batchEvent is one line of NDJSON.
type batchEvent struct {
	head
	Event   string         `json:"event"`
	Time    string         `json:"time"`
	Job     string         `json:"job,omitempty"`
	Digest  string         `json:"digest,omitempty"`
	Slot    string         `json:"slot,omitempty"`
	ICCID   string         `json:"iccid,omitempty"`
	Step    string         `json:"step,omitempty"`
	Verdict string         `json:"verdict,omitempty"`
	Code    string         `json:"code,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
	Millis  float64        `json:"ms,omitempty"`
	Card    float64        `json:"card_ms,omitempty"` // of it, waiting for the card
	APDUs   int            `json:"apdus,omitempty"`
	Counts  *ledger.Counts `json:"counts,omitempty"`
	End     string         `json:"end,omitempty"`
	Exit    *int           `json:"exit,omitempty"`
	Tally   map[string]int `json:"verdicts,omitzero"`
	Rate    float64        `json:"cards_per_hour,omitempty"`
}

// eventStream writes NDJSON: one `started`, then `reader`, `progress` and `card`, one `result` last.
type eventStream struct {
	a     *app
	order batch.Order
	out   *json.Encoder
}

func (s *eventStream) tell(e batch.Event) error {
	x := batchEvent{
		head: schema("batch-event"), Event: string(e.Kind), Time: e.Time.UTC().Format(time.RFC3339Nano), Slot: e.Slot, ICCID: s.a.shortICCID(e.ICCID),
		Step: e.Step, Verdict: string(e.Verdict), Code: e.Code, Reason: e.Reason, Notes: e.Notes, Millis: milliseconds(e.Took), Card: milliseconds(e.Waited), APDUs: e.APDUs,
	}
	r := e.Result
	switch e.Kind {
	case batch.Started:
		x.Job, x.Digest, x.Counts = s.order.Name, s.order.Digest, &r.Counts
	case batch.Done:
		x.Counts = &r.Counts
	case batch.Ended:
		exit := batchExit(*r, r.Err)
		x.Job, x.Digest, x.Counts, x.End, x.Exit = s.order.Name, s.order.Digest, &r.Counts, string(r.End), &exit
		x.Code, x.Reason, x.Millis, x.Rate = r.Code, r.Reason, milliseconds(r.Elapsed), rate(r)
		x.Tally = map[string]int{}
		for v, n := range r.Tally {
			x.Tally[string(v)] = n
		}
	}
	return s.out.Encode(x)
}

func (a *app) shortICCID(iccid string) string {
	if iccid == "" {
		return ""
	}
	return a.iccid(uicc.ICCID(iccid))
}

// rate is good cards an hour of this run.
func rate(r *batch.Result) float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(int(10*float64(r.Tally[batch.Good])/r.Elapsed.Hours())) / 10
}

// order of a verdict for people: the big word, its colour, and what to do with the card.
type sign struct {
	word, colour, do string
}

// Colours of signs, as SGR parameters.
const (
	green  = "42;30"
	red    = "41;97"
	yellow = "43;30"
	grey   = "100;97"
)

var signs = map[batch.Verdict]sign{
	batch.Good:         {"GOOD", green, "to the good ones"},
	batch.AlreadyDone:  {"GOOD", green, "was done before, to the good ones"},
	batch.Rejected:     {"BAD", red, "into the bin"},
	batch.FailedBefore: {"BAD", red, "failed before, into the bin or aside"},
	batch.Quarantined:  {"BAD", red, "put it aside"},
	batch.Foreign:      {"BAD", red, "not of this job"},
	batch.Reseat:       {"AGAIN", yellow, "clean it, put it in again"},
	batch.Doubt:        {"AGAIN", yellow, "put it in again: it is read first"},
	batch.Elsewhere:    {"OTHER", grey, "another station has it"},
	batch.Left:         {"LEFT", grey, "nothing was written"},
}

// eventLines writes a line a card, and what readers do.
type eventLines struct {
	a     *app
	order batch.Order
}

func (l *eventLines) tell(e batch.Event) (err error) {
	switch e.Kind {
	case batch.Started:
		l.a.say("job %s: %d cards, %s", l.order.Name, e.Result.Counts.Ordered, whereabouts(e.Result.Counts))
	case batch.Reader:
		l.a.say("reader %s: %s%s", e.Slot, e.Step, because(e))
	case batch.Done:
		_, err = fmt.Fprintln(l.a.out, cardLine(l.a, e))
	case batch.Ended:
		err = endLines(l.a.out, e.Result)
	case batch.Progress:
	}
	return err
}

func cardLine(a *app, e batch.Event) string {
	s := signs[e.Verdict]
	id := a.shortICCID(e.ICCID)
	if id == "" {
		id = "unknown card"
	}
	return fmt.Sprintf("%-5s  %s  %s  %s  %.1f s%s", s.word, e.Slot, id, s.do, e.Took.Seconds(), because(e)+remarks(e))
}

func because(e batch.Event) string {
	switch {
	case e.Reason == "":
		return ""
	case e.Code == "":
		return ": " + e.Reason
	}
	return fmt.Sprintf(": %s (%s)", e.Reason, e.Code)
}

// remarks are lines under the one of the card.
func remarks(e batch.Event) (s string) {
	for _, n := range e.Notes {
		s += "\n       note: " + n
	}
	return s
}

func whereabouts(n ledger.Counts) string {
	s := fmt.Sprintf("%d good, %d rejected, %d untouched", n.Good, n.Rejected, n.Untouched)
	if n.Quarantined > 0 {
		s += fmt.Sprintf(", %d put aside", n.Quarantined)
	}
	if n.Open > 0 {
		s += fmt.Sprintf(", %d at work or in doubt", n.Open)
	}
	return s
}

func endLines(w io.Writer, r *batch.Result) error {
	s := fmt.Sprintf("%s: of %d cards %s\n", r.End, r.Counts.Ordered, whereabouts(r.Counts))
	if n := r.Tally[batch.Good]; n > 0 {
		s += fmt.Sprintf("%d good in this run, in %s, %.0f an hour\n", n, r.Elapsed.Round(time.Second), rate(r))
	}
	_, err := io.WriteString(w, s)
	return err
}
