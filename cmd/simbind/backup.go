package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/usim"
)

type backupReport struct {
	head
	ICCID  string     `json:"iccid"`
	File   string     `json:"file"`
	Copies []copyView `json:"copies"`
	Total  phaseCost  `json:"total"`
}

type copyView struct {
	Place string `json:"place"`
	IMSI  string `json:"imsi"`
	From  string `json:"from,omitempty"`
	Now   string `json:"now,omitempty"` // what the card holds, when it differs
}

func (r *backupReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "card %s: EF_IMSI saved to %s\n", r.ICCID, r.File)
	for _, c := range r.Copies {
		fmt.Fprintf(w, "  %s  IMSI %s (%s)\n", c.Place, c.IMSI, c.From)
	}
}

func (a *app) backupCommand() *cobra.Command {
	var o secretFlags
	var to []string
	var file string
	c := &cobra.Command{
		Use:   "backup",
		Short: "Save EF_IMSI of a card to a file",
		Long: `Save every copy of EF_IMSI, and what helps to understand the card later, to a file in the backup
folder or to --file. A copy that is not plausible, or holds the denial value, is refused unless the
applet's own backup can be read with keys. Nothing is written to the card.`,
		Example: `  simbind backup
  simbind backup --backup-recipient age1… --file card.json.age`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.backup(c.Context(), &o, file, to) },
	}
	o.addKeys(c)
	o.addPIN(c)
	c.Flags().StringVar(&file, "file", "", "write to this file instead of the backup folder; it must not exist")
	c.Flags().StringArrayVar(&to, "backup-recipient", nil, "encrypt to this age recipient (repeatable)")
	return c
}

func (a *app) backup(ctx context.Context, o *secretFlags, file string, to []string) error {
	rs, err := recipients(to)
	if err != nil {
		return err
	}
	s, run, err := a.startRun(ctx, o, rs)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	b, facts, err := run.Save(ctx, a.expected(), o.given())
	if err != nil {
		return err
	}
	if file == "" {
		file, err = run.Store.SaveBackup(b, rs...)
	} else {
		err = fileError("--file "+file, personalize.WriteBackup(file, b, rs...))
	}
	if err != nil {
		return err
	}
	r := &backupReport{head: schema("backup"), ICCID: a.iccid(facts.ICCID), File: file, Total: totalCost(s.counter)}
	for _, c := range b.Copies {
		raw, err := c.Bytes()
		if err != nil {
			return err
		}
		r.Copies = append(r.Copies, copyView{Place: c.Place, IMSI: a.imsi(raw[:], facts.AD), From: c.From})
	}
	return a.show(r)
}

// imsi shows nine bytes of EF_IMSI, shortened unless asked for. What is no IMSI may be one with a fault in it: its bytes are no less personal.
func (a *app) imsi(raw, ad []byte) string {
	imsi, err := usim.DecodeIMSI(raw)
	switch {
	case err == nil:
	case a.global.reveal || len(raw) == 0 || bytes.Count(raw[1:], []byte{0xFF}) == len(raw)-1: // behind the length no digit
		return fmt.Sprintf("none (%X)", raw)
	default:
		return fmt.Sprintf("none (%d bytes that are no IMSI)", len(raw))
	}
	if a.global.reveal {
		return imsi.String()
	}
	return imsi.Short(usim.MNCLength(ad))
}

type restoreReport struct {
	head
	Outcome string     `json:"outcome"` // restored, planned, already as wanted
	ICCID   string     `json:"iccid"`
	Copies  []copyView `json:"copies"` // that differ
	Total   phaseCost  `json:"total"`
}

func (r *restoreReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "card %s: %s\n", r.ICCID, r.Outcome)
	for _, c := range r.Copies {
		fmt.Fprintf(w, "  %s  card: %s  backup: %s\n", c.Place, c.Now, c.IMSI)
	}
}

type restoreFlags struct {
	secretFlags
	yes, dryRun bool
	backupID    string
}

func (a *app) restoreCommand() *cobra.Command {
	var o restoreFlags
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Write EF_IMSI back from a backup of the same card",
		Long: `Compare a backup with the card it was taken from, show the difference, and write the copies of
EF_IMSI that differ, with ADM1: its counter is read first, one attempt. Everything is read back after a
reset. The backup of another card is refused.`,
		Example: `  simbind restore card.json --dry-run
  simbind restore card.json --adm-file adm.txt --yes --expect-iccid 8988211000000430010`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.restore(c.Context(), &o, args[0]) },
	}
	o.addKeys(c)
	o.addPIN(c)
	o.addADM(c)
	f := c.Flags()
	f.BoolVar(&o.yes, "yes", false, "agree without a prompt; needs --expect-iccid")
	f.BoolVar(&o.dryRun, "dry-run", false, "show the difference, write nothing")
	f.StringVar(&o.backupID, "backup-identity", "", "age identity that opens the backup")
	return c
}

func (a *app) restore(ctx context.Context, o *restoreFlags, file string) error {
	if o.yes && a.global.expectICCID == "" {
		return usagef("--yes needs --expect-iccid: it names the one card that may be changed")
	}
	ids, err := identities(o.backupID)
	if err != nil {
		return err
	}
	b, err := personalize.LoadBackup(file, ids...)
	if err != nil {
		return fileError("backup file "+file, fmt.Errorf("%s: %w", file, err))
	}
	s, run, err := a.startRun(ctx, &o.secretFlags, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	plan, err := run.PlanRestore(ctx, b, a.expected())
	if err != nil {
		return err
	}
	r := &restoreReport{head: schema("restore"), Outcome: string(personalize.OutcomeAsWanted), ICCID: a.iccid(plan.Facts.ICCID), Copies: []copyView{}}
	for _, d := range plan.Differences {
		r.Outcome = "planned"
		r.Copies = append(r.Copies, copyView{Place: d.Place, IMSI: a.imsi(d.Want[:], plan.Facts.AD), Now: a.imsi(d.Have, plan.Facts.AD)})
	}
	if !o.dryRun && len(plan.Differences) > 0 {
		if !a.global.json && !(a.global.quiet && o.yes) { // what is asked about is shown
			r.text(a.err, printer{})
		}
		if err := a.confirm(ctx, o.yes, "--yes with --expect-iccid", "write the backup's EF_IMSI to this card?"); err != nil {
			return err
		}
		if err := run.Restore(ctx, plan); err != nil {
			return err
		}
		r.Outcome = "restored"
	}
	r.Total = totalCost(s.counter)
	if err := a.show(r); err != nil {
		return err
	}
	return a.ended(ctx)
}
