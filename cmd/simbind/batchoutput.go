package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
)

func (a *app) batchOutputCommand(l *ledgerFlags) *cobra.Command {
	var opt job.Options
	var out string
	c := &cobra.Command{
		Use: "output JOB", Short: "Write the file for the operator's systems", Args: cobra.ExactArgs(1),
		Long: `Fill the job's output template with what the ledger says of its cards, and write the file the job
names (--out: another one), mode 0600. Columns that the template encrypts are age files in base64, for its
recipients alone. No key or code is ever among the columns.`,
		Example: `  simbind batch output march-500
  simbind batch output march-500 --out /media/usb/march.csv --json`,
		RunE: func(c *cobra.Command, args []string) error { return a.batchOutput(c.Context(), args[0], out, opt, l) },
	}
	jobFlags(c, &opt)
	c.Flags().StringVar(&out, "out", "", "write to this file instead of the job's")
	return c
}

type batchOutputReport struct {
	head
	Outcome string `json:"outcome"` // written
	Job     string `json:"job"`
	Digest  string `json:"digest"`
	File    string `json:"file"`
	SHA256  string `json:"sha256"` // of the file
	Rows    int    `json:"rows"`
	Erased  int    `json:"erased"` // cards left out, since the ledger forgot their ICCID
}

func (r batchOutputReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: %d rows of job %s\n", r.File, r.Rows, r.Job)
	erased := ""
	if r.Erased > 0 {
		erased = fmt.Sprintf("%d cards, left out", r.Erased)
	}
	pairs(w, [][2]string{{"SHA-256", r.SHA256}, {"erased", erased}})
}

func (a *app) batchOutput(ctx context.Context, path, out string, opt job.Options, lf *ledgerFlags) error {
	j, err := job.Load(path, opt)
	if err != nil {
		return fileError(path, err)
	}
	if !j.HasOutput() {
		return &usageError{err: errors.New("the job names no template of an output"), hint: "output: {template: FILE, file: FILE} in job.yaml does; see docs/bench.md"}
	}
	r := batchOutputReport{head: schema("batch-output"), Outcome: "written", Job: j.Name, Digest: j.Digest, File: first(out, j.Output.File)}
	if err := mayReplace("output", r.File); err != nil {
		return err
	}
	l, err := a.oldLedger(ctx, lf)
	if err != nil {
		return err
	}
	defer l.Close()
	b, err := a.fillOutput(ctx, l, j, &r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	r.SHA256 = hex.EncodeToString(sum[:])
	if err := maybe.WriteFile(r.File, b, 0o600); err != nil {
		return fileError(r.File, err)
	}
	return a.show(r)
}

// fillOutput makes the whole file, so that no half of it is ever to be seen.
func (a *app) fillOutput(ctx context.Context, l *ledger.Ledger, j *job.Job, r *batchOutputReport) ([]byte, error) {
	n, err := l.Counts(ctx, j.Digest)
	if err != nil {
		return nil, err
	}
	batch := job.Batch{Time: a.now(), Ordered: n.Ordered, Good: n.Good, Rejected: n.Rejected, Quarantined: n.Quarantined, Open: n.Open, Untouched: n.Untouched}
	var b bytes.Buffer
	r.Rows, err = j.WriteOutput(&b, batch, doneCards(l.Cards(ctx, j.Digest), j.Digest, &r.Erased))
	return b.Bytes(), err
}

// doneCards are the cards of a job with what became of them under it; one that another job holds is untouched here.
func doneCards(cards iter.Seq2[ledger.CardState, error], digest string, erased *int) iter.Seq2[job.Done, error] {
	return func(yield func(job.Done, error) bool) {
		for s, err := range cards {
			if s.ICCID == "" && err == nil {
				*erased++
				continue
			}
			d := job.Done{ICCID: s.ICCID, Outcome: string(ledger.Untouched)}
			if s.Claim != "" && s.Holder == digest {
				d = job.Done{ICCID: s.ICCID, Outcome: string(s.Outcome), Code: s.Code, Reason: s.Note, Station: s.By.Station, Operator: s.By.Operator, Reader: s.By.Reader, Concluded: s.Concluded}
			}
			if !yield(d, err) {
				return
			}
		}
	}
}
