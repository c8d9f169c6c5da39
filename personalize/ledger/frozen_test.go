//go:build unix

package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

// wire is a network between a station and the database, which can be cut so that nobody is told.
type wire struct {
	cut atomic.Bool
	end context.Context
}

// cable puts a wire in front of a database and gives its place behind it.
func cable(t *testing.T, where string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	const name = ".s.PGSQL.5432"
	server := filepath.Join(q.Get("host"), name)
	dir, err := os.MkdirTemp("", "cable")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{end: t.Context()}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("unix", server)
			if err != nil {
				c.Close()
				continue
			}
			go w.carry(c, s)
			go w.carry(s, c)
		}
	}()
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	return w, u.String()
}

// carry takes bytes over until the wire is cut: then nothing arrives, and no end either.
func (w *wire) carry(from, to net.Conn) {
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if w.cut.Load() {
			<-w.end.Done()
		}
		if err == nil {
			_, err = to.Write(b[:n])
		}
		if err != nil {
			from.Close()
			to.Close()
			return
		}
	}
}

// TestDatabaseThatNoLongerAnswers: a network that is cut ends a call, with the database's name for it, and does not hold it for ever.
func TestDatabaseThatNoLongerAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w, where := cable(t, postgresSchema(t))
	l, err := ledger.Open(ctx, where, ledger.Options{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	j := jobOf("one", iccids(2))
	register(t, l, j)
	c := claim(t, l, j, j.ICCIDs[0], desk1)
	w.cut.Store(true)
	for name, call := range map[string]func() error{
		"claim": func() error {
			_, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[1], By: desk1})
			return err
		},
		"conclude": func() error { return c.Conclude(ctx, ledger.Good, ledger.Event{}) },
		"find":     func() error { _, err := l.Find(ctx, j.ICCIDs[0]); return err },
		"start":    func() error { return l.MayStart(ctx, j.Digest) },
	} {
		began := time.Now()
		if err := call(); !errors.As(err, new(*ledger.StoreError)) || ctx.Err() != nil {
			t.Fatalf("%s: %v after %s", name, err, time.Since(began))
		}
	}
	_ = l.Close() // nobody answers
}

// TestStationThatStopsInTheMiddle: one that is frozen while it appends does not keep the others from the ledger, and goes on when it wakes.
func TestStationThatStopsInTheMiddle(t *testing.T) {
	where := postgresSchema(t)
	l := open(t, where, nil)
	j := jobOf("crash", iccids(crashCards))
	register(t, l, j)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_CHILD=desk-1", "LEDGER_WHERE="+where)
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	frozen(t, cmd.Process, where)
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	if err := l.Remark(ctx, j.Digest, "", desk2, ledger.Event{Step: "stop"}); err != nil {
		t.Errorf("another station: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the station that was stopped: %v", err)
	}
	if n := counts(t, l, j); n.Good != crashCards {
		t.Errorf("%+v", n)
	}
	sound(t, l)
}

// frozen stops a process where it holds the lock that every append passes through.
func frozen(t *testing.T, p *os.Process, where string) {
	t.Helper()
	db := raw(t, where)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if holds(t, db) {
			if _, err := db.Exec(`SELECT pg_sleep(0.1)`); err != nil { // a commit on its way ends meanwhile
				t.Fatal(err)
			}
			if holds(t, db) {
				return
			}
		}
		if err := p.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the process was never stopped in the middle")
}

// holds tries the lock without waiting for it.
func holds(t *testing.T, db *sql.DB) bool {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	_, err = tx.Exec(`SELECT seq FROM head FOR UPDATE NOWAIT`)
	return err != nil
}
