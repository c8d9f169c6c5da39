package ledger

import (
	"context"
	"errors"
)

// Disclosure is everything the ledger has about one card.
type Disclosure struct {
	ICCID   string
	Card    string // pseudonym
	Salt    string // with it the digests of this card can be recomputed; empty: erased
	Erased  bool
	Records []Record
}

// Export gives everything the ledger has about one card, and records that it did. ErrNoClaim: the ledger never met the card.
func (l *Ledger) Export(ctx context.Context, iccid string, by Actor) (d Disclosure, err error) {
	if err := errors.Join(checkICCID(iccid), by.check()); err != nil {
		return d, err
	}
	r := record(random(16), KindDisclosed, by)
	r.Card = pseudonym(l.salt, iccid)
	err = l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		if err := t.met(ctx, r.Card); err != nil {
			return err
		}
		return t.append(ctx, r)
	})
	if err != nil {
		return d, err
	}
	d = Disclosure{ICCID: iccid, Card: r.Card}
	err = l.retry(ctx, func(bool) error {
		c := conn{l.store, l.reads}
		d.Records = nil
		if err := c.one(ctx, nil, `SELECT COALESCE((SELECT salt FROM cards WHERE card = ?1), '')`, []any{d.Card}, &d.Salt); err != nil {
			return err
		}
		return l.records(ctx, c, func(r Record, broken error) error {
			if broken != nil {
				return broken
			}
			d.Records = append(d.Records, r)
			d.Erased = d.Erased || r.Kind == KindErase
			return nil
		}, `card = ?1`, d.Card)
	})
	d.Erased = d.Erased && d.Salt == ""
	return d, err
}

// met wants the card to be in an order or in a record.
func (t *tx) met(ctx context.Context, card string) error {
	var n int
	err := t.one(ctx, nil, `SELECT (SELECT count(*) FROM orders WHERE card = ?1) + (SELECT count(*) FROM cards WHERE card = ?1)`, []any{card}, &n)
	if err == nil && n == 0 {
		return ErrNoClaim
	}
	return err
}

// Erase removes what could identify the holder of a card: its ICCID, the notes, and the salt without which no digest can be
// tried out. The chain stays whole, since it covers digests alone, and the pseudonym stays, so that the card is still not issued twice.
// A card at work or in doubt is refused (*HeldError).
func (l *Ledger) Erase(ctx context.Context, iccid string, by Actor, reason string) error {
	if err := errors.Join(checkICCID(iccid), by.check(), needReason(reason)); err != nil {
		return err
	}
	r := record(random(16), KindErase, by)
	r.Card = pseudonym(l.salt, iccid)
	r.Words = limited(reason)
	err := l.write(ctx, r.ID, func(ctx context.Context, t *tx) error {
		if err := t.met(ctx, r.Card); err != nil {
			return err
		}
		if h, err := t.holding(ctx, r.Card); err != nil {
			return err
		} else if h != nil && h.Outcome == Underway {
			return &HeldError{Holding: *h}
		}
		for _, q := range []string{
			`UPDATE records SET note = NULL WHERE card = ?1 AND note IS NOT NULL`,
			`UPDATE claims SET note = NULL WHERE card = ?1`,
			`UPDATE orders SET iccid = NULL WHERE card = ?1`,
			`UPDATE cards SET iccid = NULL, salt = NULL WHERE card = ?1`,
		} {
			if err := t.exec(ctx, q, r.Card); err != nil {
				return err
			}
		}
		return t.append(ctx, r)
	})
	if err != nil {
		return err
	}
	return l.scrub(ctx)
}
