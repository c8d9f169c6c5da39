package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/simbind/simbind/personalize/ledger/summary"
)

// px is a length in a drawing; it is written with two decimals at most.
type px float64

func (x px) String() string { return strconv.FormatFloat(float64(x), 'f', -1, 64) }

func pixels(x float64) px { return px(float64(int64(x*100+0.5)) / 100) }

// Measures of a drawing of columns. It is as wide as a phone or half a desk's screen, so that its words are read on both.
const (
	plotWidth, plotHeight = 440, 210
	plotLeft, plotRight   = 44, 404
	plotTop, plotBottom   = 30, 172
)

// mark is a rectangle that stands for a figure of the JSON; Of names it there.
type mark struct {
	Of, Class  string
	X, Y, W, H px
}

// column is one place of the lower axis with the marks that stand on it. Title is what the browser shows over it.
type column struct {
	Of, Title string
	Marks     []mark
}

// word is a text in a drawing. One without Of is a number of the scale.
type word struct {
	Of, Text string
	X, Y     px
	Before   bool // the text ends here instead of beginning
}

// columns is a drawing of columns over an axis.
type columns struct {
	Columns []column
	Scale   []word // left axis, Y is the line
	Below   []word // lower axis
	Lines   []word // upright lines with a word
}

// scaled gives the highest value of an axis and the steps to it: 1, 2 or 5 times a power of ten, five steps at most.
func scaled(highest float64) (top, step float64) {
	for unit := 1.0; ; unit *= 10 {
		for _, s := range []float64{unit, 2 * unit, 5 * unit} {
			if highest <= 5*s {
				n := 1.0
				for n*s < highest {
					n++
				}
				return n * s, s
			}
		}
	}
}

// axis draws the scale, and gives pixels a unit.
func (p *columns) axis(highest float64) float64 {
	top, step := scaled(highest)
	unit := (plotBottom - plotTop) / top
	for v := 0.0; v <= top; v += step {
		p.Scale = append(p.Scale, word{Text: number(v), X: plotLeft - 6, Y: pixels(plotBottom - v*unit)})
	}
	return unit
}

// part is a value of a column, drawn on top of the ones before it.
type part struct {
	of, class string
	value     float64
}

// stack draws the parts of column i of n.
func (p *columns) stack(i, n int, of, title string, unit float64, parts ...part) {
	width := float64(plotRight-plotLeft) / float64(n)
	c := column{Of: of, Title: title}
	y := float64(plotBottom)
	for _, v := range parts {
		if v.value <= 0 {
			continue
		}
		h := v.value * unit
		y -= h
		c.Marks = append(c.Marks, mark{Of: v.of, Class: v.class, X: pixels(plotLeft + float64(i)*width + width*0.08), Y: pixels(y), W: pixels(width * 0.84), H: pixels(h)})
	}
	if len(c.Marks) > 0 {
		p.Columns = append(p.Columns, c)
	}
}

// below puts a word under the left edge of every few columns.
func (p *columns) below(n, words int, text func(i int) word) {
	every := max(1, (n+words-1)/words)
	width := float64(plotRight-plotLeft) / float64(n)
	for i := 0; i < n; i += every {
		w := text(i)
		w.X, w.Y = pixels(plotLeft+float64(i)*width), plotBottom+18
		p.Below = append(p.Below, w)
	}
}

// throughputPlot draws cards an hour over time.
func throughputPlot(t summary.Throughput) (p columns) {
	highest := 0.0
	for _, x := range t.Interval {
		highest = max(highest, x.PerHour)
	}
	unit := p.axis(highest) * 3600 / float64(max(1, t.Seconds)) // of a card
	n := len(t.Interval)
	for i, x := range t.Interval {
		of := fmt.Sprint("throughput.intervals.", i)
		title := fmt.Sprintf("from %s: %d good, %d failed, %s an hour", clockWord(x.Start, true), x.Good, x.Failed, number(x.PerHour))
		p.stack(i, n, of, title, unit, part{of + ".good", "good", float64(x.Good)}, part{of + ".failed", "rejected", float64(x.Failed)})
	}
	long := n > 0 && t.Interval[0].Start[:10] != t.Interval[n-1].Start[:10]
	words := 6
	if long {
		words = 4
	}
	p.below(n, words, func(i int) word {
		return word{Of: fmt.Sprintf("throughput.intervals.%d.start", i), Text: clockWord(t.Interval[i].Start, long)}
	})
	return p
}

// clockWord is the time of the day, with the date when asked for.
func clockWord(rfc3339 string, date bool) string {
	at, err := time.Parse(time.RFC3339, rfc3339)
	switch {
	case err != nil:
		return rfc3339
	case date:
		return at.Format("01-02 15:04")
	}
	return at.Format("15:04")
}

// cyclePlot draws how long good cards took.
func cyclePlot(c summary.Cycle) (p columns) {
	highest := 0
	for _, b := range c.Histogram {
		highest = max(highest, b.Cards)
	}
	unit := p.axis(float64(highest))
	n := len(c.Histogram)
	for i, b := range c.Histogram {
		of := fmt.Sprint("cycle.histogram.", i)
		title := fmt.Sprintf("%s or longer: %d cards", edge(b.From), b.Cards)
		if b.To != nil {
			title = fmt.Sprintf("%s to %s: %d cards", edge(b.From), edge(*b.To), b.Cards)
		}
		p.stack(i, n, of, title, unit, part{of + ".cards", "good", float64(b.Cards)})
	}
	p.below(n, 5, func(i int) word {
		return word{Of: fmt.Sprintf("cycle.histogram.%d.from_ms", i), Text: edge(c.Histogram[i].From)}
	})
	p.line(c, "cycle.good.p50_ms", "median", 0)
	p.line(c, "cycle.good.p95_ms", "95 of 100", 12)
	return p
}

// edge is where a bin begins, exactly.
func edge(ms float64) string {
	if ms < 1000 {
		return number(ms) + " ms"
	}
	return number(ms/1000) + " s"
}

// line marks a percentile, if it is on the axis.
func (p *columns) line(c summary.Cycle, of, text string, down float64) {
	if c.Good == nil || len(c.Histogram) == 0 || c.Histogram[0].To == nil {
		return
	}
	at := c.Good.P50
	if of == "cycle.good.p95_ms" {
		at = c.Good.P95
	}
	width := *c.Histogram[0].To - c.Histogram[0].From
	x := plotLeft + (at-c.Histogram[0].From)/width*float64(plotRight-plotLeft)/float64(len(c.Histogram))
	if x <= plotRight {
		p.Lines = append(p.Lines, word{Of: of, Text: text, X: pixels(x), Y: pixels(plotTop - 18 + down), Before: x > (plotLeft+plotRight)/2})
	}
}
