package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// tablesLock is the number of the advisory lock under which the tables are made: "simbind" in ASCII.
const tablesLock = `SELECT pg_advisory_xact_lock(32485540845153892)`

var postgresAppendOnly = []string{
	`CREATE FUNCTION records_keep() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'records are never changed or removed'; END $$`,
	`CREATE TRIGGER records_kept BEFORE DELETE ON records FOR EACH ROW EXECUTE FUNCTION records_keep()`,
	`CREATE TRIGGER records_whole BEFORE TRUNCATE ON records FOR EACH STATEMENT EXECUTE FUNCTION records_keep()`,
	`CREATE TRIGGER records_fixed BEFORE UPDATE OF seq, id, kind, job, card, hash, body ON records
		FOR EACH ROW EXECUTE FUNCTION records_keep()`,
}

// defaults are parameters of a connection, where the URL names no others. A station that dies or loses its network in the middle of an append
// holds the lock that all others wait for: the database ends it long before it would notice by itself.
var defaults = map[string]string{"application_name": "simbind", "idle_in_transaction_session_timeout": "10s"}

// openPostgres connects to a database that several stations share. Every append locks the head row, so that there is one chain.
func openPostgres(where string) (*store, error) {
	if err := noPassword(where); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, &InputError{"ledger", err.Error()}
	}
	if err := privatePassword(where, config.Password); err != nil {
		return nil, err
	}
	config.RuntimeParams["synchronous_commit"] = "on" // a commit is on the disk when it returns
	for name, value := range defaults {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	writes, reads := stdlib.OpenDB(*config), stdlib.OpenDB(*config)
	writes.SetMaxOpenConns(2)
	reads.SetMaxOpenConns(8)
	return &store{
		writes: writes, reads: reads,
		tables: append(append([]string{}, tables...), postgresAppendOnly...), exclusive: tablesLock,
		head:       `SELECT version, seq, hash, ledger, salt, clock_timestamp() FROM head FOR UPDATE`,
		dollars:    true,
		copyOrders: `INSERT INTO orders (job, position, card, iccid) SELECT $1::text, * FROM unnest($2::bigint[], $3::text[], $4::text[])`,
		gone:       postgresGone,
		snapshot:   sql.LevelRepeatableRead,
		scrub:      func(ctx context.Context) error { return vacuum(ctx, writes) },
	}, nil
}

// vacuum gives the space of erased values free, so that it is overwritten in time.
func vacuum(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `VACUUM records, orders, cards, claims`)
	return failed(err)
}

// noPassword refuses a password where others can read it: arguments and environment.
func noPassword(where string) error {
	u, err := url.Parse(where)
	if err != nil {
		return &InputError{"ledger", "not a URL"} // the error would repeat it
	}
	_, inUser := u.User.Password()
	if inUser || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return &InputError{"ledger", "a password in the URL can be read by others on this machine: put it into a password file (PGPASSFILE) or a service file"}
	}
	if os.Getenv("PGPASSWORD") != "" {
		return &InputError{"ledger", "PGPASSWORD is set: passwords are not taken from the environment but from a password file (PGPASSFILE) or a service file"}
	}
	return nil
}

// privatePassword refuses a password out of a file that others may read, which PostgreSQL's own programs pass over, too.
func privatePassword(where, password string) error {
	if password == "" || runtime.GOOS == "windows" {
		return nil
	}
	u, err := url.Parse(where)
	if err != nil {
		return &InputError{"ledger", "not a URL"}
	}
	path := cmp.Or(u.Query().Get("passfile"), os.Getenv("PGPASSFILE"))
	if home, err := os.UserHomeDir(); path == "" && err == nil {
		path = filepath.Join(home, ".pgpass")
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return &InputError{"ledger", fmt.Sprintf("password file %s: mode %04o lets others read it, 0600 is needed", path, info.Mode().Perm())}
	}
	return nil
}

// passing are the error classes (two characters) and codes of a database that restarts, is full for a moment, chose this transaction to give way,
// or ended one that took too long.
var passing = []string{"08", "57P01", "57P02", "57P03", "53300", "40001", "40P01", "25P03"}

func postgresGone(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return slices.ContainsFunc(passing, func(p string) bool { return strings.HasPrefix(e.Code, p) })
	}
	return !errors.As(err, new(*pgx.ScanArgError)) // not an answer of the server: the connection
}

// Shared tells the URL of a database from the path of a file.
func Shared(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}
