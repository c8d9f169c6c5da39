package summary

import (
	"math"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

// Throughput is how many cards were done in what time, as readers ended them: a person's later word on a card does not count. Times are
// those of the ledger.
type Throughput struct {
	Began    string     `json:"began,omitempty"`            // first claim
	Ended    string     `json:"ended,omitempty"`            // last card that a reader was done with
	Elapsed  float64    `json:"elapsed_ms"`                 // between them
	PerHour  *float64   `json:"per_hour,omitempty"`         // cards done over the whole of it, nights included
	Working  *float64   `json:"working_per_hour,omitempty"` // over the intervals in which a card was done, nights and breaks excluded
	Seconds  int64      `json:"interval_s,omitempty"`
	Interval []Interval `json:"intervals"`
}

// Interval is a time of fixed length, from Start on. The first and the last one may be worked in part only.
type Interval struct {
	Start   string  `json:"start"`
	Good    int     `json:"good"`
	Failed  int     `json:"failed"` // rejected or quarantined
	PerHour float64 `json:"per_hour"`
}

// maxIntervals bounds the list, and so the drawing of it, however long the job lasts.
const maxIntervals = 60

// lengths of an interval, in seconds; beyond them by doubling.
var lengths = []int64{60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400}

const microsecond = 1_000_000 // of a second

func (t *Tally) throughput() Throughput {
	out := Throughput{Interval: []Interval{}}
	first, last, done := int64(math.MaxInt64), int64(math.MinInt64), 0
	for _, c := range t.cards {
		if c.timed() {
			first, last = min(first, c.ended), max(last, c.ended)
			done++
		}
	}
	if t.began != 0 {
		out.Began = text(t.began)
	}
	if done == 0 {
		return out
	}
	out.Ended = text(last)
	if t.began != 0 && last > t.began {
		out.Elapsed = ms(last - t.began)
		out.PerHour = perHour(done, last-t.began)
	}
	out.Seconds = length(first, last)
	t.intervals(&out, first, last)
	return out
}

// length is the shortest interval of which maxIntervals reach from first to last, both in microseconds.
func length(first, last int64) int64 {
	s := int64(0)
	for i := 0; ; i++ {
		if i < len(lengths) {
			s = lengths[i]
		} else {
			s *= 2
		}
		if floor(last, s)-floor(first, s) < maxIntervals {
			return s
		}
	}
}

// floor numbers the interval a time is in; the times before 1970 have negative ones.
func floor(micros, seconds int64) int64 {
	n := micros / (seconds * microsecond)
	if micros%(seconds*microsecond) < 0 {
		n--
	}
	return n
}

func (t *Tally) intervals(out *Throughput, first, last int64) {
	from := floor(first, out.Seconds)
	for i := from; i <= floor(last, out.Seconds); i++ {
		out.Interval = append(out.Interval, Interval{Start: text(i * out.Seconds * microsecond)})
	}
	for _, c := range t.cards {
		if !c.timed() {
			continue
		}
		if x := &out.Interval[floor(c.ended, out.Seconds)-from]; c.outcome == ledger.Good {
			x.Good++
		} else {
			x.Failed++
		}
	}
	t.rates(out, from, last)
}

// rates fills in what the counts of the intervals come to. Of the first and the last one that was worked in, only the part between first
// claim and last card counts.
func (t *Tally) rates(out *Throughput, from, last int64) {
	length := out.Seconds * microsecond
	all, busy := 0, int64(0)
	for i := range out.Interval {
		x := &out.Interval[i]
		n := x.Good + x.Failed
		x.PerHour = *perHour(n, length)
		if start := (from + int64(i)) * length; n > 0 {
			all, busy = all+n, busy+max(0, min(start+length, last)-max(start, t.began))
		}
	}
	if t.began != 0 && busy > 0 {
		out.Working = perHour(all, busy)
	}
}

// perHour is a rate of cards, to a tenth.
func perHour(cards int, micros int64) *float64 {
	r := round(float64(cards)*3600*microsecond/float64(micros), 1)
	return &r
}

func text(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }

// timed tells a card that a reader was done with.
func (c *card) timed() bool { return c.done() && c.ended != 0 }
