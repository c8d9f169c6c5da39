package batch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

// second is another station: readers and state folder of its own, the same ledger and the same job.
func (r *rig) second(readers ...string) *rig {
	r.t.Helper()
	other := &rig{t: r.t, dir: r.t.TempDir(), service: mock.New(), readers: map[string]*mock.Reader{}, in: map[string]mock.Chip{}, cards: r.cards, ledger: r.ledger}
	for _, name := range readers {
		other.readers[name] = other.service.AddReader(name)
	}
	other.renew()
	other.bench.By.Station = "desk 2"
	return other
}

// TestTwoStations: one job, one ledger, cards that lie now here, now there.
func TestTwoStations(t *testing.T) {
	a := newRig(t, 3, 24)
	b := a.second("East 1", "East 2")
	b.pile, a.pile = a.pile[:10:10], a.pile[10:]
	var both sync.WaitGroup
	for _, r := range []*rig{a, b} {
		both.Go(func() {
			if result, err := r.work(); err != nil || result.End != Complete {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
	both.Wait()
	a.proven()
}

// TestAnotherStationsCard: what a station holds is left to it; when a person released the claim, the card is read and concluded.
func TestAnotherStationsCard(t *testing.T) {
	a := newRig(t, 1, 1)
	a.readers["Slot 1"].SetFaults(mock.Faults{LoseAt: 16})
	ctx, cancel := context.WithCancel(context.Background())
	a.handles = func(r *rig, e Event) {
		if e.Kind == Done {
			cancel()
			return
		}
		r.replace(e)
	}
	if result, err := a.bench.Work(ctx); err == nil || result.Counts.Open != 1 {
		t.Fatalf("%v, %+v, %v", a.verdicts(), result, err)
	}
	b := a.second("East 1")
	b.pile = []mock.Chip{a.cards[0]}
	b.bench.Limits.Idle = 300 * time.Millisecond
	if result, err := b.work(); err != nil || result.Tally[Elsewhere] != 1 {
		t.Fatalf("%v, %+v, %v", b.verdicts(), result, err)
	}
	held, err := a.ledger.Find(context.Background(), iccidOf(0))
	if err == nil {
		err = a.ledger.Release(context.Background(), held.Claim, b.bench.By, "desk 1 has no power")
	}
	if err != nil {
		t.Fatal(err)
	}
	b.renew()
	b.bench.By.Station = "desk 2"
	b.pile, b.in = []mock.Chip{a.cards[0]}, map[string]mock.Chip{}
	if result, err := b.work(); err != nil || result.Tally[Good] != 1 {
		t.Fatalf("%v, %+v, %v", b.verdicts(), result, err)
	}
	b.proven()
}

// TestRedo: a card that was put aside is done again only by name and with a reason.
func TestRedo(t *testing.T) {
	r := newRig(t, 1, 2)
	r.bench.Run.Secrets = wrongSecrets
	if _, err := r.work(); err == nil {
		t.Fatal("wrong keys are fine")
	}
	r.renew()
	r.pile, r.in = []mock.Chip{r.cards[0], r.cards[1]}, map[string]mock.Chip{}
	r.bench.Redo = map[string]string{iccidOf(1): "the key file was that of another order"}
	result, err := r.work()
	if err != nil || result.Tally[FailedBefore] != 1 || result.Tally[Good] != 1 || len(r.bench.Redo) != 0 {
		t.Fatalf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.counts(ledger.Counts{Ordered: 2, Good: 1, Quarantined: 1})
}

// TestApproval: without two signatures no card of such a job is claimed.
func TestApproval(t *testing.T) {
	r := newRig(t, 1, 2)
	r.bench.Order.Dual = true
	result, err := r.work()
	var missing *ledger.ApprovalError
	if !errors.As(err, &missing) || result.End != "" || len(r.events) > 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	for i, operator := range []string{"anna", "berta"} {
		k, err := ledger.NewKey(filepath.Join(r.dir, operator+".pem"))
		if err != nil {
			t.Fatal(err)
		}
		by := r.bench.By
		by.Operator = operator
		if have, err := r.ledger.Approve(context.Background(), r.bench.Order.Digest, ledger.Start, "", by, k); err != nil || have != i+1 {
			t.Fatalf("%d signatures, %v", have, err)
		}
	}
	again := newRigOf(r)
	again.bench.Order.Dual = true
	if result, err := again.work(); err != nil || result.Tally[Good] != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	r.proven()
}

// newRigOf puts the same cards before the next run.
func newRigOf(r *rig) *rig {
	r.renew()
	r.pile, r.in, r.handles = nil, map[string]mock.Chip{}, nil
	for name, reader := range r.readers {
		reader.Remove()
		r.in[name] = nil
	}
	for _, c := range r.cards {
		r.pile = append(r.pile, c)
	}
	return r
}

// TestHooks: the handler is asked for cards and told where they go, without a shell and without a secret.
func TestHooks(t *testing.T) {
	r := newRig(t, 1, 2)
	r.pile = append(r.pile, r.card(99))
	log := filepath.Join(r.dir, "log")
	script := filepath.Join(r.dir, "handler")
	text := "#!/bin/sh\necho \"$1 $SIMBIND_HOOK $SIMBIND_SLOT $SIMBIND_ICCID $SIMBIND_VERDICT\" >>\"$2\"\nenv | sed 's/=.*//' | sort | tr '\\n' ' ' >>\"$2\"\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", "/secret/place")
	r.bench.Hooks = Hooks{Good: []string{script, "; rm -rf $HOME", log}, Bad: []string{script, "b", log}}
	r.bench.Limits.Idle = 500 * time.Millisecond
	if _, err := r.work(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"; rm -rf $HOME good Slot 1 " + iccidOf(0) + " good\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the log has no %q:\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "PGPASSFILE") {
		t.Errorf("the environment is passed on:\n%s", b)
	}
}

// TestHookThatHangs is ended, and the batch goes on.
func TestHookThatHangs(t *testing.T) {
	r := newRig(t, 1, 2)
	r.bench.Hooks = Hooks{Good: []string{"sleep", "60"}, Time: 50 * time.Millisecond}
	if result, err := r.work(); err != nil || result.Tally[Good] != 2 {
		t.Fatalf("%+v, %v", result, err)
	}
	failing := 0
	for _, e := range r.events {
		if e.Code == "hook" {
			failing++
		}
	}
	if failing != 2 {
		t.Errorf("%d hooks told as failed", failing)
	}
}

// TestNoMoreCards: a handler that has no card left ends the batch.
func TestNoMoreCards(t *testing.T) {
	r := newRig(t, 2, 4)
	r.pile = nil
	r.bench.Hooks = Hooks{Get: []string{"false"}}
	if result, err := r.work(); err != nil || result.End != Idle {
		t.Fatalf("%+v, %v", result, err)
	}
}
