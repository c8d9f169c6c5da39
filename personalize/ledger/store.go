package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// store is what differs between the databases. Queries are written with ?1, ?2 … as SQLite has them.
type store struct {
	writes, reads *sql.DB
	tables        []string                    // made once, in one transaction
	exclusive     string                      // keeps others from making them at the same time; empty: the transaction does
	head          string                      // reads and locks the row every append passes through
	dollars       bool                        // parameters are $1, $2 …
	copyOrders    string                      // takes job and three arrays; empty: one row at a time
	gone          func(error) bool            // the database may come back
	kept          *statements                 // of writes; nil: the driver keeps them itself
	snapshot      sql.IsolationLevel          // of a transaction that sees one moment
	scrub         func(context.Context) error // after an erasure: what is left of it in files of the database
}

// StoreError is a failure of the database, not of what it was asked.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return "ledger: " + e.Err.Error() }
func (e *StoreError) Unwrap() error { return e.Err }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &StoreError{err}
}

func (s *store) q(query string) string {
	if s.dollars {
		return strings.ReplaceAll(query, "?", "$")
	}
	return query
}

// querier is a database or a transaction on it.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// conn speaks the store's dialect on one querier.
type conn struct {
	*store
	querier
}

func (c conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.ExecContext(ctx, c.q(query), args...)
	return failed(err)
}

// change runs an update that must hit exactly one row; otherwise it gives none.
func (c conn) change(ctx context.Context, none error, query string, args ...any) error {
	r, err := c.ExecContext(ctx, c.q(query), args...)
	if err != nil {
		return failed(err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return errors.Join(none, failed(err))
	}
	return nil
}

// one scans one row; sql.ErrNoRows becomes none.
func (c conn) one(ctx context.Context, none error, query string, args []any, into ...any) error {
	err := c.QueryRowContext(ctx, c.q(query), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return failed(err)
}

// rows calls scan for every row.
func (c conn) rows(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rs, err := c.QueryContext(ctx, c.q(query), args...)
	if err != nil {
		return failed(err)
	}
	defer rs.Close()
	for rs.Next() {
		if err := scan(rs); err != nil {
			return err
		}
	}
	return failed(rs.Err())
}

// briefly is retry for what takes a database a moment, plus the time more: one that does not answer in a third of the patience is gone, though
// nobody says so, and is asked through another connection. A file has no network before it.
func (l *Ledger) briefly(ctx context.Context, more time.Duration, do func(ctx context.Context, again bool) error) error {
	return l.retry(ctx, func(again bool) error {
		if !l.dollars {
			return do(ctx, again)
		}
		ctx, cancel := context.WithTimeout(ctx, l.patience/3+more)
		defer cancel()
		return do(ctx, again)
	})
}

// allCards is the time more for what looks at every card of a job, of which there may be millions.
const allCards = time.Minute

// retry runs do again while the database is gone and patience lasts. do must be harmless when it had succeeded unnoticed.
func (l *Ledger) retry(ctx context.Context, do func(again bool) error) error {
	deadline := time.Now().Add(l.patience)
	pause := 20 * time.Millisecond
	for again := false; ; again = true {
		err := do(again)
		var db *StoreError
		if err == nil || !errors.As(err, &db) || !l.gone(db.Err) || ctx.Err() != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w (waited %s for the database)", err, l.patience)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}
