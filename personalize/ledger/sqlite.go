package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// appendOnly keeps records from being changed by mistake; a note alone may go (Erase).
var sqliteAppendOnly = []string{
	`CREATE TRIGGER records_kept BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'records are never removed'); END`,
	`CREATE TRIGGER records_fixed BEFORE UPDATE OF seq, id, kind, job, card, hash, body ON records
		BEGIN SELECT RAISE(ABORT, 'records are never changed'); END`,
}

// openSQLite opens a file of mode 0600. A commit is on the disk when it returns (synchronous=FULL); what is deleted is overwritten.
func openSQLite(path string) (*store, error) {
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	where := sqliteName(full)
	writes, err := sql.Open("sqlite", where+"&_txlock=immediate")
	if err != nil {
		return nil, failed(err)
	}
	reads, err := sql.Open("sqlite", where+"&_pragma=query_only(1)")
	if err != nil {
		return nil, failed(err)
	}
	writes.SetMaxOpenConns(1) // SQLite has one writer
	reads.SetMaxOpenConns(8)
	return &store{
		writes: writes, reads: reads,
		tables: append(append([]string{}, tables...), sqliteAppendOnly...),
		head:   `SELECT version, seq, hash, ledger, salt, NULL FROM head`,
		gone:   sqliteBusy,
		kept:   keep(writes),
		scrub:  func(ctx context.Context) error { return emptyLog(ctx, writes) },
	}, nil
}

// errLogKept is an erasure that is done, but for the log of the database.
var errLogKept = errors.New("erased, but the log of the database still holds it, since another program reads the ledger: let it end, and erase again")

// emptyLog waits as long as for any lock; a reader that goes on longer is told in the answer, and is no error of SQLite.
func emptyLog(ctx context.Context, db *sql.DB) error {
	var busy, pages, moved int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
		return failed(err)
	}
	if busy != 0 {
		return errLogKept
	}
	return nil
}

func sqliteName(path string) string {
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"}}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: pragmas.Encode()}).String()
}

// makePrivate creates the file before SQLite does: its log and index files take the mode from it.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return f.Close()
}

// sqliteBusy is another process that did not let go within the busy timeout.
func sqliteBusy(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xFF
	return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
}
