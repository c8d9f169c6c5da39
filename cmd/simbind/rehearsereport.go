package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
)

// Outcomes of a rehearsal.
const (
	rehearsalGood    = "good"
	rehearsalNotGood = "not_good"
	rehearsalCut     = "interrupted"
)

// Bounds on what a report lists; the rest is counted.
const (
	maxRules    = 50
	maxExamples = 2
	maxFailures = 100
	maxTold     = 20 // of them, to people
)

// rehearsalReport is what a rehearsal showed.
type rehearsalReport struct {
	head
	Outcome       string             `json:"outcome"` // good, not_good, interrupted
	Job           string             `json:"job"`
	Digest        string             `json:"digest"`
	Cards         int                `json:"cards"` // of the job
	Readers       int                `json:"readers"`
	Keys          string             `json:"keys"` // file, token, test
	Counts        ledger.Counts      `json:"counts"`
	End           string             `json:"end"` // complete, idle, interrupted, stopped
	Code          string             `json:"code,omitempty"`
	Reason        string             `json:"reason,omitempty"`
	Millis        float64            `json:"ms"`
	Balanced      bool               `json:"balanced"`
	Records       int64              `json:"records"`
	Rules         []*rehearsalRule   `json:"rules"`
	RulesLeftOut  int                `json:"cards_of_further_rules"`
	Failures      []rehearsalFailure `json:"failures"` // the first hundred
	FailuresTotal int                `json:"failures_total"`
	Problems      []string           `json:"problems"`
	HTML          string             `json:"html,omitempty"`

	approval, hooks bool
}

// rehearsalRule is cards that the job treats alike.
type rehearsalRule struct {
	Rule     string          `json:"rule"`
	Scheme   string          `json:"scheme"`
	Cards    int             `json:"cards"`
	Visits   int             `json:"visits"`
	Against  int             `json:"against_the_job"` // visits that ended otherwise than the job says
	Examples []rehearsedCard `json:"examples"`        // the first two
}

type rehearsedCard struct {
	ICCID  string  `json:"iccid"`
	Line   int     `json:"line"` // in the file of cards
	Visits []visit `json:"visits"`
}

// rehearsalFailure is a card that did not become good.
type rehearsalFailure struct {
	ICCID   string `json:"iccid"`
	Line    int    `json:"line"`
	Verdict string `json:"verdict"` // of the bench; keys: no card could be made with them; terminal: one could not start with it
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason"`
}

func newRehearsalReport(j *job.Job) *rehearsalReport {
	return &rehearsalReport{
		head: schema("batch-rehearsal"), Job: j.Name, Digest: j.Digest, Cards: j.Len(), approval: j.Approval.Required,
		Rules: []*rehearsalRule{}, Failures: []rehearsalFailure{}, Problems: []string{},
	}
}

func (r *rehearsalReport) fail(f rehearsalFailure) {
	if r.FailuresTotal++; len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, f)
	}
}

// visited counts a card under its rule.
func (r *rehearsalReport) visited(c binding.Configuration, card rehearsedCard) {
	rule := r.rule(c)
	if rule == nil {
		r.RulesLeftOut++
		rule = &rehearsalRule{}
	}
	rule.Cards++
	rule.Visits += len(card.Visits)
	against := 0
	for _, v := range card.Visits {
		if !v.AsExpected {
			against++
			r.fail(rehearsalFailure{ICCID: card.ICCID, Line: card.Line, Verdict: "terminal", Code: v.Decision,
				Reason: fmt.Sprintf("%s: %s, by the job %s", v.Device, v.Found, v.Expected)})
		}
	}
	rule.Against += against
	rule.keep(card)
}

// keep holds the first cards of the file as examples; those that went against the job are among the failures.
func (x *rehearsalRule) keep(card rehearsedCard) {
	x.Examples = append(x.Examples, card)
	slices.SortFunc(x.Examples, func(a, b rehearsedCard) int { return cmp.Compare(a.Line, b.Line) })
	x.Examples = x.Examples[:min(len(x.Examples), maxExamples)]
}

func (r *rehearsalReport) rule(c binding.Configuration) *rehearsalRule {
	words := ruleWords(c)
	for _, x := range r.Rules {
		if x.Rule == words {
			return x
		}
	}
	if len(r.Rules) == maxRules {
		return nil
	}
	x := &rehearsalRule{Rule: words, Scheme: c.Scheme.Code(), Examples: []rehearsedCard{}}
	r.Rules = append(r.Rules, x)
	return x
}

// ruleWords are what cards that are treated alike have in common: all but the entries themselves.
func ruleWords(c binding.Configuration) string {
	words := []string{c.Scheme.String()}
	switch n := c.Entries(); {
	case n > 1:
		words = append(words, fmt.Sprintf("%d entries", n))
	case n == 1:
		words = append(words, "1 entry")
	}
	return strings.Join(append(words, c.Policy.Names()...), ", ")
}

// judge says whether all was good, and brings what was found into the order of the file.
func (r *rehearsalReport) judge() {
	slices.SortFunc(r.Rules, func(a, b *rehearsalRule) int { return cmp.Compare(a.Examples[0].Line, b.Examples[0].Line) })
	slices.SortStableFunc(r.Failures, func(a, b rehearsalFailure) int { return cmp.Compare(a.Line, b.Line) })
	r.Outcome = rehearsalGood
	switch {
	case r.FailuresTotal > 0 || len(r.Problems) > 0 || r.End != string(batch.Interrupted) && !r.full():
		r.Outcome = rehearsalNotGood
	case !r.full():
		r.Outcome = rehearsalCut
	}
}

// full tells whether every card became good.
func (r *rehearsalReport) full() bool { return r.Balanced && r.Counts.Good == r.Counts.Ordered }

func (r *rehearsalReport) text(w io.Writer, _ printer) {
	n := r.Counts
	took := time.Duration(r.Millis * float64(time.Millisecond)).Round(100 * time.Millisecond)
	fmt.Fprintf(w, "rehearsal of job %s: %d of its %d cards as virtual cards, %d readers, %s\n", r.Job, n.Ordered, r.Cards, r.Readers, took)
	fmt.Fprintf(w, "%s\n\n", r.balance())
	for _, x := range r.Rules {
		x.text(w)
	}
	if r.RulesLeftOut > 0 {
		fmt.Fprintf(w, "and %d cards of further kinds\n\n", r.RulesLeftOut)
	}
	if r.End == string(batch.Stopped) {
		fmt.Fprintf(w, "it ended before all cards were done: %s%s\n", r.End, reason(r.Reason, r.Code))
	}
	told := r.Failures[:min(len(r.Failures), maxTold)]
	for _, f := range told {
		fmt.Fprintf(w, "line %d: card %s: %s%s\n", f.Line, f.ICCID, failedAs(f.Verdict), reason(f.Reason, f.Code))
	}
	if more := r.FailuresTotal - len(told); more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem: %s\n", p)
	}
	r.verdict(w)
}

func reason(words, code string) string {
	switch {
	case words == "":
		return ""
	case code == "":
		return ": " + words
	}
	return fmt.Sprintf(": %s (%s)", words, code)
}

func failedAs(verdict string) string {
	words := map[string]string{"quarantined": "put aside", "left": "left as it was", "foreign": "not of this job", "failed_before": "failed before", "keys": "no card can be made with its keys"}
	return first(words[verdict], verdict)
}

// balance is the line a seal would be about.
func (r *rehearsalReport) balance() string {
	n := r.Counts
	s := fmt.Sprintf("ordered %d = good %d + rejected %d + untouched %d", n.Ordered, n.Good, n.Rejected, n.Untouched)
	if n.Quarantined > 0 {
		s += fmt.Sprintf(" + put aside %d", n.Quarantined)
	}
	if n.Open > 0 {
		s += fmt.Sprintf(" + in doubt %d", n.Open)
	}
	if r.Balanced {
		return s + fmt.Sprintf("; %d records checked", r.Records)
	}
	return s + ": this cannot be sealed"
}

func (x *rehearsalRule) text(w io.Writer) {
	cards := fmt.Sprintf("%d cards", x.Cards)
	if x.Cards == 1 {
		cards = "1 card"
	}
	fmt.Fprintf(w, "%s: %s\n", x.Rule, cards)
	var rows [][]string
	for _, c := range x.Examples {
		id := c.ICCID
		for _, v := range c.Visits {
			rows = append(rows, []string{"", id, v.Device, v.IMEI, v.words()})
			id = ""
		}
	}
	table(w, nil, rows)
	if more := x.Cards - len(x.Examples); more > 0 {
		fmt.Fprintf(w, "  and %d more, tried the same way\n", more)
	}
	fmt.Fprintln(w)
}

// keyWords say what a rehearsal shows of keys, by their source.
var keyWords = map[string]string{
	"test":  "The virtual cards had the published test keys. With --keys, or keys named in the job, those are rehearsed, too.",
	"file":  "The virtual cards had the keys that the key file gives for them. Whether the real cards have these keys, the first real card shows.",
	"token": "The token derived the keys of each card and of one session. They do not leave it: the virtual cards had the test keys in their place. Whether the real cards have the token's keys, the first real card shows.",
}

// verdict ends with what the rehearsal shows, and what it cannot.
func (r *rehearsalReport) verdict(w io.Writer) {
	fmt.Fprintln(w, map[string]string{
		rehearsalGood:    "all good; look whether the devices above are let in and kept out as you mean it",
		rehearsalNotGood: "NOT good: mend what is named above, and rehearse again",
		rehearsalCut:     "interrupted: the cards that are untouched were not rehearsed",
	}[r.Outcome])
	if r.Counts.Good > 0 {
		fmt.Fprintln(w, keyWords[r.Keys])
	}
	if r.approval {
		fmt.Fprintln(w, "The job asks for a second person: the real run begins when two have signed.")
	}
	if r.hooks {
		fmt.Fprintln(w, "The programs of the card handler were not run; --rehearse-hooks runs those that take cards away.")
	}
	if left := r.Cards - r.Counts.Ordered; left > 0 {
		fmt.Fprintf(w, "%d cards were not rehearsed; --rehearse-cards 0 takes all.\n", left)
	}
}
