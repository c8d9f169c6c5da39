package summary

import (
	"math"
	"slices"
)

// Percentile gives the p-th percentile by nearest rank: the value at place ⌈p·n/100⌉ of the sorted ones, so always one that was measured. 0 of none.
func Percentile(sorted []int64, p int) int64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return sorted[max(1, (p*n+99)/100)-1]
}

// Spread is how durations are distributed, in milliseconds. The percentiles are by nearest rank.
type Spread struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean_ms"`
	Min   float64 `json:"min_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// spread takes sorted microseconds; nil of none.
func spread(times []int64) *Spread {
	if len(times) == 0 {
		return nil
	}
	var sum float64
	for _, x := range times {
		sum += float64(x)
	}
	at := func(p int) float64 { return ms(Percentile(times, p)) }
	return &Spread{
		Count: len(times), Mean: round(sum/float64(len(times))/1000, 3), Min: ms(times[0]),
		P50: at(50), P90: at(90), P95: at(95), P99: at(99), Max: ms(times[len(times)-1]),
	}
}

// sorted sorts in place.
func sorted(times []int64) []int64 {
	slices.Sort(times)
	return times
}

// Bin is a bar of a histogram: the cards that took From or longer, and less than To. The last one may have no end.
type Bin struct {
	From  float64  `json:"from_ms"`
	To    *float64 `json:"to_ms,omitempty"`
	Cards int      `json:"cards"`
}

// maxBins bounds a histogram, and so the drawing of it, however many cards there are.
const maxBins = 24

// histogram takes sorted microseconds. Bins are of one width, 1, 2 or 5 times a power of ten, and reach up to the 99th percentile;
// what took longer is in one more bin without end, so that one card left in a reader does not flatten the others.
func histogram(times []int64) []Bin {
	out := []Bin{}
	if len(times) == 0 {
		return out
	}
	width := binWidth(times[0], Percentile(times, 99))
	from := times[0] / width
	n := int(Percentile(times, 99)/width-from) + 1
	for i := range n {
		to := ms((from + int64(i) + 1) * width)
		out = append(out, Bin{From: ms((from + int64(i)) * width), To: &to})
	}
	for _, x := range times {
		i := int(min(x/width-from, int64(n)))
		if i == len(out) {
			out = append(out, Bin{From: *out[n-1].To})
		}
		out[i].Cards++
	}
	return out
}

// binWidth is the least width, of a millisecond or more, with which low to high takes no more than maxBins.
func binWidth(low, high int64) int64 {
	for unit := int64(1000); unit < math.MaxInt64/10; unit *= 10 {
		for _, w := range []int64{unit, 2 * unit, 5 * unit} {
			if high/w-low/w < maxBins {
				return w
			}
		}
	}
	return math.MaxInt64
}
