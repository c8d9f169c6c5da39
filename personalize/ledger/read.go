package ledger

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"
)

// claimColumns are those of a claim c, which may be missing.
const claimColumns = `COALESCE(c.id, ''), COALESCE(c.job, ''), COALESCE(c.station, ''), COALESCE(c.operator, ''), COALESCE(c.reader, ''), COALESCE(c.tool, ''),
	COALESCE(c.outcome, ''), COALESCE(c.code, ''), COALESCE(c.note, ''), COALESCE(c.claimed, 0), COALESCE(c.lease, 0), COALESCE(c.concluded, 0),
	COALESCE(c.token, '')`

// scanState takes a claim that was released, and has no token, for one whose lease is over, whatever the clock says.
func scanState(scan func(...any) error, now time.Time) (s CardState, err error) {
	var claimed, lease, concluded int64
	var token string
	err = scan(&s.Job, &s.Position, &s.Card, &s.ICCID, &s.Claim, &s.Holder, &s.By.Station, &s.By.Operator, &s.By.Reader, &s.By.Tool,
		&s.Outcome, &s.Code, &s.Note, &claimed, &lease, &concluded, &token)
	s.Claimed, s.Lease, s.Concluded = moment(claimed), moment(lease), moment(concluded)
	s.Expired = s.Claim != "" && s.Outcome == Underway && (token == "" || !now.Before(s.Lease))
	return s, err
}

const claimStates = `SELECT c.job, COALESCE((SELECT o.position FROM orders o WHERE o.job = c.job AND o.card = c.card), -1), c.card, COALESCE(k.iccid, ''), ` + claimColumns + `
	FROM claims c JOIN cards k ON k.card = c.card WHERE `

// state gives the one claim a condition names. ErrNoClaim.
func (l *Ledger) state(ctx context.Context, c conn, where string, now time.Time, args ...any) (CardState, error) {
	s, err := scanState(c.QueryRowContext(ctx, c.q(claimStates+where), args...).Scan, now)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNoClaim
	}
	return s, failed(err)
}

// clock is the time leases are held against.
func (l *Ledger) clock(ctx context.Context) (time.Time, error) {
	if l.now != nil {
		return l.now(), nil
	}
	if !l.dollars {
		return time.Now(), nil
	}
	var t time.Time
	err := conn{l.store, l.reads}.one(ctx, nil, `SELECT clock_timestamp()`, nil, &t)
	return t, err
}

// InDoubt gives the open claims of a job, or of all jobs when it is empty. Those of running stations are among them.
func (l *Ledger) InDoubt(ctx context.Context, job string) (out []CardState, err error) {
	err = l.briefly(ctx, allCards, func(ctx context.Context, _ bool) error {
		out = nil
		now, err := l.clock(ctx)
		if err != nil {
			return err
		}
		return conn{l.store, l.reads}.rows(ctx, func(rs *sql.Rows) error {
			s, err := scanState(rs.Scan, now)
			out = append(out, s)
			return failed(err)
		}, claimStates+`c.outcome = '' AND (?1 = '' OR c.job = ?1) ORDER BY c.claimed, c.id`, job)
	})
	return out, err
}

// Find gives the claim that holds a card, under whatever job. ErrNoClaim.
func (l *Ledger) Find(ctx context.Context, iccid string) (s CardState, err error) {
	err = l.briefly(ctx, 0, func(ctx context.Context, _ bool) error {
		now, err := l.clock(ctx)
		if err != nil {
			return err
		}
		s, err = l.state(ctx, conn{l.store, l.reads}, `c.card = ?1 AND c.holds = 1`, now, pseudonym(l.salt, iccid))
		return err
	})
	return s, err
}

// Counts says where the cards of a job are. ErrNoJob.
func (l *Ledger) Counts(ctx context.Context, job string) (n Counts, err error) {
	err = l.briefly(ctx, allCards, func(ctx context.Context, _ bool) error {
		n, err = conn{l.store, l.reads}.counts(ctx, job)
		return err
	})
	return n, err
}

func (c conn) counts(ctx context.Context, job string) (n Counts, err error) {
	if err := c.one(ctx, ErrNoJob, `SELECT ordered FROM jobs WHERE digest = ?1`, []any{job}, &n.Ordered); err != nil {
		return n, err
	}
	n.Untouched = n.Ordered
	err = c.rows(ctx, func(rs *sql.Rows) error {
		var o Outcome
		var cards int
		if err := rs.Scan(&o, &cards); err != nil {
			return failed(err)
		}
		n.add(o, cards)
		return nil
	}, `SELECT outcome, count(*) FROM claims WHERE job = ?1 AND latest = 1 GROUP BY outcome`, job)
	if err != nil {
		return n, err
	}
	return n, c.one(ctx, nil, `SELECT count(*) FROM claims h JOIN orders o ON o.card = h.card WHERE h.holds = 1 AND o.job = ?1 AND h.job <> ?1
		AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.job = ?1 AND c.card = o.card AND c.latest = 1 AND c.outcome <> 'untouched')`, []any{job}, &n.Elsewhere)
}

// add moves cards from untouched to where their latest claim says.
func (n *Counts) add(o Outcome, cards int) {
	switch o {
	case Good:
		n.Good += cards
	case Rejected:
		n.Rejected += cards
	case Quarantined:
		n.Quarantined += cards
	case Underway:
		n.Open += cards
	case Untouched:
		return
	}
	n.Untouched -= cards
}

// balanced tells whether every card is where a sealed one may be.
func (n Counts) balanced() bool {
	return n.Open == 0 && n.Quarantined == 0 && n.Ordered == n.Good+n.Rejected+n.Untouched && n.Untouched >= 0
}

// Cards gives every ordered card of a job, in its order, with its latest claim in this job, or else the one that holds it elsewhere.
func (l *Ledger) Cards(ctx context.Context, job string) iter.Seq2[CardState, error] {
	return func(yield func(CardState, error) bool) {
		now, err := l.clock(ctx)
		if err == nil {
			err = conn{l.store, l.reads}.rows(ctx, func(rs *sql.Rows) error {
				s, err := scanState(rs.Scan, now)
				if err != nil {
					return failed(err)
				}
				if !yield(s, nil) {
					return errStop
				}
				return nil
			}, `SELECT o.job, o.position, o.card, COALESCE(o.iccid, ''), `+claimColumns+` FROM orders o LEFT JOIN claims c ON c.id = COALESCE(
				(SELECT x.id FROM claims x WHERE x.card = o.card AND x.job = o.job AND x.latest = 1),
				(SELECT y.id FROM claims y WHERE y.card = o.card AND y.holds = 1)) WHERE o.job = ?1 ORDER BY o.position`, job)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(CardState{}, err)
		}
	}
}

var errStop = errors.New("the reader has enough")

// Records gives the chain in order: all of it, or of one job. A record that cannot be read is a *ChainError; the ones after it follow.
func (l *Ledger) Records(ctx context.Context, job string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := l.records(ctx, conn{l.store, l.reads}, func(r Record, broken error) error {
			if !yield(r, broken) {
				return errStop
			}
			return nil
		}, `?1 = '' OR job = ?1`, job)
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, err)
		}
	}
}

// records hands every record to take, one that cannot be read as a *ChainError.
func (l *Ledger) records(ctx context.Context, c conn, take func(Record, error) error, where string, args ...any) error {
	return c.rows(ctx, func(rs *sql.Rows) error {
		var body, note string
		if err := rs.Scan(&body, &note); err != nil {
			return failed(err)
		}
		r, err := parseRecord([]byte(body))
		if err != nil {
			return take(Record{}, &ChainError{Problems: []Problem{{What: "a record cannot be read: " + err.Error()}}})
		}
		r.Clear = note
		return take(r, nil)
	}, `SELECT body, COALESCE(note, '') FROM records WHERE `+where+` ORDER BY seq`, args...)
}
