package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/personalize/ledger/summary"
)

// shownCards keeps the list of cards from pushing the figures off a screen.
const shownCards = 30

func (r *batchReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "job %s: %s\n", r.Job.Name, r.balanceWords())
	pairs(w, r.facts())
	for _, p := range r.Chain.Problems {
		fmt.Fprintf(w, "problem: %s\n", p.What)
	}
	heading(w, "times", []string{"", "cards", "mean", "min", "50 %", "90 %", "95 %", "99 %", "max"}, spreadRows(r.Cycle))
	heading(w, "steps", []string{"step", "runs", "commands", "total", "share", "50 %", "95 %"}, stepRows(r.Steps))
	heading(w, "causes", []string{"code", "rejected", "quarantined", "put in again", "redone", "without claim"}, causeRows(r.Causes))
	heading(w, "attempts", []string{"attempts", "cards"}, attemptRows(r.Retries.ByAttempts))
	heading(w, "readers", groupHeader("station", "reader"), groupRows(r.Readers, func(g summary.Group) []string { return []string{g.Station, g.Reader} }))
	heading(w, "stations", groupHeader("station"), groupRows(r.Stations, func(g summary.Group) []string { return []string{g.Station} }))
	heading(w, "operators", groupHeader("operator"), groupRows(r.Operators, func(g summary.Group) []string { return []string{g.Operator} }))
	heading(w, "cards that are not good", []string{"", "card", "outcome", "code", "station", "reader", "operator", "attempts", "reason"}, cardRows(r.Cards[:min(len(r.Cards), shownCards)]))
	if more := len(r.Cards) + r.LeftOut - shownCards; more > 0 {
		fmt.Fprintf(w, "%d more cards that are not good: --csv FILE has them\n", more)
	}
}

// heading prints a table under its name, and nothing when it has no rows.
func heading(w io.Writer, name string, header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", name)
	table(w, header, rows)
}

func (r *batchReport) balanceWords() string {
	n := r.Balance
	words := fmt.Sprintf("%d ordered = %d good + %d rejected + %d quarantined + %d at work or in doubt + %d untouched", n.Ordered, n.Good, n.Rejected, n.Quarantined, n.Open, n.Untouched)
	if !r.Balanced {
		return words + ", WHICH DOES NOT BALANCE"
	}
	return words
}

func (r *batchReport) facts() [][2]string {
	t := r.Throughput
	out := [][2]string{
		{"digest", r.Job.Digest}, {"registered", r.Job.Registered}, {"first claim", t.Began}, {"last card done", t.Ended},
		{"yield", ofDone(r.Yield.Percent, r.Yield)}, {"good at the first attempt", ofDone(r.Yield.FirstPassPercent, r.Yield)},
		{"cards an hour, while at work", ifTold(t.Working, "")}, {"cards an hour, over all", ifTold(t.PerHour, "")}, {"put in again", some(r.Retries.PutInAgain)},
		{"taken over", some(r.Retries.TakenOver)}, {"redone", some(r.Retries.Redone)}, {"held by other jobs", some(r.Balance.Elsewhere)},
		{"approvals", r.approvalWords()}, {"seal", r.sealWords()}, {"ledger", r.Ledger},
		{"records", fmt.Sprintf("%s, checked up to record %d", r.Chain.Outcome, r.AsOf.Record)}, {"head", r.AsOf.Hash},
		{"erased cards", some(r.Chain.Erased)}, {"unreadable records", some(r.Chain.Unreadable)},
	}
	return out
}

func (r *batchReport) sealWords() string {
	switch {
	case r.Seal == nil:
		return "not sealed"
	case !r.Seal.Genuine:
		return fmt.Sprintf("record %d, NOT GENUINE", r.Seal.Record)
	}
	return fmt.Sprintf("record %d, %s, by %s, key %s", r.Seal.Record, r.Seal.Time, r.Seal.Operator, r.Seal.Key)
}

func (r *batchReport) approvalWords() string {
	if !r.Job.Dual {
		return ""
	}
	said := []string{"two operators"}
	for _, a := range r.Job.Approvals {
		said = append(said, fmt.Sprintf("%s by %s", a.Action, a.Operator))
	}
	if r.Job.RedoSignatures > 0 {
		said = append(said, fmt.Sprintf("%d signatures under redos", r.Job.RedoSignatures))
	}
	return strings.Join(said, ", ")
}

func ofDone(p *float64, y summary.Yield) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s %% of %d done", number(*p), y.Done)
}

// ifTold is empty for what cannot be told.
func ifTold(x *float64, unit string) string {
	if x == nil {
		return ""
	}
	return number(*x) + unit
}

// some is empty for none.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func spreadRows(c summary.Cycle) (out [][]string) {
	for _, row := range []struct {
		name string
		of   *summary.Spread
	}{{"good cards", c.Good}, {"between cards", c.Between}} {
		if s := row.of; s != nil {
			out = append(out, []string{row.name, fmt.Sprint(s.Count), duration(s.Mean), duration(s.Min), duration(s.P50), duration(s.P90), duration(s.P95), duration(s.P99), duration(s.Max)})
		}
	}
	return out
}

// duration shows milliseconds, as seconds from one on and without decimals from ten minutes on.
func duration(ms float64) string {
	switch {
	case ms < 1:
		return number(ms) + " ms"
	case ms < 1000:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 600_000:
		return fmt.Sprintf("%.2f s", ms/1000)
	}
	return fmt.Sprintf("%.0f s", ms/1000)
}

func stepRows(steps []summary.Step) (out [][]string) {
	for _, s := range steps {
		out = append(out, []string{s.Name, fmt.Sprint(s.Runs), fmt.Sprint(s.APDUs), duration(s.Total), number(s.Percent) + " %", duration(s.P50), duration(s.P95)})
	}
	return out
}

func causeRows(causes []summary.Cause) (out [][]string) {
	for _, c := range causes {
		out = append(out, []string{c.Code, some(c.Rejected), some(c.Quarantined), some(c.PutInAgain), some(c.Redone), some(c.Unclaimed)})
	}
	return out
}

func attemptRows(by []summary.Attempts) (out [][]string) {
	for _, a := range by {
		out = append(out, []string{fmt.Sprint(a.Attempts), fmt.Sprint(a.Cards)})
	}
	return out
}

func groupHeader(names ...string) []string {
	return append(names, "good", "rejected", "quarantined", "in doubt", "yield", "attempts", "put in again", "50 %", "95 %")
}

func groupRows(groups []summary.Group, names func(summary.Group) []string) (out [][]string) {
	for _, g := range groups {
		out = append(out, append(names(g), some(g.Good), some(g.Rejected), some(g.Quarantined), some(g.Open), ifTold(g.Percent, " %"),
			fmt.Sprint(g.Attempts), some(g.PutInAgain), ifTimed(g.P50), ifTimed(g.P95)))
	}
	return out
}

func ifTimed(ms *float64) string {
	if ms == nil {
		return ""
	}
	return duration(*ms)
}

func cardRows(cards []batchCard) (out [][]string) {
	for _, c := range cards {
		out = append(out, []string{fmt.Sprint(c.Number), c.ICCID, c.Outcome, c.Code, c.Station, c.Reader, c.Operator, fmt.Sprint(c.Attempts), c.Reason})
	}
	return out
}

// parts are the summands of the balance in the order they are drawn.
func (r *batchReport) parts() []balancePart {
	n := r.Balance
	return []balancePart{
		{"good", string(ledger.Good), n.Good}, {"rejected", string(ledger.Rejected), n.Rejected}, {"quarantined", string(ledger.Quarantined), n.Quarantined},
		{"at work or in doubt", "open", n.Open}, {"untouched", string(ledger.Untouched), n.Untouched},
	}
}

// balancePart is one summand: its words, its name in the JSON, and how many cards.
type balancePart struct {
	Words, Field string
	Cards        int
}
