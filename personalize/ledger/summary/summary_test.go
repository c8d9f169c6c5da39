package summary

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/personalize/ledger"
)

// story writes records as a bench does. at is a time of the day, took milliseconds.
type story struct {
	t     *testing.T
	tally *Tally
}

func clock(t *testing.T, at string) time.Time {
	t.Helper()
	when, err := time.Parse(time.DateTime, "2026-03-02 "+at)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func (s *story) record(at string, where place, r ledger.Record) {
	r.Time, r.Station, r.Reader, r.Operator = clock(s.t, at), where.station, where.reader, where.operator
	s.tally.Record(r)
}

func (s *story) claim(at string, where place, card, replaces string) {
	s.record(at, where, ledger.Record{Kind: ledger.KindClaim, Card: card, Replaces: replaces})
}

func (s *story) step(at string, where place, card, step string, took int64, apdus int) {
	s.record(at, where, ledger.Record{Kind: ledger.KindEvent, Card: card, Step: step, Micros: took * 1000, APDUs: apdus})
}

func (s *story) conclude(at string, where place, card string, o ledger.Outcome, code string, took int64) {
	s.record(at, where, ledger.Record{Kind: ledger.KindConclude, Card: card, Step: "conclude", Outcome: o, Code: code, Micros: took * 1000, APDUs: 13})
}

var (
	slot1 = place{"desk-1", "slot 1", "anna"}
	slot2 = place{"desk-1", "slot 2", "anna"}
	desk2 = place{"desk-2", "slot 1", "bert"}
)

// morning is a batch with one of everything: nine cards ordered, c7 never shown.
func morning(t *testing.T) *Tally {
	s := &story{t, New()}
	s.record("07:59:00", place{"desk-1", "", "anna"}, ledger.Record{Kind: ledger.KindJob, Order: &ledger.Order{Name: "march", Ordered: 9}})
	// c0: good.
	s.claim("08:00:00", slot1, "c0", "")
	s.step("08:00:01", slot1, "c0", "read", 300, 6)
	s.step("08:00:02", slot1, "c0", "write", 500, 2)
	s.step("08:00:02", slot1, "c0", "verify", 700, 5)
	s.conclude("08:00:02", slot1, "c0", ledger.Good, "", 2000)
	// c1: good after a bad contact.
	s.claim("08:00:10", slot1, "c1", "")
	s.conclude("08:00:11", slot1, "c1", ledger.Untouched, "link", 1000)
	s.claim("08:00:20", slot1, "c1", "")
	s.step("08:00:21", slot1, "c1", "read", 300, 6)
	s.step("08:00:24", slot1, "c1", "write", 500, 2)
	s.step("08:00:24", slot1, "c1", "verify", 700, 5)
	s.conclude("08:00:24", slot1, "c1", ledger.Good, "", 4000)
	// c2 and c3 fail; a card of another job is shown.
	s.claim("08:01:00", slot2, "c2", "")
	s.conclude("08:01:03", slot2, "c2", ledger.Rejected, "link", 3000)
	s.claim("08:02:00", slot2, "c3", "")
	s.conclude("08:02:05", slot2, "c3", ledger.Quarantined, "read_back_differs", 5000)
	s.record("08:02:30", slot2, ledger.Record{Kind: ledger.KindRemark, Card: "x", Step: "identify", Code: "not_ordered", Micros: 500_000})
	// c4: its station dies while it writes; another one finds the card as before and writes it.
	s.claim("08:03:00", desk2, "c4", "")
	s.step("08:03:01", desk2, "c4", "write", 500, 1)
	s.record("08:09:00", place{"desk-1", "", "anna"}, ledger.Record{Kind: ledger.KindRelease, Card: "c4"})
	s.record("08:10:00", slot1, ledger.Record{Kind: ledger.KindTakeOver, Card: "c4"})
	s.step("08:10:01", slot1, "c4", "read", 300, 6)
	s.conclude("08:10:01", slot1, "c4", ledger.Untouched, codeFound, 0)
	s.claim("08:10:01", slot1, "c4", "")
	s.step("08:10:03", slot1, "c4", "write", 600, 2)
	s.step("08:10:03", slot1, "c4", "verify", 700, 5)
	s.conclude("08:10:03", slot1, "c4", ledger.Good, "", 3000)
	// c5 stays in doubt, c6 is done twice with a reason, c8 is never read again.
	s.claim("08:20:00", desk2, "c5", "")
	s.claim("08:30:00", desk2, "c6", "")
	s.conclude("08:30:10", desk2, "c6", ledger.Good, "", 10000)
	s.claim("08:39:59", desk2, "c6", "a claim")
	s.conclude("08:40:02", desk2, "c6", ledger.Good, "", 2000)
	s.claim("08:45:00", slot2, "c8", "")
	s.record("08:50:00", place{"desk-1", "", "anna"}, ledger.Record{Kind: ledger.KindReject, Card: "c8", Outcome: ledger.Rejected})
	return s.tally
}

func all(tally *Tally, cards ...string) Summary {
	for _, c := range cards {
		tally.Ordered(c)
	}
	return tally.Summary(1)
}

func of[T any](v T) *T { return &v }

// TestMorning: every figure of the batch, worked out by hand.
func TestMorning(t *testing.T) {
	got := all(morning(t), "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8")
	intervals := got.Throughput.Interval
	got.Throughput.Interval = nil
	got.Cycle.Histogram = nil
	want := Summary{
		Balance:  ledger.Counts{Ordered: 9, Good: 4, Rejected: 2, Quarantined: 1, Open: 1, Untouched: 1, Elsewhere: 1},
		Balanced: true,
		Yield:    Yield{Done: 7, Percent: of(57.14), FirstPass: 1, FirstPassPercent: of(14.29)},
		Throughput: Throughput{
			Began: "2026-03-02T08:00:00Z", Ended: "2026-03-02T08:40:02Z", Elapsed: 2_402_000, PerHour: of(9.0), Working: of(89.3), Seconds: 60,
		},
		Cycle: Cycle{
			Good:    &Spread{Count: 4, Mean: 2750, Min: 2000, P50: 2000, P90: 4000, P95: 4000, P99: 4000, Max: 4000},
			Between: &Spread{Count: 6, Mean: 210_750, Min: 8000, P50: 24_500, P90: 590_000, P95: 590_000, P99: 590_000, Max: 590_000},
		},
		Steps: []Step{
			{Name: "other", Runs: 8, Total: 25_400, Percent: 83.28, P50: 2000, P95: 10_000},
			{Name: "verify", Runs: 3, APDUs: 15, Total: 2100, Percent: 6.89, P50: 700, P95: 700},
			{Name: "write", Runs: 4, APDUs: 7, Total: 2100, Percent: 6.89, P50: 500, P95: 600},
			{Name: "read", Runs: 3, APDUs: 18, Total: 900, Percent: 2.95, P50: 300, P95: 300},
		},
		Causes: []Cause{
			{Code: "link", Rejected: 1, PutInAgain: 1}, {Code: "not_ordered", Unclaimed: 1},
			{Code: "read_back_differs", Quarantined: 1}, {Code: "rejected_by_person", Rejected: 1},
		},
		Retries: Retries{Attempts: 11, PutInAgain: 1, TakenOver: 1, Released: 1, Redone: 1, ByAttempts: []Attempts{{1, 5}, {2, 3}}},
		Readers: []Group{
			{Station: "desk-1", Reader: "slot 1", Good: 3, Percent: of(100.0), Attempts: 4, PutInAgain: 1, P50: of(3000.0), P95: of(4000.0)},
			{Station: "desk-1", Reader: "slot 2", Rejected: 2, Quarantined: 1, Percent: of(0.0), Attempts: 3},
			{Station: "desk-2", Reader: "slot 1", Good: 1, Open: 1, Percent: of(100.0), Attempts: 4, P50: of(2000.0), P95: of(2000.0)},
		},
		Stations: []Group{
			{Station: "desk-1", Good: 3, Rejected: 2, Quarantined: 1, Percent: of(50.0), Attempts: 7, PutInAgain: 1, P50: of(3000.0), P95: of(4000.0)},
			{Station: "desk-2", Good: 1, Open: 1, Percent: of(100.0), Attempts: 4, P50: of(2000.0), P95: of(2000.0)},
		},
		Operators: []Group{
			{Operator: "anna", Good: 3, Rejected: 2, Quarantined: 1, Percent: of(50.0), Attempts: 7, PutInAgain: 1, P50: of(3000.0), P95: of(4000.0)},
			{Operator: "bert", Good: 1, Open: 1, Percent: of(100.0), Attempts: 4, P50: of(2000.0), P95: of(2000.0)},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	checkMinutes(t, intervals)
}

// checkMinutes: 41 intervals of a minute, five of them with cards.
func checkMinutes(t *testing.T, got []Interval) {
	t.Helper()
	want := map[int]Interval{
		0: {Good: 2, PerHour: 120}, 1: {Failed: 1, PerHour: 60}, 2: {Failed: 1, PerHour: 60},
		10: {Good: 1, PerHour: 60}, 40: {Good: 1, PerHour: 60},
	}
	if len(got) != 41 {
		t.Fatalf("%d intervals", len(got))
	}
	for i, x := range got {
		w := want[i]
		w.Start = fmt.Sprintf("2026-03-02T08:%02d:00Z", i)
		if x != w {
			t.Errorf("interval %d: %+v, want %+v", i, x, w)
		}
	}
}

// TestCard: what a row of the list says.
func TestCard(t *testing.T) {
	tally := morning(t)
	want := Card{
		Outcome: ledger.Good, Station: "desk-1", Reader: "slot 1", Operator: "anna", Attempts: 2, APDUs: 13, Took: 3 * time.Second,
		Claimed: clock(t, "08:10:01"), Concluded: clock(t, "08:10:03"),
	}
	if d := cmp.Diff(want, tally.Ordered("c4")); d != "" {
		t.Error(d)
	}
	if got := tally.Ordered("c8"); got.Outcome != ledger.Rejected || got.Code != CodeByPerson {
		t.Errorf("%+v", got)
	}
	if got := tally.Ordered("c6"); got.Redone != 1 || got.Took != 2*time.Second {
		t.Errorf("%+v", got)
	}
	if got := tally.Ordered("never seen"); got != (Card{Outcome: ledger.Untouched}) {
		t.Errorf("%+v", got)
	}
}

// TestImbalance: a list that is shorter or longer than ordered, names a card twice, or lacks one that was worked on, does not balance.
func TestImbalance(t *testing.T) {
	list := []string{"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"}
	for name, cards := range map[string][]string{
		"short": list[:8], "lacks c0": append(slices.Clone(list[1:]), "c9"), "longer": append(slices.Clone(list), "c9"), "twice": append(slices.Clone(list[:8]), "c0"),
	} {
		if s := all(morning(t), cards...); s.Balanced {
			t.Errorf("%s: %+v balances", name, s.Balance)
		}
	}
}

// TestNothing: a job without a card done has no yield, no rates and no times, and says so by their absence.
func TestNothing(t *testing.T) {
	got := all(New())
	want := Summary{
		Balance: ledger.Counts{Elsewhere: 1}, Balanced: true, Throughput: Throughput{Interval: []Interval{}}, Cycle: Cycle{Histogram: []Bin{}}, Steps: []Step{},
		Causes: []Cause{}, Retries: Retries{ByAttempts: []Attempts{}}, Readers: []Group{}, Stations: []Group{}, Operators: []Group{},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestOneCard: every percentile is its time, and there is one interval.
func TestOneCard(t *testing.T) {
	s := &story{t, New()}
	s.record("07:59:00", slot1, ledger.Record{Kind: ledger.KindJob, Order: &ledger.Order{Ordered: 1}})
	s.claim("08:00:00", slot1, "c0", "")
	s.conclude("08:00:02", slot1, "c0", ledger.Good, "", 2345)
	got := all(s.tally, "c0")
	if d := cmp.Diff(&Spread{1, 2345, 2345, 2345, 2345, 2345, 2345, 2345}, got.Cycle.Good); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Bin{{2345, of(2346.0), 1}}, got.Cycle.Histogram); d != "" {
		t.Error(d)
	}
	if n := len(got.Throughput.Interval); n != 1 || *got.Throughput.PerHour != 1800 {
		t.Errorf("%d intervals, %v an hour", n, *got.Throughput.PerHour)
	}
}

// TestApprovals: signers of start and seal are named once each, those of redos counted.
func TestApprovals(t *testing.T) {
	s := &story{t, New()}
	for _, a := range []struct {
		by     string
		action ledger.Action
	}{{"anna", ledger.Start}, {"bert", ledger.Start}, {"anna", ledger.Start}, {"anna", ledger.Redo}, {"bert", ledger.Redo}, {"bert", ledger.Close}} {
		s.record("08:00:00", place{operator: a.by}, ledger.Record{Kind: ledger.KindApproval, Approval: &ledger.Approval{Action: a.action, Key: a.by + "'s"}})
	}
	got, _ := s.tally.Job()
	want := Job{Approvals: []Approval{{ledger.Start, "anna", "anna's"}, {ledger.Start, "bert", "bert's"}, {ledger.Close, "bert", "bert's"}}, RedoSignatures: 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestRedoneFailure: a failure that a redo replaced stays among the causes, and the card counts as what it became.
func TestRedoneFailure(t *testing.T) {
	s := &story{t, New()}
	s.record("07:59:00", slot1, ledger.Record{Kind: ledger.KindJob, Order: &ledger.Order{Ordered: 1}})
	s.claim("08:00:00", slot1, "c0", "")
	s.conclude("08:00:02", slot1, "c0", ledger.Quarantined, "key_refused", 2000)
	s.claim("09:00:00", slot2, "c0", "the claim before")
	s.conclude("09:00:03", slot2, "c0", ledger.Good, "", 3000)
	got := all(s.tally, "c0")
	if d := cmp.Diff([]Cause{{Code: "key_refused", Redone: 1}}, got.Causes); d != "" {
		t.Error(d)
	}
	if got.Balance.Good != 1 || got.Balance.Quarantined != 0 || got.Retries.Redone != 1 || got.Readers[1].Good != 1 || got.Yield.FirstPass != 0 {
		t.Errorf("%+v", got)
	}
}
