package main

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/personalize/ledger/summary"
)

// horizontalBar is a bar with its name and its figure above it.
type horizontalBar struct {
	Name, Value word
	Marks       []mark
}

// bars is a drawing of bars that lie one under the other.
type bars struct {
	Rows   []horizontalBar
	Height int
	More   int // rows that are in the table alone
}

const (
	barHeight = 36
	maxBars   = 10
)

// row adds a bar. unit is pixels a unit of the parts.
func (b *bars) row(name, value word, unit float64, parts ...part) {
	if len(b.Rows) == maxBars {
		b.More++
		return
	}
	top := float64(len(b.Rows) * barHeight)
	name.X, name.Y, value.X, value.Y = 0, pixels(top+14), plotWidth, pixels(top+14)
	r := horizontalBar{Name: name, Value: value}
	x := 0.0
	for _, v := range parts {
		if v.value > 0 {
			r.Marks = append(r.Marks, mark{Of: v.of, Class: v.class, X: pixels(x), Y: pixels(top + 20), W: pixels(v.value * unit), H: 9})
			x += v.value * unit
		}
	}
	b.Rows = append(b.Rows, r)
	b.Height = len(b.Rows) * barHeight
}

// stepBars draw where time went.
func stepBars(steps []summary.Step) (b bars) {
	for i, s := range steps {
		of := fmt.Sprint("steps.", i)
		longest := max(steps[0].Percent, 0.01)
		b.row(word{Of: of + ".name", Text: s.Name}, word{Of: of + ".percent", Text: number(s.Percent) + " %"}, plotWidth/longest, part{of + ".percent", "step", s.Percent})
	}
	return b
}

// causeBars draw what stopped cards, those that were put in again among them.
func causeBars(causes []summary.Cause) (b bars) {
	for i, c := range causes {
		of := fmt.Sprint("causes.", i)
		parts := []part{{of + ".rejected", "rejected", float64(c.Rejected)}, {of + ".quarantined", "quarantined", float64(c.Quarantined)},
			{of + ".put_in_again", "again", float64(c.PutInAgain)}, {of + ".redone", "step", float64(c.Redone)}, {of + ".unclaimed", "unclaimed", float64(c.Unclaimed)}}
		b.row(word{Of: of + ".code", Text: c.Code}, word{Of: of, Text: sumWords(parts)}, plotWidth/float64(max(1, causes[0].Total())), parts...)
	}
	return b
}

// sumWords are the parts that are there, in the order they are drawn.
func sumWords(parts []part) string {
	var out []string
	for _, p := range parts {
		if p.value > 0 {
			out = append(out, number(p.value))
		}
	}
	return strings.Join(out, " + ")
}

// balanceMarks is one bar of all ordered cards.
func balanceMarks(parts []balancePart) (out []mark) {
	whole := 0
	for _, p := range parts {
		whole += p.Cards
	}
	x := 0.0
	for _, p := range parts {
		if p.Cards > 0 {
			w := 1000 * float64(p.Cards) / float64(whole)
			out = append(out, mark{Of: "balance." + p.Field, Class: p.Field, X: pixels(x), W: pixels(w), H: 22})
			x += w
		}
	}
	return out
}
