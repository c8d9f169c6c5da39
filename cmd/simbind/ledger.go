package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
)

// ledgerFlags say which ledger is meant, and who acts. No password is among them.
type ledgerFlags struct {
	ledger, station, operator string
}

func (o *ledgerFlags) add(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&o.ledger, "ledger", "", "SQLite file, or postgres:// URL without a password (SIMBIND_LEDGER; default: ledger.db in the state folder)")
	f.StringVar(&o.station, "station", "", "name of this desk in the records (SIMBIND_STATION; default: the host's name)")
	f.StringVar(&o.operator, "operator", "", "who is at work, in the records (SIMBIND_OPERATOR; default: the user's login name)")
}

// place is the SQLite file or the URL.
func (a *app) ledgerPlace(o *ledgerFlags) (string, error) {
	if where := first(o.ledger, os.Getenv("SIMBIND_LEDGER")); where != "" {
		return where, nil
	}
	dir, err := a.stateDir()
	return filepath.Join(dir, "ledger.db"), err
}

// openLedger opens the ledger, and makes it when it is missing.
func (a *app) openLedger(ctx context.Context, o *ledgerFlags) (*ledger.Ledger, error) {
	where, err := a.ledgerPlace(o)
	if err != nil {
		return nil, err
	}
	if o.ledger == "" && os.Getenv("SIMBIND_LEDGER") == "" { // the state folder may be new, too
		if _, err := personalize.OpenStore(filepath.Dir(where)); err != nil {
			return nil, err
		}
	}
	l, err := ledger.Open(ctx, where, ledger.Options{})
	return l, fileError("--ledger "+where, err)
}

// oldLedger opens a ledger that must be there.
func (a *app) oldLedger(ctx context.Context, o *ledgerFlags) (*ledger.Ledger, error) {
	where, err := a.ledgerPlace(o)
	if err != nil {
		return nil, err
	}
	if !ledger.Shared(where) {
		info, err := os.Stat(where)
		if err != nil {
			return nil, fileError("--ledger "+where, err)
		}
		if info.Mode().IsRegular() && info.Size() == 0 { // what opens it would begin a new one in it
			return nil, usagef("--ledger %s: the file is empty, there is no ledger in it", where)
		}
	}
	return a.openLedger(ctx, o)
}

// actor is who the records name.
func (a *app) actor(o *ledgerFlags, reader string) ledger.Actor {
	station, _ := os.Hostname() // without one the ledger asks for it
	login := ""
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	return ledger.Actor{
		Station:  first(o.station, os.Getenv("SIMBIND_STATION"), station),
		Operator: first(o.operator, os.Getenv("SIMBIND_OPERATOR"), login),
		Reader:   reader, Tool: "simbind " + version,
	}
}

// first gives the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// jobNamed finds a job by its name, or by eight or more digits of its digest.
func jobNamed(ctx context.Context, l *ledger.Ledger, name string) (ledger.JobState, error) {
	jobs, err := l.Jobs(ctx)
	if err != nil {
		return ledger.JobState{}, err
	}
	var found []ledger.JobState
	for _, j := range jobs {
		if j.Name == name || len(name) >= 8 && strings.HasPrefix(j.Digest, strings.ToLower(name)) {
			found = append(found, j)
		}
	}
	switch len(found) {
	case 0:
		return ledger.JobState{}, &usageError{err: ledger.ErrNoJob, hint: "a job is registered by its first run"}
	case 1:
		return found[0], nil
	}
	return ledger.JobState{}, &usageError{err: errors.New("several jobs are called " + name), hint: "name it by the first digits of its digest: " + found[0].Digest[:12] + ", " + found[1].Digest[:12] + " …"}
}

// jobCalled is jobNamed, and where no job has the name, the job of that file.
func jobCalled(ctx context.Context, l *ledger.Ledger, name string) (ledger.JobState, error) {
	j, err := jobNamed(ctx, l, name)
	if !errors.Is(err, ledger.ErrNoJob) {
		return j, err
	}
	return jobMeant(ctx, l, name)
}

// digits shows an ICCID of the ledger; an erased one by its pseudonym.
func (a *app) digits(iccid, card string) string {
	switch {
	case iccid == "":
		return "erased:" + card[:min(12, len(card))]
	case a.global.reveal || len(iccid) < 10:
		return iccid
	}
	return iccid[:6] + "***" + iccid[len(iccid)-4:]
}

// utc shows a time as scripts read it.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// signingKey loads a private key file.
func signingKey(path string) (ledger.Key, error) {
	if path == "" {
		return ledger.Key{}, &usageError{err: errors.New("no key to sign with"), hint: "--key FILE names it; 'simbind audit key new FILE' makes one"}
	}
	k, err := ledger.LoadKey(path)
	if errors.As(err, new(*fs.PathError)) {
		return k, fileError("--key "+path, err)
	}
	return k, err
}
