package ledger

import (
	"context"
	"database/sql"
	"sync"
)

// statements keeps queries parsed from one transaction to the next: SQLite takes longer to read a short one than to carry it out. A query is
// prepared after the transaction that used it first, since the only connection that writes is taken until then.
type statements struct {
	db *sql.DB

	mu     sync.Mutex
	known  map[string]*sql.Stmt
	wanted map[string]bool
}

// maxStatements bounds what is kept; the queries of this package are fewer.
const maxStatements = 64

func keep(db *sql.DB) *statements {
	return &statements{db: db, known: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// prepare parses what was asked for since the last call. One that cannot be parsed now is sent as it is.
func (s *statements) prepare(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for query := range s.wanted {
		delete(s.wanted, query)
		if stmt, err := s.db.PrepareContext(ctx, query); err == nil {
			s.known[query] = stmt
		}
	}
}

// find gives a parsed query, nil when it is to be sent as it is.
func (s *statements) find(query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	stmt := s.known[query]
	if stmt == nil && len(s.known)+len(s.wanted) < maxStatements {
		s.wanted[query] = true
	}
	return stmt
}

// keptTx is a transaction that takes its queries from what is kept.
type keptTx struct {
	*sql.Tx
	kept *statements
}

func (t keptTx) stmt(ctx context.Context, query string) *sql.Stmt {
	stmt := t.kept.find(query)
	if stmt == nil {
		return nil
	}
	return t.StmtContext(ctx, stmt)
}

// ExecContext implements querier.
func (t keptTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.stmt(ctx, query); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// QueryContext implements querier.
func (t keptTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.stmt(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

// QueryRowContext implements querier.
func (t keptTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.stmt(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}
