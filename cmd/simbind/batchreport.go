package main

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/personalize/ledger/summary"
)

// batchReport is a job as its records tell it: one value behind table, JSON and page. There is no time of making in it, so that the same
// ledger gives the same bytes.
type batchReport struct {
	head
	Job      batchJob   `json:"job"`
	Ledger   string     `json:"ledger"`
	AsOf     batchPoint `json:"as_of"`
	Chain    batchChain `json:"chain"`
	Seal     *batchSeal `json:"seal,omitempty"`
	Revealed bool       `json:"revealed"` // identities are shown whole
	summary.Summary
	Cards   []batchCard `json:"cards"` // those that are not good and not untouched, in the order of the job
	LeftOut int         `json:"cards_left_out"`
}

type batchJob struct {
	Digest         string             `json:"digest"`
	Name           string             `json:"name"`
	Registered     string             `json:"registered,omitempty"`
	Dual           bool               `json:"dual"`
	Approvals      []summary.Approval `json:"approvals"`
	RedoSignatures int                `json:"redo_signatures"`
}

// batchPoint is the end of the chain that was reported on; the time is that of the job's last record.
type batchPoint struct {
	Record int64  `json:"record"`
	Hash   string `json:"hash"`
	Time   string `json:"time,omitempty"`
}

type batchChain struct {
	Outcome    string         `json:"outcome"` // sound, broken
	Erased     int            `json:"erased"`
	Unreadable int            `json:"unreadable"` // records that are in no figure
	Problems   []auditProblem `json:"problems"`
}

func (c batchChain) Sound() bool { return c.Outcome == "sound" }

type batchSeal struct {
	Record   int64  `json:"record"`
	Time     string `json:"time"`
	Station  string `json:"station"`
	Operator string `json:"operator"`
	Key      string `json:"key"`
	Genuine  bool   `json:"genuine"` // its signature fits, and it is of this job
}

// batchCard is a card a person may ask about.
type batchCard struct {
	Number    int    `json:"number"` // in the job, from 1
	ICCID     string `json:"iccid"`
	Outcome   string `json:"outcome"` // rejected, quarantined, in_doubt
	Code      string `json:"code,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Station   string `json:"station"`
	Reader    string `json:"reader,omitempty"`
	Operator  string `json:"operator"`
	Attempts  int    `json:"attempts"`
	Claimed   string `json:"claimed,omitempty"`
	Concluded string `json:"concluded,omitempty"`
}

// maxCards bounds the list of cards in JSON and page; the CSV has them all.
const maxCards = 500

func (a *app) batchReportCommand(o *ledgerFlags) *cobra.Command {
	var csvFile, htmlFile string
	c := &cobra.Command{
		Use: "report JOB", Short: "Tell how a job went: balance, yield, times, failures", Args: cobra.ExactArgs(1),
		Long: `Tell how a job went, from the ledger alone; no card and no reader is needed. The ledger is checked as
by 'audit verify': when it is broken, what can be read is reported all the same, and the exit code
is 8. --csv writes a line for every ordered card, --html one page that needs nothing else and can be
printed. ICCIDs are shortened without --reveal. JOB is the job's file, its name, or the first digits
of its digest.`,
		Example: `  simbind batch report march-500
  simbind batch report march-500 --html march-500.html --csv march-500.csv`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.batchReport(c.Context(), o, args[0], csvFile, htmlFile)
		},
	}
	c.Flags().StringVar(&csvFile, "csv", "", "write a line for every ordered card to this file")
	c.Flags().StringVar(&htmlFile, "html", "", "write one self-contained page to this file")
	return c
}

func (a *app) batchReport(ctx context.Context, o *ledgerFlags, job, csvFile, htmlFile string) error {
	if err := errors.Join(mayReplace("--csv", csvFile), mayReplace("--html", htmlFile)); err != nil {
		return err
	}
	l, err := a.oldLedger(ctx, o)
	if err != nil {
		return err
	}
	defer l.Close()
	j, err := jobMeant(ctx, l, job)
	if err != nil {
		return err
	}
	r, err := a.batchFiles(ctx, l, j, csvFile, htmlFile)
	if err != nil {
		return err
	}
	if err := a.show(r); err != nil {
		return err
	}
	if !r.Chain.Sound() {
		return &codeError{code: exitDoubt}
	}
	return nil
}

// batchFiles makes the report, and writes the files that were asked for; the CSV while the cards are read.
func (a *app) batchFiles(ctx context.Context, l *ledger.Ledger, j ledger.JobState, csvFile, htmlFile string) (r *batchReport, err error) {
	read := func(each func(reportRow) error) (err error) {
		r, err = a.readBatch(ctx, l, j, each)
		return err
	}
	if csvFile == "" {
		err = read(func(reportRow) error { return nil })
	} else {
		err = a.replace("--csv", csvFile, func(w io.Writer) error { return writeBatchCSV(w, read) })
	}
	if err == nil && htmlFile != "" {
		err = a.replace("--html", htmlFile, func(w io.Writer) error { return batchPage(w, r) })
	}
	return r, err
}

// readBatch goes through the ledger once to check it, once through the records of the job, and once through its list of cards, each of
// which goes to each. All of it is as of the record at which the check ended: what stations append meanwhile is not in it.
func (a *app) readBatch(ctx context.Context, l *ledger.Ledger, j ledger.JobState, each func(reportRow) error) (*batchReport, error) {
	r := &batchReport{head: schema("batch-report"), Ledger: l.ID(), Revealed: a.global.reveal, Cards: []batchCard{}}
	if err := r.check(ctx, l); err != nil {
		return nil, err
	}
	t := summary.New()
	if err := r.follow(ctx, l, j.Digest, t); err != nil {
		return nil, err
	}
	counts, err := l.Counts(ctx, j.Digest)
	if err != nil {
		return nil, err
	}
	for s, err := range l.Cards(ctx, j.Digest) {
		if err != nil {
			return nil, err
		}
		row := a.reportRow(s, t.Ordered(s.Card), j.Digest)
		r.keep(row)
		if err := each(row); err != nil {
			return nil, err
		}
	}
	r.Summary = t.Summary(counts.Elsewhere)
	r.identify(j, t)
	return r, nil
}

// check is audit verify; a broken chain is part of the report.
func (r *batchReport) check(ctx context.Context, l *ledger.Ledger) error {
	v, err := l.Verify(ctx)
	var broken *ledger.ChainError
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	r.AsOf = batchPoint{Record: v.Records, Hash: v.Head}
	r.Chain = batchChain{Outcome: "sound", Erased: v.Erased, Problems: []auditProblem{}}
	if broken == nil {
		return nil
	}
	r.Chain.Outcome = "broken"
	for _, p := range broken.Problems {
		r.Chain.Problems = append(r.Chain.Problems, auditProblem{Record: p.Seq, What: p.What})
	}
	return nil
}

// follow hands the records of the job to the tally. Where a broken chain ends nobody can say: then it is all there is.
func (r *batchReport) follow(ctx context.Context, l *ledger.Ledger, job string, t *summary.Tally) error {
	end := r.AsOf.Record
	if !r.Chain.Sound() {
		end = math.MaxInt64
	}
	for record, err := range l.Records(ctx, job) {
		var broken *ledger.ChainError
		switch {
		case errors.As(err, &broken):
			r.Chain.Unreadable++
		case err != nil:
			return err
		case record.Seq <= end:
			t.Record(record)
		}
	}
	return nil
}

// identify fills in what the report is of.
func (r *batchReport) identify(j ledger.JobState, t *summary.Tally) {
	said, seal := t.Job()
	r.Job = batchJob{Digest: j.Digest, Name: j.Name, Dual: said.Dual, Approvals: said.Approvals, RedoSignatures: said.RedoSignatures}
	if r.Job.Approvals == nil {
		r.Job.Approvals = []summary.Approval{}
	}
	if !said.Registered.IsZero() {
		r.Job.Registered = utc(said.Registered)
	}
	if !t.Last().IsZero() {
		r.AsOf.Time = utc(t.Last())
	}
	if seal != nil {
		r.Seal = &batchSeal{Record: seal.Seq + 1, Time: utc(seal.Time), Station: seal.Station, Operator: seal.Operator, Key: seal.Key,
			Genuine: seal.Genuine() && seal.Job == j.Digest && seal.Ledger == r.Ledger}
	}
}

// keep puts a card on the list when a person may ask about it.
func (r *batchReport) keep(row reportRow) {
	switch {
	case row.card.Outcome == ledger.Good || row.card.Outcome == ledger.Untouched:
	case len(r.Cards) == maxCards:
		r.LeftOut++
	default:
		r.Cards = append(r.Cards, row.batchCard)
	}
}
