package summary

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/simbind/simbind/personalize/ledger"
)

// TestPercentile by nearest rank: place ⌈p·n/100⌉.
func TestPercentile(t *testing.T) {
	five := []int64{15, 20, 35, 40, 50}
	ten := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, row := range []struct {
		of   []int64
		p    int
		want int64
	}{
		{five, 5, 15}, {five, 20, 15}, {five, 21, 20}, {five, 30, 20}, {five, 40, 20}, {five, 50, 35}, {five, 100, 50},
		{ten, 50, 5}, {ten, 51, 6}, {ten, 90, 9}, {ten, 95, 10}, {ten, 99, 10}, {ten, 1, 1}, {ten, 0, 1}, {nil, 50, 0},
	} {
		if got := Percentile(row.of, row.p); got != row.want {
			t.Errorf("%d of %v: %d, want %d", row.p, row.of, got, row.want)
		}
	}
}

// TestHistogramTail: one card that was left in its reader is in a bin of its own, without end; the others keep theirs.
func TestHistogramTail(t *testing.T) {
	var times []int64
	for i := range 199 {
		times = append(times, 2_000_000+int64(i)*10_000) // 2.00 s to 3.98 s
	}
	got := histogram(sorted(append(times, 600_000_000)))
	last := got[len(got)-1]
	if last.To != nil || last.Cards != 1 || last.From != 4000 {
		t.Errorf("last bin %+v", last)
	}
	if got[0].From != 2000 || *got[0].To != 2100 || got[0].Cards != 10 || len(got) != 21 {
		t.Errorf("%d bins, the first %+v", len(got), got[0])
	}
}

// TestHistogramHoldsEveryCard: whatever the times, the bins are bounded in number, follow each other, and hold every card where it belongs.
func TestHistogramHoldsEveryCard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := sorted(rapid.SliceOf(rapid.Int64Range(0, 1<<62)).Draw(t, "times"))
		left := slices.Clone(times)
		bins := histogram(times)
		if len(bins) > maxBins+1 {
			t.Fatalf("%d bins", len(bins))
		}
		for i, b := range bins {
			if i > 0 && b.From != *bins[i-1].To {
				t.Fatalf("bin %d begins at %v, the one before ends at %v", i, b.From, *bins[i-1].To)
			}
			if b.To == nil && i < len(bins)-1 {
				t.Fatalf("bin %d of %d has no end", i, len(bins))
			}
			if b.Cards > 0 && float64(left[0])/1000 < b.From {
				t.Fatalf("bin %d from %v holds %d", i, b.From, left[0])
			}
			left = left[b.Cards:]
		}
		if len(left) != 0 {
			t.Fatalf("%d cards in no bin", len(left))
		}
	})
}

// TestIntervals: a job of seconds and one of years have a bounded number, and every card is in one.
func TestIntervals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tally := New()
		at := rapid.SliceOfN(rapid.Int64Range(-62135596800, 253402300799).Filter(func(s int64) bool { return s != 0 }), 1, 20).Draw(t, "seconds")
		for i, s := range at {
			r := ledger.Record{Kind: ledger.KindConclude, Card: fmt.Sprint(i), Outcome: ledger.Good, Time: time.Unix(s, 0)}
			tally.Record(r)
		}
		got := tally.Summary(0).Throughput
		n := 0
		for _, x := range got.Interval {
			n += x.Good
		}
		if len(got.Interval) > maxIntervals || n != len(at) {
			t.Fatalf("%d intervals hold %d of %d cards", len(got.Interval), n, len(at))
		}
	})
}

func TestIntervalLength(t *testing.T) {
	const day = 86400 * microsecond
	for _, row := range []struct{ first, last, want int64 }{
		{0, 0, 60}, {0, 59 * 60 * microsecond, 60}, {0, 60 * 60 * microsecond, 120}, {0, 8 * 3600 * microsecond, 600}, {0, 59 * day, 86400}, {0, 60 * day, 2 * 86400},
	} {
		if got := length(row.first, row.last); got != row.want {
			t.Errorf("%d to %d: %d, want %d", row.first, row.last, got, row.want)
		}
	}
}

// TestAnyRecords: whatever a ledger holds, in whatever order, nothing panics, every card is somewhere once, and places add up to the balance.
func TestAnyRecords(t *testing.T) {
	kinds := []ledger.Kind{ledger.KindClaim, ledger.KindEvent, ledger.KindConclude, ledger.KindTakeOver, ledger.KindRelease, ledger.KindReject, ledger.KindRemark}
	outcomes := []ledger.Outcome{ledger.Good, ledger.Rejected, ledger.Quarantined, ledger.Untouched, "", "odd"}
	cards := []string{"a", "b", "c", ""}
	rapid.Check(t, func(t *rapid.T) {
		tally := New()
		tally.Record(ledger.Record{Kind: ledger.KindJob, Order: &ledger.Order{Ordered: len(cards)}})
		for range rapid.IntRange(0, 60).Draw(t, "records") {
			tally.Record(ledger.Record{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Card: rapid.SampledFrom(cards).Draw(t, "card"), Outcome: rapid.SampledFrom(outcomes).Draw(t, "outcome"),
				Code: rapid.SampledFrom([]string{"", codeFound, "link"}).Draw(t, "code"), Replaces: rapid.SampledFrom([]string{"", "x"}).Draw(t, "replaces"),
				Reader: rapid.SampledFrom([]string{"", "slot 1", "slot 2"}).Draw(t, "reader"), Micros: rapid.Int64().Draw(t, "us"), Time: time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "time")),
			})
		}
		for _, c := range cards {
			tally.Ordered(c)
		}
		s := tally.Summary(0)
		n, good, open := s.Balance, 0, 0
		for _, g := range s.Readers {
			good, open = good+g.Good, open+g.Open
		}
		if !s.Balanced || n.Good+n.Rejected+n.Quarantined+n.Open+n.Untouched != len(cards) || good != n.Good || open != n.Open || s.Yield.Done != n.Good+n.Rejected+n.Quarantined {
			t.Fatalf("%+v, readers %+v", n, s.Readers)
		}
	})
}

func TestNatural(t *testing.T) {
	want := []string{"", "2", "10", "desk-1 slot 2", "desk-1 slot 10", "desk-2 slot 1", "slot", "slot 01", "slot 1", "slot 1a"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, natural)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestManyCards: a hundred thousand cards leave bounded lists behind.
func TestManyCards(t *testing.T) {
	tally := New()
	begin := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	const cards = 100_000
	tally.Record(ledger.Record{Kind: ledger.KindJob, Order: &ledger.Order{Ordered: cards}})
	for i := range cards {
		r := ledger.Record{Kind: ledger.KindClaim, Card: fmt.Sprint(i), Station: "desk-1", Reader: fmt.Sprint("slot ", i%8), Time: begin.Add(time.Duration(i) * time.Second)}
		tally.Record(r)
		r.Kind, r.Step, r.Micros = ledger.KindEvent, "write", int64(900_000+i%1000)
		tally.Record(r)
		r.Kind, r.Outcome, r.Micros = ledger.KindConclude, ledger.Good, int64(2_000_000+i%5000)
		tally.Record(r)
	}
	for i := range cards {
		tally.Ordered(fmt.Sprint(i))
	}
	s := tally.Summary(0)
	if !s.Balanced || s.Balance.Good != cards || len(s.Readers) != 8 || len(s.Cycle.Histogram) > maxBins+1 || len(s.Throughput.Interval) > maxIntervals {
		t.Errorf("%+v, %d readers, %d bins, %d intervals", s.Balance, len(s.Readers), len(s.Cycle.Histogram), len(s.Throughput.Interval))
	}
}

// TestShareOfMany: one bad card of many is no yield of 100.
func TestShareOfMany(t *testing.T) {
	for _, row := range []struct {
		part, whole int
		want        float64
	}{{0, 3, 0}, {3, 3, 100}, {1, 3, 33.33}, {2, 3, 66.67}, {99_999, 100_000, 99.99}, {1, 100_000, 0.01}, {19_999, 20_000, 99.99}} {
		if got := share(row.part, row.whole); got == nil || *got != row.want {
			t.Errorf("%d of %d: %v, want %v", row.part, row.whole, got, row.want)
		}
	}
	if share(0, 0) != nil {
		t.Error("a share of nothing")
	}
}
