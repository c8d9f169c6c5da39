package batch

import (
	"slices"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/ledger"
)

// forgetting is a card that refuses every EXTERNAL AUTHENTICATE but the first.
type forgetting struct {
	mock.Chip
	asked int
}

func (c *forgetting) Process(command []byte) ([]byte, error) {
	if command[0] == 0x84 && command[1] == 0x82 {
		if c.asked++; c.asked > 1 {
			command = slices.Clone(command)
			command[5] ^= 1
		}
	}
	return c.Chip.Process(command)
}

// TestRefusedAfterTheWrite: a card that was written and then refuses the keys is put aside. Nobody is told to put it in again, which would be a
// second try with them.
func TestRefusedAfterTheWrite(t *testing.T) {
	r := newRig(t, 1, 1)
	card := &forgetting{Chip: r.cards[0]}
	r.pile = []mock.Chip{card}
	r.bench.Limits.Idle = 300 * time.Millisecond
	_, _ = r.work() // how it ends is looked for in the ledger and on the card
	if !slices.Equal(r.verdicts(), []Verdict{Quarantined}) || card.asked != 2 {
		t.Errorf("%v, %d authentications", r.verdicts(), card.asked)
	}
	r.counts(ledger.Counts{Ordered: 1, Quarantined: 1})
}
