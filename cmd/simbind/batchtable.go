package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/simbind/simbind/personalize/batch"
)

// batchTable is the live view on a terminal: a head line and a line a reader, repainted in place. Cards that are not good scroll away above it.
type batchTable struct {
	a     *app
	order batch.Order
	out   *os.File

	mu      sync.Mutex
	rows    []*batchRow
	result  batch.Result
	goods   []time.Time // of this run, the latest
	painted int         // lines on the screen
	done    chan struct{}
}

// batchRow is one reader.
type batchRow struct {
	slot, iccid string
	state       string
	sign        *sign
	good, other int
	since       time.Time
}

func newBatchTable(a *app, order batch.Order, out *os.File) *batchTable {
	t := &batchTable{a: a, order: order, out: out, done: make(chan struct{})}
	go t.tick()
	return t
}

// tick keeps the times going while nothing happens.
func (t *batchTable) tick() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-t.done:
			return
		case <-every.C:
			t.mu.Lock()
			_ = t.paint("") // the next event tells
			t.mu.Unlock()
		}
	}
}

func (t *batchTable) tell(e batch.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result = *e.Result
	above := ""
	switch e.Kind {
	case batch.Ended:
		close(t.done)
		if err := t.wipe(); err != nil {
			return err
		}
		return endLines(t.out, e.Result)
	case batch.Started:
	case batch.Reader:
		t.readerChanged(e)
	case batch.Progress:
		r := t.row(e.Slot)
		r.iccid, r.state, r.sign, r.since = e.ICCID, e.Step, nil, e.Time
	case batch.Done:
		above = t.cardDone(e)
	}
	return t.paint(above)
}

func (t *batchTable) readerChanged(e batch.Event) {
	if e.Slot == "" {
		return
	}
	r := t.row(e.Slot)
	r.state, r.since = e.Step, e.Time
	if e.Step == "ready" {
		r.state, r.sign, r.iccid = "waits for a card", nil, ""
	}
	if e.Reason != "" {
		r.state += ": " + e.Reason
	}
}

// cardDone gives the line that stays on the screen when the card is not good, or something about it is worth a second look.
func (t *batchTable) cardDone(e batch.Event) string {
	r, s := t.row(e.Slot), signs[e.Verdict]
	r.iccid, r.sign, r.state, r.since = e.ICCID, &s, s.do, e.Time
	if e.Verdict == batch.Good {
		r.good++
		t.goods = append(t.goods, e.Time)
		t.goods = t.goods[max(0, len(t.goods)-rateOver):]
	} else {
		r.other++
	}
	if s.word == "GOOD" && len(e.Notes) == 0 {
		return ""
	}
	return cardLine(t.a, e)
}

func (t *batchTable) row(slot string) *batchRow {
	for _, r := range t.rows {
		if r.slot == slot {
			return r
		}
	}
	r := &batchRow{slot: slot}
	t.rows = append(t.rows, r)
	slices.SortFunc(t.rows, func(a, b *batchRow) int { return strings.Compare(a.slot, b.slot) })
	return r
}

// rateOver is how many of the latest good cards the rate is taken over.
const rateOver = 50

// pace is good cards an hour lately, and how long the rest takes at that; 0 until it can be told.
func (t *batchTable) pace(now time.Time) (perHour float64, rest time.Duration) {
	n := len(t.goods)
	if n < 2 {
		return 0, 0
	}
	span := now.Sub(t.goods[0])
	if span <= 0 {
		return 0, 0
	}
	c := t.result.Counts
	left := c.Ordered - c.Good - c.Rejected - c.Quarantined
	return float64(n-1) / span.Hours(), time.Duration(float64(span) / float64(n-1) * float64(left))
}

// lines are what is painted: one line each, cut to the width.
func (t *batchTable) lines(now time.Time, width int) []string {
	c := t.result.Counts
	head := fmt.Sprintf("%s   %d of %d good   %d bad   %d aside", t.order.Name, c.Good, c.Ordered, c.Rejected, c.Quarantined)
	if perHour, rest := t.pace(now); perHour > 0 {
		head += fmt.Sprintf("   %.0f cards/h   %s left", perHour, rest.Round(time.Second))
	}
	wide := 6
	for _, r := range t.rows {
		wide = max(wide, len(r.slot))
	}
	wide = min(wide, 32)
	if width > 0 { // the sign is what is looked for: on a narrow screen the name gives way
		wide = min(wide, max(width-26, 6))
	}
	out := []string{cut(head, width), cut(fmt.Sprintf("%-*s  %-14s  %-7s  %5s  %s", wide, "reader", "card", "", "good", "step"), width)}
	for _, r := range t.rows {
		plain := cut(fmt.Sprintf("%-*s  %-14s  %s  %5d  %s", wide, cut(r.slot, wide), t.a.shortICCID(r.iccid), signMark, r.good, t.step(r, now)), width-len(blank)+len(signMark))
		out = append(out, strings.Replace(plain, signMark, t.big(r.sign), 1))
	}
	return out
}

// signMark holds the place of the sign while a line is cut, blank is its width.
const (
	signMark = "\x00"
	blank    = "       "
)

func (t *batchTable) big(s *sign) string {
	if s == nil {
		return blank
	}
	word := fmt.Sprintf(" %-6s", s.word)
	if t.a.global.noColor || os.Getenv("NO_COLOR") != "" {
		return word
	}
	return "\x1b[" + s.colour + ";1m" + word + "\x1b[0m"
}

func (t *batchTable) step(r *batchRow, now time.Time) string {
	if r.sign == nil && r.iccid != "" {
		if s := now.Sub(r.since); s > 2*time.Second {
			return fmt.Sprintf("%s (%s)", r.state, s.Round(time.Second))
		}
	}
	return r.state
}

// cut shortens to a number of characters.
func cut(s string, width int) string {
	r := []rune(s)
	if width <= 0 || len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}

// paint puts the table over the one before; above is a line that stays.
func (t *batchTable) paint(above string) error {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	lines := t.lines(t.a.now(), width)
	lines = lines[:min(len(lines), max(height-1, 1))]
	var b strings.Builder
	t.home(&b)
	if above != "" {
		b.WriteString(above + "\n")
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	t.painted = len(lines)
	_, err = t.out.WriteString(b.String())
	return err
}

// home goes back over what was painted and clears it.
func (t *batchTable) home(b *strings.Builder) {
	if t.painted > 0 {
		fmt.Fprintf(b, "\x1b[%dA", t.painted)
	}
	b.WriteString("\r\x1b[J")
}

func (t *batchTable) wipe() error {
	var b strings.Builder
	t.home(&b)
	t.painted = 0
	_, err := t.out.WriteString(b.String())
	return err
}
