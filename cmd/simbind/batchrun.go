package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc"
)

// batchFlags are those of a run of the bench.
type batchFlags struct {
	secretFlags
	job                    job.Options
	recipients             []string
	labels                 []string
	readers                int
	row, reseats           int
	idle                   time.Duration
	hookGet, hookGood, bad []string
	hookTime               time.Duration

	rehearsal rehearseFlags

	redo   []string
	failed bool
	reason string
}

func (o *batchFlags) add(c *cobra.Command) {
	o.addKeys(c)
	o.addPIN(c)
	f := c.Flags()
	f.BoolVar(&o.job.AllowTestIMEI, "allow-test-imei", false, "accept IMEIs whose TAC begins with 00, whatever the job says")
	f.BoolVar(&o.job.AllowSameIMEI, "allow-same-imei", false, "accept one full IMEI for several cards, whatever the job says")
	f.StringArrayVar(&o.recipients, "backup-recipient", nil, "encrypt the backups to this age recipient (repeatable)")
	f.StringArrayVar(&o.labels, "label", nil, "READER=LABEL: what a reader is called in the view and in the records (repeatable)")
	f.IntVar(&o.readers, "readers", 4, "how many readers --reader virtual:FOLDER has; --rehearse has 8 unless told otherwise")
	f.IntVar(&o.row, "stop-after", 0, "failed cards in a row that stop the batch (default 5)")
	f.IntVar(&o.reseats, "reseats", 0, "times a card is tried for bad contact before it goes into the bin (default 3)")
	f.DurationVar(&o.idle, "idle", 0, "end when no card came for so long, such as 10m (default: wait until every card is done)")
	f.StringArrayVar(&o.hookGet, "hook-get", nil, "program of a card handler that fetches a card, and each of its arguments by the same flag again")
	f.StringArrayVar(&o.hookGood, "hook-good", nil, "the same for a good card that is taken away")
	f.StringArrayVar(&o.bad, "hook-bad", nil, "the same for every other card")
	f.DurationVar(&o.hookTime, "hook-time", 30*time.Second, "how long one call of a hook may take")
}

func (a *app) batchRunCommand(l *ledgerFlags) *cobra.Command {
	var o batchFlags
	c := &cobra.Command{
		Use: "run JOB", Short: "Personalize the cards of a job in all readers, each exactly once", Args: cobra.ExactArgs(1),
		Long: `Work through a job: whatever card of it is put into whatever reader is claimed in the ledger, planned,
written and read back. Put a card in, take it out when the view says GOOD, BAD or AGAIN.

A card that is done is not touched again. What broke off, by a pulled card or a dead computer, is read
first when the card is put in again. An interrupt finishes what is being written. The batch stops by
itself after five failed cards in a row, and with the second card that the keys do not fit.

--reader limits it to readers with that in their name, several parted by commas; --reader virtual:FOLDER takes the virtual cards
in the files of a folder through readers in memory.

--rehearse takes the job through virtual cards that are made of its rows, with the keys of its own key
source, in a ledger that is thrown away; then it starts terminals with them, and shows which the cards
let in. It needs no reader.`,
		Example: `  simbind batch run march-500 --rehearse
  simbind batch run march-500.csv --keys keys.csv.age --identity me.txt --operator anna
  simbind batch run march-500.csv --keys keys.csv --ledger postgres://bench/ledger --station desk-2
  simbind batch run march-500.csv --keys keys.csv --json | tee run.ndjson`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.rehearsal.check(c, a, &o, l); err != nil {
				return err
			}
			return a.batchRun(c.Context(), args[0], &o, l)
		},
	}
	o.add(c)
	o.rehearsal.add(c)
	return c
}

func (a *app) batchRetryCommand(l *ledgerFlags) *cobra.Command {
	var o batchFlags
	c := &cobra.Command{
		Use: "retry JOB", Short: "Do cards again that were rejected or put aside", Args: cobra.ExactArgs(1),
		Long: `Run the batch with leave to claim certain cards once more: those named by --card, or with --failed all
that were rejected or put aside. Every such claim replaces the one before and carries the reason. The
card is read first, as always. A card in doubt needs no retry: put it in, 'batch run' reads it.`,
		Example: `  simbind batch retry march-500.csv --failed --reason "key file of another order" --keys keys.csv
  simbind batch retry march-500.csv --card 8988211000000430010 --reason "contacts cleaned" --keys keys.csv`,
		RunE: func(c *cobra.Command, args []string) error {
			if o.reason == "" {
				return usagef("--reason is missing: the record says why")
			}
			if !o.failed && len(o.redo) == 0 {
				return usagef("no card named: --card ICCID, or --failed")
			}
			return a.batchRun(c.Context(), args[0], &o, l)
		},
	}
	o.add(c)
	c.Flags().StringArrayVar(&o.redo, "card", nil, "ICCID of a card to do again (repeatable)")
	c.Flags().BoolVar(&o.failed, "failed", false, "all cards of the job that were rejected or put aside")
	c.Flags().StringVar(&o.reason, "reason", "", "why, for the records (required)")
	return c
}

func (a *app) batchRun(ctx context.Context, path string, o *batchFlags, lf *ledgerFlags) error {
	if err := a.checkBatch(o); err != nil {
		return err
	}
	o.job.Identity = o.identity
	j, err := job.Load(path, o.job)
	if err != nil {
		return fileError(path, err)
	}
	o.settle(j)
	if o.rehearsal.rehearse {
		return a.rehearse(ctx, j, o, lf)
	}
	secrets, forget, err := a.batchSecrets(ctx, j, o)
	if err != nil {
		return err
	}
	defer forget()
	b, err := a.bench(ctx, j, o, lf)
	if err != nil {
		return err
	}
	if missing := missingHooks(b.Hooks); missing != nil {
		return usagef("%s", strings.Join(missing, "; "))
	}
	b.Run.Secrets = secrets
	if b.Ledger, err = a.openLedger(ctx, lf); err != nil {
		return err
	}
	defer b.Ledger.Close()
	if b.Redo, err = redo(ctx, b.Ledger, b.Order, o); err != nil {
		return err
	}
	return a.workBatch(ctx, b, o)
}

// checkBatch refuses what is meant for one card.
func (a *app) checkBatch(o *batchFlags) error {
	g := &a.global
	switch {
	case g.trace != "" || g.expectICCID != "" || g.expectIMSI != "" || g.wait != 0:
		return usagef("--trace, --expect-iccid, --expect-imsi and --wait are for one card; the job says which cards are expected")
	case o.pinFile == "-":
		return usagef("--pin-file -: standard input is read once, and there are many cards; a column pin1 in the key file says it for each")
	case o.readers < 1 || o.readers > 64:
		return usagef("--readers: 1 to 64")
	case o.row < 0 || o.reseats < 0 || o.idle < 0 || o.hookTime < 0:
		return usagef("--stop-after, --reseats, --idle and --hook-time are not negative")
	}
	return nil
}

// workBatch runs the bench before the eyes of the operator.
func (a *app) workBatch(ctx context.Context, b *batch.Bench, o *batchFlags) error {
	virtual, err := a.benchReaders(b, o)
	if err != nil {
		return err
	}
	if virtual != nil {
		defer virtual.Close()
	}
	// Whoever watches may go away: what is being written is finished then, and nothing new begun.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	view := a.batchView(b.Order)
	b.Tell = func(e batch.Event) {
		if view.tell(e) != nil {
			stop()
		}
		if virtual == nil {
			return
		}
		if err := virtual.serve(e); err != nil {
			a.say("virtual bench: %v", err)
		}
	}
	result, err := b.Work(ctx)
	if result.End == "" { // it did not begin
		return err
	}
	return a.endBatch(result, err)
}

// bench is everything but secrets, ledger, readers and view.
func (a *app) bench(ctx context.Context, j *job.Job, o *batchFlags, lf *ledgerFlags) (*batch.Bench, error) {
	to, err := recipients(o.recipients)
	if err != nil {
		return nil, err
	}
	run, err := a.cardRun(ctx, &secretFlags{attempts: o.attempts, pinFloor: o.pinFloor}, to)
	if err != nil {
		return nil, err
	}
	if dir := j.Backups.Folder; dir != "" {
		if err := run.Store.KeepBackups(dir); err != nil {
			return nil, fileError("backups.folder", err)
		}
	}
	run.Level = j.Channel.Level
	if a.global.aid == "" && len(j.Channel.AID) > 0 {
		run.AID = j.Channel.AID
	}
	if a.global.domain == "" {
		run.Domain = j.Channel.Domain
	}
	return &batch.Bench{
		Order: orderOf(j), By: a.actor(lf, ""), Run: *run,
		Hooks:  batch.Hooks{Get: o.hookGet, Good: o.hookGood, Bad: o.bad, Time: o.hookTime},
		Limits: batch.Limits{Row: o.row, Reseats: o.reseats, Idle: o.idle},
	}, nil
}

// benchReaders connects the bench to the readers the flags name.
func (a *app) benchReaders(b *batch.Bench, o *batchFlags) (*virtualBench, error) {
	labels, err := slotLabels(o.labels)
	if err != nil {
		return nil, err
	}
	name := a.readerName()
	if folder, ok := virtualFolder(name); ok {
		v, err := a.openVirtualBench(folder, o.readers)
		if err != nil {
			return nil, err
		}
		set(&b.Limits.Idle, time.Second) // nobody brings more cards
		b.Readers = func() (batch.Readers, error) { return benchReaders{shared{v.service}, labels}, nil }
		return v, nil
	}
	b.Readers = func() (batch.Readers, error) {
		s, err := a.readers()
		return benchReaders{s, labels}, err
	}
	b.Use = func(s batch.Slot) bool { return named(s, name) }
	service, err := a.readers() // one that is not there is told before anything begins
	if err != nil {
		return nil, err
	}
	return nil, service.Close()
}

// named tells whether one of the names, parted by commas, is the slot's label or in its name.
func named(s batch.Slot, names string) bool {
	for n := range strings.SplitSeq(names, ",") {
		n = strings.TrimSpace(n)
		if strings.EqualFold(s.Label, n) || strings.Contains(strings.ToLower(s.Name), strings.ToLower(n)) {
			return true
		}
	}
	return false
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// slotLabels parses READER=LABEL.
func slotLabels(texts []string) (map[string]string, error) {
	out, seen := map[string]string{}, map[string]bool{}
	for _, t := range texts {
		reader, label, ok := strings.Cut(t, "=")
		if !ok || reader == "" || label == "" || seen[label] || out[reader] != "" {
			return nil, usagef("--label %q: READER=LABEL, each of them once", t)
		}
		out[reader], seen[label] = label, true
	}
	return out, nil
}

// redo lists the cards that may be claimed once more, with the reason.
func redo(ctx context.Context, l *ledger.Ledger, order batch.Order, o *batchFlags) (map[string]string, error) {
	out := map[string]string{}
	for _, spelled := range o.redo {
		id, err := uicc.ParseICCID(spelled)
		if err != nil || !slices.Contains(order.ICCIDs, id.String()) {
			return nil, usagef("--card: %s is not in the job", shortDigits(spelled))
		}
		out[id.String()] = o.reason
	}
	if !o.failed {
		return out, nil
	}
	for s, err := range l.Cards(ctx, order.Digest) {
		if err != nil {
			return nil, err
		}
		if s.Outcome != ledger.Rejected && s.Outcome != ledger.Quarantined || s.Holder != order.Digest || s.ICCID == "" {
			continue
		}
		switch now, err := l.Find(ctx, s.ICCID); {
		case err != nil && !errors.Is(err, ledger.ErrNoClaim):
			return nil, err
		case now.Claim == s.Claim: // no other job did it since
			out[s.ICCID] = o.reason
		}
	}
	return out, nil
}

// endBatch gives the exit code of a batch whose result was told.
func (a *app) endBatch(r batch.Result, err error) error {
	code := batchExit(r, err)
	if err != nil && code != exitInterrupted && !a.global.json {
		f := classify(err)
		a.say("simbind: the batch stopped: %v", err)
		if f.Hint != "" {
			a.say("  %s", f.Hint)
		}
	}
	if code == exitDone {
		return nil
	}
	return &codeError{code: code}
}

// batchExit: cards that failed are one code, what kept the batch from going on is its own.
func batchExit(r batch.Result, err error) int {
	switch {
	case r.End == batch.Interrupted:
		return exitInterrupted
	case r.Failed() > 0, r.Code == "failures_in_a_row", r.Code == "wrong_keys":
		return exitBatch
	case err != nil:
		return classify(err).Exit
	}
	return exitDone
}

// onTerminal tells whether stdout is a terminal that can be painted on.
func (a *app) onTerminal() (*os.File, bool) {
	f, ok := a.out.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

var (
	_ pcsc.Service     = shared{}
	_ personalize.Card = (*benchCard)(nil)
)
