package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TakeOver gives an open claim to the caller, who must read the card again and conclude by what it holds. Its own station
// may do so at any time, provided that it holds the card's lock; others when the lease is over or a person released it (*HeldError).
func (l *Ledger) TakeOver(ctx context.Context, claim string, by Actor, lease time.Duration) (*Claim, error) {
	if err := by.check(); err != nil {
		return nil, err
	}
	c := &Claim{ID: claim, By: by, l: l, token: random(16), lease: term(lease)}
	r := record(random(16), KindTakeOver, by)
	r.Claim = claim
	return c, l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		s, err := t.open(ctx, claim)
		if err != nil {
			return err
		}
		if s.By.Station != by.Station && !s.Expired {
			return &HeldError{Holding: s}
		}
		c.Job, c.ICCID, c.card = s.Job, s.ICCID, s.Card
		if err := t.one(ctx, ErrNoClaim, `SELECT salt FROM cards WHERE card = ?1`, []any{c.card}, &c.salt); err != nil {
			return err
		}
		if err := t.change(ctx, ErrLost, `UPDATE claims SET token = ?1, station = ?2, operator = ?3, reader = ?4, tool = ?5, lease = ?6 WHERE id = ?7`,
			c.token, by.Station, by.Operator, by.Reader, by.Tool, t.now.Add(c.lease).UnixMicro(), claim); err != nil {
			return err
		}
		r.Job, r.Card = s.Job, s.Card
		return t.append(ctx, r)
	})
}

// open gives a claim that nothing concluded.
func (t *tx) open(ctx context.Context, claim string) (CardState, error) {
	s, err := t.l.state(ctx, t.conn, `c.id = ?1`, t.now, claim)
	if err == nil && s.Outcome != Underway {
		err = ErrLost
	}
	return s, err
}

// Release is a person's word that a station will not go on with a claim: it can write nothing more, and any station may take the claim over.
func (l *Ledger) Release(ctx context.Context, claim string, by Actor, reason string) error {
	r := record(random(16), KindRelease, by)
	return l.decide(ctx, r, claim, by, reason, func(ctx context.Context, t *tx, s CardState) error {
		if s.Outcome != Underway {
			return fmt.Errorf("card %s: %w: %s", short(s.ICCID), ErrConcluded, s.Outcome)
		}
		return t.change(ctx, ErrLost, `UPDATE claims SET token = '', lease = ?1 WHERE id = ?2`, t.now.UnixMicro(), claim)
	})
}

// Reject is a person's word that a card in quarantine, or one with a released or expired claim that nobody can read again, goes into the bin.
func (l *Ledger) Reject(ctx context.Context, claim string, by Actor, reason string) error {
	r := record(random(16), KindReject, by)
	r.Outcome = Rejected
	return l.decide(ctx, r, claim, by, reason, func(ctx context.Context, t *tx, s CardState) error {
		switch {
		case s.Outcome == Underway && !s.Expired:
			return &HeldError{Holding: s}
		case s.Outcome != Underway && s.Outcome != Quarantined:
			return fmt.Errorf("card %s: %w: %s", short(s.ICCID), ErrConcluded, s.Outcome)
		}
		return t.change(ctx, ErrLost, `UPDATE claims SET token = '', outcome = ?1, note = ?2, concluded = ?3 WHERE id = ?4`,
			string(Rejected), text(r.Clear), t.now.UnixMicro(), claim)
	})
}

// decide records what a person says about a claim, with the reason.
func (l *Ledger) decide(ctx context.Context, r *Record, claim string, by Actor, reason string, do func(context.Context, *tx, CardState) error) error {
	if err := errors.Join(by.check(), needReason(reason)); err != nil {
		return err
	}
	r.Claim = claim
	fresh := random(32)
	return l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		s, err := l.state(ctx, t.conn, `c.id = ?1`, t.now, claim)
		if err != nil {
			return err
		}
		salt, err := t.openCard(ctx, s.Card, "", fresh)
		if err != nil {
			return err
		}
		r.Job, r.Card = s.Job, s.Card
		r.setNote(reason, salt)
		if err := do(ctx, t, s); err != nil {
			return err
		}
		return t.append(ctx, r)
	})
}
