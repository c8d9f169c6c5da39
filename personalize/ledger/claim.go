package ledger

import (
	"context"
	"errors"
	"time"
)

// Claim is a card the caller holds.
type Claim struct {
	ID    string
	Job   string
	ICCID string
	By    Actor
	Was   CardState // of a redo: the card and the claim that this one replaces; of any other claim empty

	l     *Ledger
	card  string
	salt  string
	token string // changes with every taking over, so that an older holder can write no more
	lease time.Duration
}

// Claim takes a card of a job before its first write. A *TakenError says that the card is claimed or done already, anywhere.
func (l *Ledger) Claim(ctx context.Context, w Want) (*Claim, error) {
	if err := errors.Join(checkDigest("job digest", w.Job), checkICCID(w.ICCID), w.By.check()); err != nil {
		return nil, err
	}
	c := &Claim{ID: random(16), Job: w.Job, ICCID: w.ICCID, By: w.By, l: l, card: pseudonym(l.salt, w.ICCID), token: random(16), lease: term(w.Lease)}
	id := random(16)
	fresh := random(32)
	return c, l.write(ctx, id, func(ctx context.Context, t *tx) error { return t.claim(ctx, c, w, id, fresh) })
}

func term(d time.Duration) time.Duration {
	if d <= 0 {
		return DefaultLease
	}
	return d
}

func (t *tx) claim(ctx context.Context, c *Claim, w Want, id, fresh string) error {
	job, err := t.claimable(ctx, c)
	if err != nil {
		return err
	}
	r := record(id, KindClaim, w.By)
	r.Job, r.Card, r.Claim = c.Job, c.card, c.ID
	holding, err := t.holding(ctx, c.card)
	if err != nil {
		return err
	}
	if err := t.mayClaim(ctx, job, holding, w); err != nil {
		return err
	}
	if c.salt, err = t.openCard(ctx, c.card, c.ICCID, fresh); err != nil {
		return err
	}
	if holding != nil {
		c.Was, r.Replaces = *holding, holding.Claim
		r.setNote(w.Redo, c.salt)
		if err := t.change(ctx, ErrLost, `UPDATE claims SET holds = 0 WHERE id = ?1 AND holds = 1`, holding.Claim); err != nil {
			return err
		}
	}
	if err := t.insertClaim(ctx, c); err != nil {
		return err
	}
	return t.append(ctx, r)
}

// claimable refuses a job that is unknown or sealed, and a card it did not order.
func (t *tx) claimable(ctx context.Context, c *Claim) (JobState, error) {
	job, err := t.l.job(ctx, t.conn, c.Job)
	if err != nil {
		return job, err
	}
	if job.Sealed {
		return job, ErrSealed
	}
	var position int64
	return job, t.one(ctx, ErrNotOrdered, `SELECT position FROM orders WHERE job = ?1 AND card = ?2`, []any{c.Job, c.card}, &position)
}

// holding gives the claim that holds a card, or nil.
func (t *tx) holding(ctx context.Context, card string) (*CardState, error) {
	h, err := t.l.state(ctx, t.conn, `c.card = ?1 AND c.holds = 1`, t.now, card)
	if errors.Is(err, ErrNoClaim) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &h, nil
}

func (t *tx) mayClaim(ctx context.Context, job JobState, holding *CardState, w Want) error {
	if holding != nil && (w.Redo == "" || holding.Outcome == Underway) {
		holding.ICCID = w.ICCID
		return &TakenError{Holding: *holding}
	}
	if !job.Dual {
		return nil
	}
	if err := t.approved(ctx, job, Approval{Action: Start}); err != nil || holding == nil {
		return err
	}
	return t.approved(ctx, job, Approval{Action: Redo, Card: holding.Card, Claim: holding.Claim})
}

// openCard makes sure that the card has a row and a salt; an erased one gets a new salt.
func (t *tx) openCard(ctx context.Context, card, iccid, fresh string) (salt string, err error) {
	var known any
	if iccid != "" {
		known = iccid
	}
	if err := t.exec(ctx, `INSERT INTO cards (card, iccid, salt) VALUES (?1, ?2, ?3) ON CONFLICT (card) DO UPDATE
		SET iccid = COALESCE(cards.iccid, excluded.iccid), salt = COALESCE(cards.salt, excluded.salt)`, card, known, fresh); err != nil {
		return "", err
	}
	return salt, t.one(ctx, ErrNoClaim, `SELECT salt FROM cards WHERE card = ?1`, []any{card}, &salt)
}

func (t *tx) insertClaim(ctx context.Context, c *Claim) error {
	if err := t.exec(ctx, `UPDATE claims SET latest = 0 WHERE job = ?1 AND card = ?2 AND latest = 1`, c.Job, c.card); err != nil {
		return err
	}
	return t.exec(ctx, `INSERT INTO claims (id, job, card, token, station, operator, reader, tool, outcome, code, note, holds, latest, claimed, lease, concluded)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', '', NULL, 1, 1, ?9, ?10, 0)`,
		c.ID, c.Job, c.card, c.token, c.By.Station, c.By.Operator, c.By.Reader, c.By.Tool, t.now.UnixMicro(), t.now.Add(c.lease).UnixMicro())
}

// Event records a step, durable when it returns, and renews the lease. ErrLost: another run took the claim over; leave the card alone.
func (c *Claim) Event(ctx context.Context, e Event) error { return c.Events(ctx, e) }

// Events is Event for steps that are recorded together, in one commit.
func (c *Claim) Events(ctx context.Context, es ...Event) error {
	if len(es) == 0 {
		return nil
	}
	rs := c.events(es)
	return c.l.write(ctx, rs[0].ID, func(ctx context.Context, t *tx) error {
		if err := t.change(ctx, ErrLost, `UPDATE claims SET lease = ?1 WHERE id = ?2 AND token = ?3 AND outcome = ''`,
			t.now.Add(c.lease).UnixMicro(), c.ID, c.token); err != nil {
			return err
		}
		return t.appendAll(ctx, rs)
	})
}

func (t *tx) appendAll(ctx context.Context, rs []*Record) error {
	for _, r := range rs {
		if err := t.append(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *Claim) events(es []Event) (out []*Record) {
	for _, e := range es {
		out = append(out, c.record(KindEvent, e))
	}
	return out
}

func (c *Claim) record(kind Kind, e Event) *Record {
	r := record(random(16), kind, c.By)
	r.Job, r.Card, r.Claim = c.Job, c.card, c.ID
	r.fill(e, c.salt)
	return r
}

// Conclude ends the claim; steps that were not recorded yet go before it, in the same commit. Every outcome but Good needs a Note, the reason.
func (c *Claim) Conclude(ctx context.Context, o Outcome, e Event, steps ...Event) error {
	switch o {
	case Good:
	case Rejected, Quarantined, Untouched:
		if err := needReason(e.Note); err != nil {
			return err
		}
	default:
		return &InputError{"outcome", "none that ends a claim"}
	}
	before := c.events(steps)
	r := c.record(KindConclude, e)
	r.Outcome = o
	return c.l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		if err := t.change(ctx, ErrLost, `UPDATE claims SET outcome = ?1, code = ?2, note = ?3, holds = ?4, concluded = ?5
			WHERE id = ?6 AND token = ?7 AND outcome = ''`, string(o), r.Code, text(r.Clear), flag(o != Untouched), t.now.UnixMicro(), c.ID, c.token); err != nil {
			return err
		}
		return t.appendAll(ctx, append(before, r))
	})
}

// text is NULL when empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Remark records something outside of any claim: a foreign card (its ICCID is kept as a pseudonym), a stop, a broken reader. iccid and job may be empty.
func (l *Ledger) Remark(ctx context.Context, job, iccid string, by Actor, e Event) error {
	if err := by.check(); err != nil {
		return err
	}
	if job != "" {
		if err := checkDigest("job digest", job); err != nil {
			return err
		}
	}
	r := record(random(16), KindRemark, by)
	r.Job = job
	if iccid == "" {
		r.fill(e, "")
		return l.write(ctx, r.ID, func(ctx context.Context, t *tx) error { return t.append(ctx, r) })
	}
	if err := checkICCID(iccid); err != nil {
		return err
	}
	r.Card = pseudonym(l.salt, iccid)
	fresh := random(32)
	return l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		salt, err := t.openCard(ctx, r.Card, "", fresh)
		if err != nil {
			return err
		}
		r.fill(e, salt)
		return t.append(ctx, r)
	})
}
