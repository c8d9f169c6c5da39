package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
)

// rehearseFlags are those of a rehearsal.
type rehearseFlags struct {
	rehearse bool
	cards    int
	hooks    bool
	html     string
}

// Without a word about it, a rehearsal takes so many cards and readers.
const (
	rehearsalCards   = 50
	rehearsalReaders = 8
)

func (o *rehearseFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.rehearse, "rehearse", false, "take the job through virtual cards instead: no reader, no real card, no real ledger")
	f.IntVar(&o.cards, "rehearse-cards", rehearsalCards, "of --rehearse: how many cards, from the first row on; 0: all")
	f.BoolVar(&o.hooks, "rehearse-hooks", false, "of --rehearse: run the programs of the card handler that take cards away, too")
	f.StringVar(&o.html, "html", "", "of --rehearse: write the report of the rehearsal as one page to this file")
}

// check refuses what has no meaning with the word, or without it.
func (o *rehearseFlags) check(c *cobra.Command, a *app, b *batchFlags, lf *ledgerFlags) error {
	if !o.rehearse {
		for _, name := range []string{"rehearse-cards", "rehearse-hooks", "html"} {
			if c.Flags().Changed(name) {
				return usagef("--%s goes with --rehearse; 'batch report JOB --html FILE' is the report of the real run", name)
			}
		}
		return nil
	}
	switch {
	case a.global.reader != "" || len(b.labels) > 0:
		return usagef("--rehearse has virtual readers of its own: --reader and --label are for the real run")
	case lf.ledger != "":
		return usagef("--rehearse has a ledger of its own that is thrown away: --ledger is for the real run")
	case o.cards < 0:
		return usagef("--rehearse-cards is not negative")
	}
	if !c.Flags().Changed("readers") {
		b.readers = rehearsalReaders
	}
	return mayReplace("--html", o.html)
}

// rehearse takes the job through virtual cards with the runner of the real run: keys from the job's own source, a ledger and a state folder that
// are removed at the end.
func (a *app) rehearse(ctx context.Context, j *job.Job, o *batchFlags, lf *ledgerFlags) error {
	secrets, forget, err := a.batchSecrets(ctx, j, o)
	if err != nil {
		return err
	}
	defer forget()
	dir, err := os.MkdirTemp("", "simbind-rehearsal-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a.global.stateDir = dir
	b, err := a.bench(ctx, j, o, lf)
	if err != nil {
		return err
	}
	b.Run.Secrets = rehearsed(secrets)
	if b.Ledger, err = ledger.Open(ctx, filepath.Join(dir, "ledger.db"), ledger.Options{}); err != nil {
		return err
	}
	defer b.Ledger.Close()
	r := a.newRehearsal(b, j, o)
	r.report.Keys = keysWord(j, o)
	result, err := b.Work(ctx)
	if result.End == "" {
		return err
	}
	return r.conclude(context.WithoutCancel(ctx), result, o.rehearsal.html)
}

// newRehearsal changes the bench to virtual readers and to the rows that are rehearsed. Nobody signs a rehearsal, and no handler moves its cards.
func (a *app) newRehearsal(b *batch.Bench, j *job.Job, o *batchFlags) *rehearsal {
	r := &rehearsal{a: a, bench: b, job: j, report: newRehearsalReport(j)}
	if o.rehearsal.cards > 0 {
		b.Order.ICCIDs = b.Order.ICCIDs[:min(o.rehearsal.cards, len(b.Order.ICCIDs))]
	}
	b.Order.Name += " (rehearsal)"
	b.Order.Dual, b.Order.Approvers = false, nil
	r.rehearseHooks(o)
	b.Limits.Idle = time.Second // nobody brings more cards
	r.open(o.readers)
	b.Readers = func() (batch.Readers, error) { return benchReaders{service: shared{r.service}}, nil }
	b.Tell = r.tell
	return r
}

// rehearseHooks looks whether the programs of the card handler are there. They run when that is asked for; none fetches virtual cards.
func (r *rehearsal) rehearseHooks(o *batchFlags) {
	h := &r.bench.Hooks
	r.report.hooks = len(h.Get)+len(h.Good)+len(h.Bad) > 0
	r.report.Problems = append(r.report.Problems, missingHooks(*h)...)
	h.Get = nil
	if !o.rehearsal.hooks {
		*h = batch.Hooks{}
	}
}

// missingHooks tells which programs of the card handler cannot be started.
func missingHooks(h batch.Hooks) (out []string) {
	for _, x := range []struct {
		name string
		argv []string
	}{{"get", h.Get}, {"good", h.Good}, {"bad", h.Bad}} {
		if len(x.argv) == 0 {
			continue
		}
		if _, err := exec.LookPath(x.argv[0]); err != nil {
			out = append(out, fmt.Sprintf("hook %s: %s: %v", x.name, x.argv[0], bare(err)))
		}
	}
	return out
}

// bare is why a program cannot be started, without its name.
func bare(err error) error {
	var program *exec.Error
	if errors.As(err, &program) {
		err = program.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}

// conclude checks the ledger of the rehearsal as that of a real run is before it is sealed, and tells what came out.
func (r *rehearsal) conclude(ctx context.Context, result batch.Result, html string) error {
	if err := r.settle(ctx, result); err != nil {
		return err
	}
	if html != "" {
		j, err := jobNamed(ctx, r.bench.Ledger, r.job.Digest)
		if err != nil {
			return err
		}
		if _, err := r.a.batchFiles(ctx, r.bench.Ledger, j, "", html); err != nil {
			return err
		}
		r.report.HTML = html
	}
	if err := r.a.show(r.report); err != nil {
		return err
	}
	switch {
	case result.End == batch.Interrupted:
		return &codeError{code: exitInterrupted}
	case r.report.Outcome != rehearsalGood:
		return &codeError{code: exitBatch}
	}
	return nil
}

// settle fills in how the batch ended, and whether its ledger is sound and balances.
func (r *rehearsal) settle(ctx context.Context, result batch.Result) error {
	p := r.report
	p.Counts, p.End, p.Code, p.Reason, p.Millis = result.Counts, string(result.End), result.Code, result.Reason, milliseconds(result.Elapsed)
	n := p.Counts
	p.Balanced = n.Open == 0 && n.Quarantined == 0 && n.Ordered == n.Good+n.Rejected+n.Untouched
	checked, err := r.bench.Ledger.Verify(ctx)
	p.Records = checked.Records
	if err != nil {
		p.Problems = append(p.Problems, err.Error())
	}
	p.judge()
	return nil
}

func keysWord(j *job.Job, o *batchFlags) string {
	if o.testKeys {
		return "test"
	}
	return keySource(j)
}
