package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// TestMain runs the tests beside a real PostgreSQL; without one they fail. A child process of the tests does its part instead.
func TestMain(m *testing.M) {
	if part := os.Getenv("LEDGER_CHILD"); part != "" {
		if err := child(part); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv("SIMBIND_POSTGRES") != "" {
		os.Exit(m.Run())
	}
	again := exec.Command(filepath.Join("..", "..", "scripts", "with-postgres"), append([]string{"--"}, os.Args...)...)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := again.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// both runs a test on a SQLite file and on a PostgreSQL schema of its own; where is what Open takes.
func both(t *testing.T, test func(t *testing.T, where string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresSchema(t)) })
}

func sqliteFile(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger.db") }

var schemas atomic.Int64

func postgresSchema(t testing.TB) string {
	t.Helper()
	server := os.Getenv("SIMBIND_POSTGRES")
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	return server + "&search_path=" + name
}

// another gives the place of a second ledger of the same kind.
func another(t testing.TB, where string) string {
	if strings.HasPrefix(where, "postgres") {
		return postgresSchema(t)
	}
	return sqliteFile(t)
}

// raw opens the database behind a ledger, as somebody would who tampers with it.
func raw(t *testing.T, where string) *sql.DB {
	t.Helper()
	driver, name := "pgx", where
	if !strings.HasPrefix(where, "postgres") {
		driver, name = "sqlite", "file:"+where+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func open(t testing.TB, where string, now func() time.Time) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), where, ledger.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// clock is a time that moves when told to.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

var (
	desk1 = ledger.Actor{Station: "desk-1", Operator: "anna", Reader: "slot 1", Tool: "simbind test"}
	desk2 = ledger.Actor{Station: "desk-2", Operator: "bert", Reader: "slot 1", Tool: "simbind test"}
)

func iccids(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("8988211000%09d", i)
	}
	return out
}

func jobOf(name string, cards []string) ledger.Job {
	return ledger.Job{Digest: fmt.Sprintf("%064x", []byte(name)), Name: name, ICCIDs: cards}
}

func register(t testing.TB, l *ledger.Ledger, j ledger.Job) {
	t.Helper()
	if err := l.Register(context.Background(), j, desk1); err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, l *ledger.Ledger, j ledger.Job, iccid string, by ledger.Actor) *ledger.Claim {
	t.Helper()
	c, err := l.Claim(context.Background(), ledger.Want{Job: j.Digest, ICCID: iccid, By: by})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func conclude(t testing.TB, c *ledger.Claim, o ledger.Outcome) {
	t.Helper()
	if err := c.Conclude(context.Background(), o, ledger.Event{Step: "verify", Note: "as told", Code: "told"}); err != nil {
		t.Fatal(err)
	}
}

func sound(t testing.TB, l *ledger.Ledger, kept ...ledger.Seal) ledger.Verified {
	t.Helper()
	v, err := l.Verify(context.Background(), kept...)
	if err != nil {
		var e *ledger.ChainError
		if errors.As(err, &e) {
			for _, p := range e.Problems {
				t.Log(p.Seq, p.What)
			}
		}
		t.Fatal(err)
	}
	return v
}

func counts(t testing.TB, l *ledger.Ledger, j ledger.Job) ledger.Counts {
	t.Helper()
	n, err := l.Counts(context.Background(), j.Digest)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
