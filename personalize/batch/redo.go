package batch

import (
	"fmt"

	"github.com/simbind/simbind/personalize/ledger"
)

// again is a card that this run has leave to do once more, and claimed.
type again struct {
	was   ledger.CardState // what it was before
	waits string           // the claim that nothing was written under, which waits for the card to be put in again
}

func (b *Bench) redo(iccid string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Redo[iccid]
}

// redone uses a redo up. A claim that replaces another is kept in mind with what the card was.
func (b *Bench) redone(c *ledger.Claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.Redo, c.ICCID)
	if c.Was.Claim != "" {
		b.again[c.ICCID] = &again{was: c.Was}
	}
}

// doneBefore gives what this run knows of a card that it does again; nil: it does not.
func (b *Bench) doneBefore(iccid string) *again {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.again[iccid]
}

// waits tells whether a claim is one that this run let wait, with nothing written under it.
func (b *Bench) waits(iccid, claim string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.again[iccid]
	return a != nil && a.waits == claim
}

// asItWas leaves a card that was to be done again and that nothing was written to. It is not untouched by that: one whose contact failed keeps
// its claim, any other is again what it was.
func (t *task) asItWas(a *again) ledger.Outcome {
	if t.verdict == Reseat && t.claim != nil {
		t.b.mu.Lock()
		defer t.b.mu.Unlock()
		a.waits = t.claim.ID
		return ledger.Underway
	}
	t.reason += fmt.Sprintf("; it stays %s as before", a.was.Outcome)
	if a.was.Note != "" {
		t.reason += ": " + a.was.Note
	}
	return a.was.Outcome
}
