package batch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/simbind/simbind/vuicc"
)

// clocks are how fast a card is: T=0 at 115200 bit/s and nothing else; the same with two frames of USB (1 ms each at full speed) a command and 4 ms
// to erase and write a page of 64 bytes.
var clocks = []struct {
	name   string
	timing vuicc.Timing
}{
	{"contacts", vuicc.Timing{BitRate: 115200, Wait: true}},
	{"real", vuicc.Timing{BitRate: 115200, Overhead: 2 * time.Millisecond, Page: 64, Write: 4 * time.Millisecond, Wait: true}},
}

// BenchmarkReaders is the bench with cards that take their time, and no pause between one and the next: cards a second; of the median card the time,
// and the tool's own share of it, the disk's included.
func BenchmarkReaders(b *testing.B) {
	for _, c := range clocks {
		for _, readers := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", c.name, readers), func(b *testing.B) { benchReaders(b, c.timing, readers) })
		}
	}
}

func benchReaders(b *testing.B, timing vuicc.Timing, readers int) {
	const each = 12
	var wall time.Duration
	var took, own []time.Duration
	for b.Loop() {
		r := newRigWith(b, readers, each*readers, "usim-only", timing)
		result, err := r.work()
		if err != nil || result.Tally[Good] != each*readers {
			b.Fatalf("%+v, %v", result, err)
		}
		wall += result.Elapsed
		for _, e := range r.events {
			if e.Kind == Done {
				took, own = append(took, e.Took), append(own, e.Took-e.Waited)
			}
		}
	}
	b.ReportMetric(float64(len(took))/wall.Seconds(), "cards/s")
	b.ReportMetric(float64(median(took).Microseconds())/1000, "ms/card")
	b.ReportMetric(100*float64(median(own))/float64(median(took)), "%own")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
