//go:build pcscd

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/vuicc"
)

// A campaign is 24 cards over 4 readers, cut 5 times, unless the environment asks for more (scripts/bench-campaign).
const (
	envCards   = "SIMBIND_CAMPAIGN_CARDS"
	envReaders = "SIMBIND_CAMPAIGN_READERS"
	envKills   = "SIMBIND_CAMPAIGN_KILLS"
)

// TestPCSCDCampaign: every card of a job through pcscd, each claimed once, written once, read back.
func TestPCSCDCampaign(t *testing.T) {
	c := newCampaign(t, setting(t, envCards, 24), setting(t, envReaders, 4), 1)
	began := time.Now()
	p := c.start(0, "batch", "run", "job.csv", "--keys", "right.csv")
	<-p.done
	if p.code != exitDone || p.result.End != "complete" || !c.over() {
		t.Fatalf("exit %d, %+v", p.code, p.result)
	}
	t.Logf("%d cards in %s", len(c.cards), time.Since(began).Round(time.Second))
	c.proven(true)
}

// TestPCSCDCampaignOfTrouble: the same with keys of another order at first, the tool killed again and again, cards pulled and swapped at
// any step, readers unplugged.
func TestPCSCDCampaignOfTrouble(t *testing.T) {
	kills := setting(t, envKills, 5)
	c := newCampaign(t, setting(t, envCards, 24), setting(t, envReaders, 4), 1)
	p := c.start(0, "batch", "run", "job.csv", "--keys", "wrong.csv")
	<-p.done
	if p.code != exitBatch || p.result.Code != "wrong_keys" || len(c.aside) < 2 || len(c.good) > 0 {
		t.Fatalf("with wrong keys: exit %d, %+v", p.code, p.result)
	}
	t.Logf("wrong keys: stopped with %d cards aside", len(c.aside))
	pulled, swapped, unplugged := 0, 0, 0
	c.trouble = func(c *campaign, h *hand, e batchEvent) {
		if e.Event == "progress" && e.Step == "write" && len(c.good) >= (unplugged+1)*len(c.cards)/4 {
			unplugged++
			c.unplug()
			return
		}
		if e.Event != "progress" || h.card == nil || e.ICCID != h.card.iccid || c.rand.Intn(20) > 0 {
			return
		}
		c.pile = append(c.pile, h.card)
		if c.rand.Intn(2) == 0 {
			pulled++
			h.change(true)
			return
		}
		swapped++
		h.change(false)
	}
	for done := 0; done < kills; done++ {
		p := c.start(0, c.next()...)
		c.cut(p, kills-done)
		if p.result.Event == "result" {
			t.Fatalf("after %d kills it ended by itself: exit %d, %+v", done, p.code, p.result)
		}
	}
	for runs := 0; !c.over(); runs++ { // a card put aside may be seen again in the last run alone: it takes one more that names it
		p = c.start(0, c.next()...)
		<-p.done
		if p.code != exitDone || p.result.End != "complete" || runs > 3 {
			t.Fatalf("exit %d, %+v, aside %v", p.code, p.result, c.aside)
		}
	}
	t.Logf("%d kills, %d cards pulled, %d swapped, all readers unplugged %d times", kills, pulled, swapped, unplugged)
	if unplugged == 0 {
		t.Error("no reader was unplugged")
	}
	c.proven(false)
}

// next is how the operator starts the tool: cards that the wrong keys put aside are named, with the reason.
func (c *campaign) next() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var args []string
	for iccid, code := range c.aside {
		if code == "key_refused" {
			args = append(args, "--card", iccid)
			card := c.cards[iccid]
			delete(c.aside, iccid)
			if !slices.Contains(c.pile, card) {
				c.pile = append(c.pile, card)
			}
		}
	}
	verb := []string{"batch", "run", "job.csv", "--keys", "right.csv", "--reseats", "50"}
	if len(args) > 0 {
		verb[1] = "retry"
		args = append(args, "--reason", "the key file was that of another order")
	}
	return append(verb, args...)
}

// cut kills the tool at some moment, so that as many kills as are left are spread over the cards that are left.
func (c *campaign) cut(p *process, left int) {
	c.mu.Lock()
	const steps = 7 // of a card
	ahead := max((len(c.cards)-len(c.good))*steps/(left+1), 1)
	until := c.progress + 1 + c.rand.Intn(ahead+1)
	late := time.Duration(c.rand.Intn(30)) * time.Millisecond
	writes := 0
	if left == 1 { // the last one leaves a card half written
		until, late, writes = 0, 0, c.writes+1
	}
	c.mu.Unlock()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-look.C:
		}
		c.mu.Lock()
		now := c.progress >= until && c.writes >= writes
		c.mu.Unlock()
		if now {
			break
		}
	}
	select {
	case <-p.done:
	case <-time.After(late):
		p.kill()
	}
}

// TestPCSCDCampaignOfStations: two stations share a database and a pile of cards; one is killed now and then and in the end for good, and
// the database with it.
func TestPCSCDCampaignOfStations(t *testing.T) {
	where, restart := os.Getenv("SIMBIND_POSTGRES"), os.Getenv("SIMBIND_POSTGRES_RESTART")
	if where == "" || restart == "" {
		t.Fatal("SIMBIND_POSTGRES and SIMBIND_POSTGRES_RESTART are not set: run through scripts/with-postgres")
	}
	t.Setenv("SIMBIND_CAMPAIGN_LEDGER", where)
	kills := setting(t, envKills, 5)
	c := newCampaign(t, setting(t, envCards, 24), setting(t, envReaders, 4), 2)
	args := []string{"batch", "run", "job.csv", "--keys", "right.csv", "--reseats", "50"}
	released := 0
	dead := false
	c.trouble = func(c *campaign, h *hand, e batchEvent) {
		if e.Event == "card" && e.Verdict == "elsewhere" && dead {
			released++
			if out, err := c.command(1, "audit", "release", e.ICCID, "--reason", "desk 0 burnt down", "--yes").CombinedOutput(); err != nil {
				t.Errorf("release: %v\n%s", err, out)
			}
		}
	}
	b := c.start(1, args...)
	for done := 0; done < kills; done++ {
		a := c.start(0, args...)
		if done == kills/2 {
			if out, err := exec.Command(restart).CombinedOutput(); err != nil {
				t.Fatalf("restart of the database: %v\n%s", err, out)
			}
		}
		c.cut(a, kills-done)
	}
	c.mu.Lock()
	dead = true
	for _, h := range c.hands { // its cards are carried to the other desk
		if h.station == 0 && h.card != nil {
			c.pile = append(c.pile, h.card)
			h.card = nil
			h.work <- func() { h.pull(true) }
		}
	}
	c.fill(1)
	c.mu.Unlock()
	<-b.done
	if b.code != exitDone || b.result.End != "complete" || !c.over() {
		t.Fatalf("exit %d, %+v, aside %v", b.code, b.result, c.aside)
	}
	t.Logf("%d kills of one station, the database restarted, %d claims released", kills, released)
	c.proven(false)
	stations := map[string]int{}
	l, err := ledger.Open(context.Background(), where, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for r, err := range l.Records(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome == ledger.Good {
			stations[r.Station]++
		}
	}
	if len(stations) != 2 {
		t.Errorf("good cards by station: %v", stations)
	}
	t.Logf("good cards by station: %v", stations)
}

// BenchmarkPCSCDReaders is the bench through pcscd, with cards that take the time of T=0 at 115200 bit/s, of two frames of USB a command, and of
// 4 ms a page of memory: the time of the median card with one reader, and with eight at once. Putting cards in and out is not part of that.
func BenchmarkPCSCDReaders(b *testing.B) {
	timing := vuicc.Timing{BitRate: 115200, Overhead: 2 * time.Millisecond, Page: 64, Write: 4 * time.Millisecond, Wait: true}
	for _, readers := range []int{1, 8} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			c := newCampaignAt(b, 10*readers, readers, 1, timing, "usim-only")
			for b.Loop() {
				p := c.start(0, "batch", "run", "job.csv", "--keys", "right.csv")
				<-p.done
				if p.code != exitDone || !c.over() {
					b.Fatalf("exit %d, %+v", p.code, p.result)
				}
			}
			slices.Sort(c.took)
			slices.Sort(c.own)
			middle := len(c.took) / 2
			b.ReportMetric(c.took[middle], "ms/card")
			b.ReportMetric(100*c.own[middle]/c.took[middle], "%own")
		})
	}
}
