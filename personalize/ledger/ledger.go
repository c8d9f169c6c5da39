// Package ledger keeps what happened to which card: each is claimed before its first write, under one job, on one station, once.
//
// The same guarantees hold in a SQLite file and in a PostgreSQL database that several stations share. What happens is a chain
// of records, each with the SHA-256 of its predecessor; Verify finds what was changed, removed or put elsewhere, and Seal
// signs a job whose cards are all accounted for. No secret, no IMSI and no IMEI is ever kept in clear.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options are what a ledger needs besides its place.
type Options struct {
	Now      func() time.Time // nil: the clock of the database, so that stations agree on leases
	Patience time.Duration    // how long a lost database is waited for; 0: not at all by Open, DefaultPatience afterwards
}

// DefaultPatience outlasts the restart of a database.
const DefaultPatience = 30 * time.Second

// Ledger is an open ledger. Its methods may be called from several goroutines.
type Ledger struct {
	*store
	now      func() time.Time
	patience time.Duration
	id, salt string
	writing  sync.Mutex // one append at a time; between processes the database sees to it
}

// Open opens the ledger, and makes it when it is not there. where is the path of a SQLite file, or a postgres:// URL without a
// password: that comes from a password or service file (PGPASSFILE, PGSERVICEFILE).
func Open(ctx context.Context, where string, o Options) (*Ledger, error) {
	open := openSQLite
	if Shared(where) {
		open = openPostgres
	}
	s, err := open(where)
	if err != nil {
		return nil, err
	}
	l := &Ledger{store: s, now: o.Now, patience: o.Patience}
	if err := l.retry(ctx, func(bool) error { return l.ready(ctx) }); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if l.patience == 0 { // from here on: a ledger that cannot be reached at first is told at once, unless patience was asked for
		l.patience = DefaultPatience
	}
	return l, nil
}

// Close ends all connections.
func (l *Ledger) Close() error { return errors.Join(l.writes.Close(), l.reads.Close()) }

// ID names the ledger: 32 hex digits, by chance.
func (l *Ledger) ID() string { return l.id }

// ready makes the tables when they are missing, and learns who the ledger is.
func (l *Ledger) ready(ctx context.Context) error {
	tx, err := l.writes.BeginTx(ctx, nil)
	if err != nil {
		return failed(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	c := conn{l.store, tx}
	if l.exclusive != "" {
		if err := c.exec(ctx, l.exclusive); err != nil {
			return err
		}
	}
	if err := l.know(ctx, c); errors.Is(err, errEmpty) {
		if err := l.create(ctx, c); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return failed(tx.Commit())
}

var errEmpty = errors.New("no ledger here yet")

// know reads the head row of a ledger that is there.
func (l *Ledger) know(ctx context.Context, c conn) error {
	there, err := l.tableThere(ctx, c)
	if err != nil {
		return err
	}
	if !there {
		return errEmpty
	}
	var v int
	if err := c.one(ctx, errors.New("ledger: the head row is missing"), `SELECT version, ledger, salt FROM head`, nil, &v, &l.id, &l.salt); err != nil {
		return err
	}
	return checkVersion(v)
}

func checkVersion(v int) error {
	if v != version {
		return &InputError{"ledger", fmt.Sprintf("its tables are of version %d, and this tool knows version %d: take the simbind that made it", v, version)}
	}
	return nil
}

// tableThere looks in the catalogue: a failed query would end a transaction of PostgreSQL.
func (l *Ledger) tableThere(ctx context.Context, c conn) (bool, error) {
	query := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'head'`
	if l.dollars {
		query = `SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('head')`
	}
	var n int
	err := c.one(ctx, nil, query, nil, &n)
	return n > 0, err
}

func (l *Ledger) create(ctx context.Context, c conn) error {
	for _, t := range l.tables {
		if err := c.exec(ctx, t); err != nil {
			return err
		}
	}
	l.id, l.salt = random(16), random(32)
	if err := c.exec(ctx, `INSERT INTO head (one, version, ledger, salt, seq, hash) VALUES (1, ?1, ?2, ?3, 0, '')`, version, l.id, l.salt); err != nil {
		return err
	}
	t, err := l.lockHead(ctx, c)
	if err != nil {
		return err
	}
	return t.append(ctx, &Record{ID: random(16), Kind: KindBegin, Begin: &Begin{Ledger: l.id, Salt: digest([]byte(l.salt))}})
}

// tx is one append under the lock of the head row.
type tx struct {
	conn
	l    *Ledger
	now  time.Time // UTC, microseconds
	seq  int64
	hash string
}

// lockHead waits for its turn: one append at a time, so that the chain has one end.
func (l *Ledger) lockHead(ctx context.Context, c conn) (*tx, error) {
	t := &tx{conn: c, l: l}
	var clock sql.NullTime
	var v int
	var id, salt string
	if err := c.one(ctx, errors.New("ledger: the head row is missing"), l.head, nil, &v, &t.seq, &t.hash, &id, &salt, &clock); err != nil {
		return nil, err
	}
	if err := checkVersion(v); err != nil { // another tool may have changed it meanwhile
		return nil, err
	}
	if id != l.id || salt != l.salt {
		return nil, errors.New("ledger: another ledger took the place of this one")
	}
	switch {
	case l.now != nil:
		t.now = l.now()
	case clock.Valid:
		t.now = clock.Time
	default:
		t.now = time.Now()
	}
	t.now = t.now.UTC().Truncate(time.Microsecond)
	return t, nil
}

// append adds a record and moves the head.
func (t *tx) append(ctx context.Context, r *Record) error {
	r.Seq, r.Prev, r.Time = t.seq+1, t.hash, t.now
	body, err := r.canonical()
	if err != nil {
		return err
	}
	r.Hash = digest(body)
	var note any
	if r.Note != "" {
		note = r.Clear
	}
	if err := t.exec(ctx, `INSERT INTO records (seq, id, kind, job, card, hash, body, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
		r.Seq, r.ID, string(r.Kind), r.Job, r.Card, r.Hash, string(body), note); err != nil {
		return err
	}
	t.seq, t.hash = r.Seq, r.Hash
	return t.exec(ctx, `UPDATE head SET seq = ?1, hash = ?2`, t.seq, t.hash)
}

// write runs do in a transaction that may append records, the first of which is called id. When the database was lost and
// came back, a record of that name says that it had succeeded.
func (l *Ledger) write(ctx context.Context, id string, do func(ctx context.Context, t *tx) error) error {
	return l.writeMore(ctx, 0, id, do)
}

// writeMore is write for what takes so much longer.
func (l *Ledger) writeMore(ctx context.Context, more time.Duration, id string, do func(ctx context.Context, t *tx) error) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.briefly(ctx, more, func(ctx context.Context, again bool) error {
		if l.kept != nil {
			l.kept.prepare(ctx)
		}
		sqlTx, err := l.writes.BeginTx(ctx, nil)
		if err != nil {
			return failed(err)
		}
		defer sqlTx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
		t, err := l.lockHead(ctx, conn{l.store, l.keeping(sqlTx)})
		if err != nil {
			return err
		}
		if again {
			if done, err := t.done(ctx, id); done || err != nil {
				return err
			}
		}
		if err := do(ctx, t); err != nil {
			return err
		}
		return failed(sqlTx.Commit())
	})
}

// keeping is a transaction of writes that takes its queries from what is kept, where anything is.
func (l *Ledger) keeping(t *sql.Tx) querier {
	if l.kept == nil {
		return t
	}
	return keptTx{t, l.kept}
}

func (t *tx) done(ctx context.Context, id string) (bool, error) {
	var n int
	err := t.one(ctx, nil, `SELECT count(*) FROM records WHERE id = ?1`, []any{id}, &n)
	return n > 0, err
}

// by gives a record of an actor.
func record(id string, kind Kind, by Actor) *Record {
	return &Record{ID: id, Kind: kind, Station: by.Station, Operator: by.Operator, Reader: by.Reader, Tool: by.Tool}
}
