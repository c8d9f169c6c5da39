package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

const crashCards = 60

// child works through the job as a station does: what it left open before, it takes over and concludes; then it claims what is free.
// A line on stdout says each time that a call returned.
func child(station string) error {
	ctx := context.Background()
	l, err := ledger.Open(ctx, os.Getenv("LEDGER_WHERE"), ledger.Options{Patience: ledger.DefaultPatience})
	if err != nil {
		return err
	}
	by := ledger.Actor{Station: station, Operator: "child", Tool: "test"}
	j := jobOf("crash", iccids(crashCards))
	if err := l.Register(ctx, j, by); err != nil {
		return err
	}
	open, err := l.InDoubt(ctx, j.Digest)
	if err != nil {
		return err
	}
	for _, s := range open {
		if s.By.Station != station {
			continue
		}
		c, err := l.TakeOver(ctx, s.Claim, by, 0)
		if err != nil {
			return err
		}
		if err := finish(ctx, c); err != nil {
			return err
		}
	}
	for _, i := range rand.Perm(crashCards) {
		c, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[i], By: by})
		if errors.As(err, new(*ledger.TakenError)) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Printf("claimed %s %s\n", c.ICCID, c.ID)
		if err := finish(ctx, c); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return l.Close()
}

func finish(ctx context.Context, c *ledger.Claim) error {
	for _, step := range []string{"read", "write", "verify"} {
		if err := c.Event(ctx, ledger.Event{Step: step, Before: []byte(step)}); err != nil {
			return err
		}
	}
	if err := c.Conclude(ctx, ledger.Good, ledger.Event{}); err != nil {
		return err
	}
	fmt.Printf("good %s %s\n", c.ICCID, c.ID)
	return nil
}

// said collects what all children reported as durable.
type said struct {
	sync.Mutex
	lines []string
}

func (s *said) add(out string) {
	s.Lock()
	defer s.Unlock()
	whole := strings.Split(out, "\n")
	s.lines = append(s.lines, whole[:len(whole)-1]...) // the last one was cut
}

// station runs children until one gets through, killing each of the first ones at a moment by chance.
func station(t *testing.T, where, name string, kills int, s *said) error {
	for n := 0; ; n++ {
		ctx, cancel := context.WithCancel(context.Background())
		if n < kills {
			time.AfterFunc(20*time.Millisecond+rand.N(250*time.Millisecond), cancel) // CommandContext sends SIGKILL
		}
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), "LEDGER_CHILD="+name, "LEDGER_WHERE="+where)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		killed := ctx.Err() != nil
		cancel()
		s.add(out.String())
		if err == nil && n >= kills {
			return nil
		}
		if err != nil && !killed {
			return fmt.Errorf("%s, run %d: %w: %s", name, n, err, errs.String())
		}
	}
}

// TestKilledAtAnyMoment: two stations over one list, killed over and over, on PostgreSQL with the database killed in between.
// Every card has one winner, nothing that was reported is lost, and the chain holds.
func TestKilledAtAnyMoment(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		var s said
		var wait sync.WaitGroup
		errs := make([]error, 3)
		for i, name := range []string{"desk-1", "desk-2"} {
			wait.Go(func() { errs[i] = station(t, where, name, 15, &s) })
		}
		if strings.HasPrefix(where, "postgres") {
			wait.Go(func() { errs[2] = restart(3) })
		}
		wait.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		l := open(t, where, nil)
		j := jobOf("crash", iccids(crashCards))
		if n := counts(t, l, j); n.Good != crashCards {
			t.Errorf("%+v", n)
		}
		sound(t, l)
		oneWinner(t, l, j, s.lines)
	})
}

func restart(times int) error {
	for range times {
		if out, err := exec.Command(os.Getenv("SIMBIND_POSTGRES_RESTART")).CombinedOutput(); err != nil {
			return fmt.Errorf("restart: %w: %s", err, out)
		}
	}
	return nil
}

// oneWinner holds what the children reported, and the records, against each other.
func oneWinner(t *testing.T, l *ledger.Ledger, j ledger.Job, lines []string) {
	t.Helper()
	claims, goods := map[string]string{}, map[string]bool{}
	for r, err := range l.Records(context.Background(), j.Digest) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Kind {
		case ledger.KindClaim:
			if claims[r.Card] != "" {
				t.Errorf("card %.8s was claimed twice", r.Card)
			}
			claims[r.Card] = r.Claim
		case ledger.KindConclude:
			goods[r.Claim] = true
		}
	}
	known := map[string]bool{}
	for _, claim := range claims {
		known[claim] = true
	}
	reported := 0
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		reported++
		if !known[f[2]] || f[0] == "good" && !goods[f[2]] {
			t.Errorf("lost after it was reported: %s", line)
		}
	}
	if len(claims) != crashCards || reported < crashCards {
		t.Errorf("%d claims, %d reports", len(claims), reported)
	}
}

// TestManyAtOnce: sixteen workers of four open ledgers want the same cards at the same time.
func TestManyAtOnce(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		j := jobOf("race", iccids(25))
		register(t, open(t, where, nil), j)
		var mu sync.Mutex
		winners := map[string]int{}
		var wait sync.WaitGroup
		for range 4 {
			l := open(t, where, nil)
			for w := range 4 {
				wait.Go(func() {
					by := ledger.Actor{Station: fmt.Sprint("desk-", w), Operator: "o", Tool: "t"}
					for _, iccid := range j.ICCIDs {
						c, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: iccid, By: by})
						if errors.As(err, new(*ledger.TakenError)) {
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						winners[iccid]++
						mu.Unlock()
						if err := c.Event(ctx, ledger.Event{Step: "write"}); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wait.Wait()
		for _, iccid := range j.ICCIDs {
			if winners[iccid] != 1 {
				t.Errorf("card %s has %d winners", iccid, winners[iccid])
			}
		}
		sound(t, open(t, where, nil))
	})
}

func benchmarkClaims(b *testing.B, where string) {
	ctx := context.Background()
	l := open(b, where, nil)
	j := jobOf("bench", iccids(b.N))
	register(b, l, j)
	b.ResetTimer()
	for _, iccid := range j.ICCIDs {
		if _, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: iccid, By: desk1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}

func BenchmarkClaimSQLite(b *testing.B)   { benchmarkClaims(b, sqliteFile(b)) }
func BenchmarkClaimPostgres(b *testing.B) { benchmarkClaims(b, postgresSchema(b)) }
