package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/personalize/ledger"
)

// benched makes a ledger as a morning at two desks leaves it: benched FILE [sealed]. The job is called march and orders 60 cards.
func benched(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: benched FILE [sealed]")
	}
	ts.Check(makeBench(ts.MkAbs(args[0]), 60, slices.Contains(args, "sealed")))
}

// bench is a ledger that is filled by a clock of its own.
type bench struct {
	l       *ledger.Ledger
	job     ledger.Job
	at      time.Time
	chance  *rand.Rand
	actions []action
}

// action is something that happens at a time.
type action struct {
	at time.Time
	do func() error
}

var benchBegin = time.Date(2026, 3, 2, 7, 58, 30, 0, time.UTC)

func benchJob(cards int) ledger.Job {
	j := ledger.Job{Digest: strings.Repeat("0b", 32), Name: "march <500> & more"}
	for i := range cards {
		j.ICCIDs = append(j.ICCIDs, fmt.Sprintf("8988211000%09d", i))
	}
	return j
}

func makeBench(path string, cards int, sealed bool) error {
	b := &bench{job: benchJob(cards), at: benchBegin, chance: rand.New(rand.NewPCG(3, 14))}
	var err error
	if b.l, err = ledger.Open(context.Background(), path, ledger.Options{Now: func() time.Time { return b.at }}); err != nil {
		return err
	}
	defer b.l.Close()
	if err := b.l.Register(context.Background(), b.job, benchActor("desk-1", "slot 1")); err != nil {
		return err
	}
	b.plan()
	slices.SortStableFunc(b.actions, func(x, y action) int { return x.at.Compare(y.at) })
	for _, x := range b.actions {
		b.at = x.at
		if err := x.do(); err != nil {
			return err
		}
	}
	if !sealed {
		return nil
	}
	return b.seal(path + ".pem")
}

func benchActor(station, reader string) ledger.Actor {
	operator := "anna"
	if station == "desk-2" {
		operator = "bert"
	}
	return ledger.Actor{Station: station, Operator: operator, Reader: reader, Tool: "simbind test"}
}

// plan gives every card to the reader that is free first, and lets some of them fail. The last two are never shown.
func (b *bench) plan() {
	readers := []ledger.Actor{benchActor("desk-1", "slot 1"), benchActor("desk-1", "slot 2"), benchActor("desk-1", "slot 10"), benchActor("desk-2", "slot 1")}
	free := make([]time.Time, len(readers))
	for i := range free {
		free[i] = benchBegin.Add(time.Duration(90+20*i) * time.Second)
	}
	for i := range len(b.job.ICCIDs) - 2 {
		r := 0
		for k := range free {
			if free[k].Before(free[r]) {
				r = k
			}
		}
		free[r] = b.card(i, readers[r], free[r]).Add(time.Duration(4000+b.chance.IntN(9000)) * time.Millisecond)
		if i == 30 { // a break
			for k := range free {
				free[k] = free[k].Add(15 * time.Minute)
			}
		}
	}
}

// card plans the work on one card and gives its end.
func (b *bench) card(i int, by ledger.Actor, at time.Time) time.Time {
	switch {
	case i%13 == 5: // a bad contact first
		at = b.attempt(i, by, at, ledger.Untouched, ledger.Event{Code: "link", Note: "the card does not answer"}).Add(5 * time.Second)
	case i == 11 || i == 38:
		return b.attempt(i, by, at, ledger.Rejected, ledger.Event{Code: "link", Note: "the card does not answer"})
	case i == 17:
		return b.attempt(i, by, at, ledger.Quarantined, ledger.Event{Code: "read_back_differs", Note: "=EF_IMSI is not as written"})
	case i == 29:
		b.foreign(by, at)
		at = at.Add(7 * time.Second)
	case i == 43:
		return b.attempt(i, by, at, ledger.Underway, ledger.Event{})
	}
	return b.attempt(i, by, at, ledger.Good, ledger.Event{})
}

// attempt is one run on a card: claim, steps, conclusion.
func (b *bench) attempt(i int, by ledger.Actor, at time.Time, o ledger.Outcome, e ledger.Event) time.Time {
	ctx := context.Background()
	var steps []ledger.Event
	took := 180 * time.Millisecond
	for _, s := range []struct {
		name  string
		ms    int
		apdus int
	}{{"read", 210, 4}, {"read files", 340, 9}, {"session", 420, 3}, {"write", 650, 2}, {"verify", 880, 6}} {
		d := time.Duration(s.ms)*time.Millisecond + time.Duration(b.chance.IntN(150_000))*time.Microsecond
		took += d
		steps = append(steps, ledger.Event{Step: s.name, SW: apdu.SWOK, Duration: d, APDUs: s.apdus})
		if o != ledger.Good && s.name == "session" {
			break
		}
	}
	end := at.Add(took)
	var c *ledger.Claim
	b.actions = append(b.actions, action{at.Add(200 * time.Millisecond), func() (err error) {
		c, err = b.l.Claim(ctx, ledger.Want{Job: b.job.Digest, ICCID: b.job.ICCIDs[i], By: by})
		return err
	}}, action{end, func() error {
		if err := c.Events(ctx, steps...); err != nil || o == ledger.Underway {
			return err
		}
		e.Step, e.Duration, e.APDUs = "conclude", took, 24
		return c.Conclude(ctx, o, e)
	}})
	return end
}

func (b *bench) foreign(by ledger.Actor, at time.Time) {
	e := ledger.Event{Step: "identify", Code: "not_ordered", Note: "not in the job", Duration: 300 * time.Millisecond}
	b.actions = append(b.actions, action{at, func() error { return b.l.Remark(context.Background(), b.job.Digest, "8949000000000000001", by, e) }})
}

// seal settles what is open and signs.
func (b *bench) seal(keyFile string) error {
	ctx := context.Background()
	k, err := ledger.NewKey(keyFile)
	if err != nil {
		return err
	}
	b.at = b.at.Add(time.Hour)
	for _, i := range []int{17, 43} {
		s, err := b.l.Find(ctx, b.job.ICCIDs[i])
		if err != nil {
			return err
		}
		if err := b.l.Reject(ctx, s.Claim, benchActor("desk-1", ""), "cut in two"); err != nil {
			return err
		}
	}
	_, err = b.l.Seal(ctx, b.job.Digest, benchActor("desk-1", ""), k)
	return err
}

// benchFile is such a ledger for a test that is no script.
func benchFile(t *testing.T, cards int, sealed bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench.db")
	if err := makeBench(path, cards, sealed); err != nil {
		t.Fatal(err)
	}
	return path
}
