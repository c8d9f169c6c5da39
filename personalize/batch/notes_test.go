package batch

import (
	"strings"
	"testing"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
)

// renaming is a card that answers INITIALIZE UPDATE with another key version than it was asked for.
type renaming struct {
	mock.Chip
	opening bool
}

func (c *renaming) Process(command []byte) ([]byte, error) {
	c.opening = command[1] == 0x50 || c.opening && command[1] == 0xC0 // GET RESPONSE collects its answer
	r, err := c.Chip.Process(command)
	if c.opening && len(r) > 12 {
		r[10] = 0x70
	}
	return r, err
}

// TestNotesAreKept: what is worth a second look and stops nothing is told with the card, and stands in the ledger.
func TestNotesAreKept(t *testing.T) {
	r := newRig(t, 1, 1)
	r.pile = []mock.Chip{&renaming{Chip: r.cards[0]}}
	r.in = map[string]mock.Chip{}
	r.next("Slot 1")
	kvn := r.cards[0].Image().Domain.Keys[0].KVN
	r.bench.Run.Secrets = func(iccid string) (keys.Card, error) {
		card, err := secrets(iccid)
		card.Keys.KVN = kvn
		return card, err
	}
	if result, err := r.work(); err != nil || result.Tally[Good] != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, e := range r.events {
		if e.Kind == Done && (len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "70")) {
			t.Errorf("notes of the card: %q", e.Notes)
		}
	}
	s, err := r.ledger.Find(t.Context(), iccidOf(0))
	if err != nil || s.Outcome != ledger.Good || !strings.Contains(s.Note, "70") {
		t.Errorf("in the ledger: %+v, %v", s, err)
	}
}
