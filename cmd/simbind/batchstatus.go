package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
)

type batchStatusReport struct {
	head
	Job    string          `json:"job"`
	Digest string          `json:"digest"`
	Sealed bool            `json:"sealed"`
	Counts ledger.Counts   `json:"counts"`
	Cards  []batchCardView `json:"cards"` // that a person has to look after
}

// batchCardView is a card in doubt, put aside or rejected.
type batchCardView struct {
	ICCID    string `json:"iccid"`
	State    string `json:"state"` // in_doubt, quarantined, rejected
	Code     string `json:"code,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Station  string `json:"station"`
	Operator string `json:"operator"`
	Reader   string `json:"reader"`
	Since    string `json:"since"`
}

func (r *batchStatusReport) text(w io.Writer, _ printer) {
	n := r.Counts
	fmt.Fprintf(w, "job %s (%s)\n", r.Job, r.Digest[:12])
	sealed := "no"
	if r.Sealed {
		sealed = "yes"
	}
	pairs(w, [][2]string{
		{"ordered", fmt.Sprint(n.Ordered)}, {"good", fmt.Sprint(n.Good)}, {"rejected", fmt.Sprint(n.Rejected)}, {"put aside", fmt.Sprint(n.Quarantined)},
		{"at work or in doubt", fmt.Sprint(n.Open)}, {"untouched", fmt.Sprint(n.Untouched)}, {"sealed", sealed},
	})
	if len(r.Cards) == 0 {
		return
	}
	var rows [][]string
	for _, c := range r.Cards {
		rows = append(rows, []string{c.ICCID, c.State, c.Code, c.Station, c.Reader, c.Reason})
	}
	table(w, []string{"card", "state", "code", "station", "reader", "reason"}, rows)
}

func (a *app) batchStatusCommand(l *ledgerFlags) *cobra.Command {
	return &cobra.Command{
		Use: "status JOB", Short: "Where the cards of a job are, and which need a person", Args: cobra.ExactArgs(1),
		Long: `Show from the ledger how far a job is, whatever stations work on it: counts, and the cards in doubt, put
aside or rejected, with their reasons. JOB is the job's file, its name, or the first digits of its digest.`,
		Example: `  simbind batch status march-500.csv
  simbind batch status march-500 --ledger postgres://bench/ledger --json`,
		RunE: func(c *cobra.Command, args []string) error { return a.batchStatus(c.Context(), args[0], l) },
	}
}

func (a *app) batchStatus(ctx context.Context, name string, lf *ledgerFlags) error {
	l, err := a.oldLedger(ctx, lf)
	if err != nil {
		return err
	}
	defer l.Close()
	j, err := jobMeant(ctx, l, name)
	if err != nil {
		return err
	}
	r := &batchStatusReport{head: schema("batch-status"), Job: j.Name, Digest: j.Digest, Sealed: j.Sealed, Cards: []batchCardView{}}
	if r.Counts, err = l.Counts(ctx, j.Digest); err != nil {
		return err
	}
	for s, err := range l.Cards(ctx, j.Digest) {
		if err != nil {
			return err
		}
		if s.Claim != "" && s.Holder == j.Digest && s.Outcome != ledger.Good && s.Outcome != ledger.Untouched {
			r.Cards = append(r.Cards, a.batchCard(s))
		}
	}
	return a.show(r)
}

// jobMeant finds a job of the ledger by its file, its name, or the first digits of its digest.
func jobMeant(ctx context.Context, l *ledger.Ledger, name string) (ledger.JobState, error) {
	if _, err := os.Stat(name); err == nil {
		j, err := job.Load(name, job.Options{AllowTestIMEI: true, AllowSameIMEI: true})
		if as[*keys.Error](err) { // of a file that is encrypted
			return ledger.JobState{}, &usageError{err: err, hint: "the ledger knows the job by its name, and by the first digits of its digest ('simbind batch check'), too"}
		}
		if err != nil {
			return ledger.JobState{}, fileError(name, err)
		}
		name = j.Digest
	}
	return jobNamed(ctx, l, name)
}

func (a *app) batchCard(s ledger.CardState) batchCardView {
	v := batchCardView{ICCID: a.digits(s.ICCID, s.Card), State: string(s.Outcome), Code: s.Code, Reason: s.Note, Station: s.By.Station, Operator: s.By.Operator, Reader: s.By.Reader, Since: utc(s.Concluded)}
	if s.Outcome == ledger.Underway {
		v.State, v.Since = "in_doubt", utc(s.Claimed)
	}
	return v
}
