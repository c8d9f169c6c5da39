package batch

import "fmt"

// score counts the verdict on a card.
func (b *Bench) score(t *task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.result
	r.Tally[t.verdict]++
	b.move(t)
	switch {
	case t.verdict == Good:
		r.Row = 0
	case failed(t):
		r.Row++
	}
	delete(b.doubts, t.iccid)
	if t.verdict == Doubt {
		b.doubts[t.iccid] = true
	}
	r.InDoubt = len(b.doubts)
	if t.class == wrongKey {
		b.wrong[t.iccid] = true
	}
}

// move takes a card whose claim ended from the untouched to where it is now, until the ledger is asked again.
func (b *Bench) move(t *task) {
	n := &b.result.Counts
	to := map[Verdict]*int{Good: &n.Good, Rejected: &n.Rejected, Quarantined: &n.Quarantined}[t.verdict]
	if to == nil || t.claim == nil {
		return
	}
	*to++
	b.moves++
	n.Untouched = max(n.Untouched-1, 0)
	b.left--
}

// failed tells whether a card counts among failures in a row. One that is put in again does not yet.
func failed(t *task) bool {
	switch t.verdict {
	case Rejected, Quarantined, Foreign:
		return true
	case Left:
		return t.code != codeInterrupted
	}
	return false
}

// judgeBatch stops the batch when this card says that the next ones would fail as well.
func (b *Bench) judgeBatch(t *task) {
	b.mu.Lock()
	row, wrong := b.result.Row, len(b.wrong)
	b.mu.Unlock()
	switch {
	case t.class == stop:
		b.halt(t.code, t.cause)
	case t.class == wrongKey && wrong >= b.Limits.WrongKeys:
		b.halt("wrong_keys", fmt.Errorf("the keys did not fit %d cards: %w", wrong, t.cause))
	case failed(t) && row >= b.Limits.Row:
		b.halt("failures_in_a_row", fmt.Errorf("%d cards in a row failed: %w", row, t.cause))
	}
}

// due tells whether the ledger is asked again where the cards are: at the end, and now and then, since other stations may be at work.
func (b *Bench) due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left <= 0 || b.now().After(b.resume)
}

// reseat counts one failed contact of a card.
func (b *Bench) reseat(iccid string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reseats[iccid]++
	return b.reseats[iccid]
}
