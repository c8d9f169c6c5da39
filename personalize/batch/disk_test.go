package batch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

// TestJournalThatCannotBeEnded: a card that was written and proven, whose journal the disk no longer takes, is not told as untouched: it stays
// in doubt until it is read again.
func TestJournalThatCannotBeEnded(t *testing.T) {
	r := newRig(t, 1, 1)
	path := filepath.Join(r.dir, "state", "journal", iccidOf(0)+".ndjson")
	kept := path + ".kept"
	r.bench.Limits.Idle = 300 * time.Millisecond
	r.handles = func(r *rig, e Event) {
		switch {
		case e.Step == "verify":
			if err := os.Rename(path, kept); err != nil {
				t.Error(err)
			}
			if err := os.Mkdir(path, 0o700); err != nil { // whoever the tests run as, nobody writes lines into a folder
				t.Error(err)
			}
		case e.Kind == Done:
			r.readers[e.Slot].Remove()
		default:
			r.replace(e)
		}
	}
	_, _ = r.work() // how it ends is looked for in the ledger
	if g := r.generation(r.cards[0]); g != 1 {
		t.Fatalf("the card was written %d times", g)
	}
	r.counts(ledger.Counts{Ordered: 1, Open: 1})
	if v := r.verdicts(); len(v) != 1 || v[0] != Doubt {
		t.Errorf("told: %v", v)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(kept, path); err != nil {
		t.Fatal(err)
	}
	r.renew()
	r.pile, r.in, r.handles = []mock.Chip{r.cards[0]}, map[string]mock.Chip{}, nil
	if result, err := r.work(); err != nil || result.Tally[Good] != 1 {
		t.Errorf("%v, %+v, %v", r.verdicts(), result, err)
	}
	r.proven()
}
