package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
)

// putBackView is what was put back on a card, what was not, and what does it.
type putBackView struct {
	Backup string     `json:"backup"` // file; empty: the card has no EF_IMSI
	Done   []string   `json:"done"`
	Left   []leftView `json:"left"`  // stands otherwise than before
	Never  []string   `json:"never"` // what nothing brings back
}

type leftView struct {
	What string `json:"what"`
	How  string `json:"how"`
}

func (v *putBackView) text(w io.Writer) {
	if v.Backup != "" {
		fmt.Fprintf(w, "saved before: %s\n", v.Backup)
	}
	for _, d := range v.Done {
		fmt.Fprintf(w, "put back: %s\n", d)
	}
	for _, n := range v.Never {
		fmt.Fprintf(w, "stays: %s\n", n)
	}
	for _, l := range v.Left {
		fmt.Fprintf(w, "not put back: %s; %s\n", l.What, l.How)
	}
	if len(v.Left) == 0 {
		fmt.Fprintln(w, "EF_IMSI and configuration are as before")
	}
}

// viewPutBack says of a play, nil when nothing was saved, what was put back, and what to do about the rest; failed is where it broke off.
func (a *app) viewPutBack(p *personalize.Play, b personalize.PutBack, failed error) *putBackView {
	v := &putBackView{Done: append([]string{}, b.Done...), Left: []leftView{}, Never: append([]string{}, b.Never...)}
	how := "'simbind terminal put-back' with the same flags for keys and codes tries again"
	if p != nil && p.File != "" {
		v.Backup = p.File
		how += fmt.Sprintf("; 'simbind restore %s' writes EF_IMSI alone", p.File)
	}
	if failed != nil {
		v.Left = append(v.Left, leftView{"it broke off: " + failed.Error(), how})
	}
	for _, l := range b.Left {
		v.Left = append(v.Left, leftView{l, how})
	}
	return v
}

type putBackReport struct {
	head
	Outcome string       `json:"outcome"` // put back, not put back, nothing to put back
	ICCID   string       `json:"iccid"`
	PutBack *putBackView `json:"put_back,omitempty"`
	Total   phaseCost    `json:"total"`
}

func (r *putBackReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "card %s: %s\n", r.ICCID, r.Outcome)
	if r.PutBack != nil {
		r.PutBack.text(w)
	}
}

func (a *app) putBackCommand() *cobra.Command {
	var o secretFlags
	var identity string
	c := &cobra.Command{
		Use:   "put-back",
		Short: "Put a card back as it was before a scenario that broke off",
		Long: `Look in this station's journal whether a scenario was played on the card and broke off ('terminal run --change-card' was killed, or the
card was pulled), and put back what was saved before it: EF_IMSI of every copy, the applet's backups of it, the configuration, and the bound
terminals. What stands as before is not written. Nothing is lost by doing it twice. What was stored or written on the card since, by
another station too, goes: when that is what the card shall have, 'simbind personalize --release' says so instead.

Files that a line network wrote are kept in the memory of the run that wrote them alone: location files, which a device writes anew when it
registers. Any other file that ADM1 opened is not put back.`,
		Example: `  simbind terminal put-back --keys keys.csv --adm-file adm.txt`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.putBack(c.Context(), &o, identity) },
	}
	o.addKeys(c)
	o.addPIN(c)
	o.addADM(c)
	c.Flags().StringVar(&identity, "backup-identity", "", "age identity that opens the backup")
	return c
}

func (a *app) putBack(ctx context.Context, o *secretFlags, identity string) error {
	ids, err := identities(identity)
	if err != nil {
		return err
	}
	s, run, err := a.startRun(ctx, o, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	iccid, err := run.Known(ctx, personalize.Expected{ICCID: a.global.expectICCID}) // EF_IMSI may be the scenario's
	if err != nil {
		return err
	}
	play, err := run.Broken(iccid, func(file string) (personalize.Backup, error) { return personalize.LoadBackup(file, ids...) })
	if errors.Is(err, personalize.ErrBackup) && !errors.Is(err, personalize.ErrBackupEncrypted) {
		return &codeError{code: exitRefused, err: err, hint: noPutBack}
	}
	if err != nil {
		return err
	}
	r := &putBackReport{head: schema("put-back"), Outcome: "nothing to put back", ICCID: a.iccid(iccid)}
	if play != nil {
		if err := a.finishPlay(ctx, run, play, o.given(), r); err != nil {
			return err
		}
	}
	r.Total = totalCost(s.counter)
	if err := a.show(r); err != nil {
		return err
	}
	if r.PutBack != nil && len(r.PutBack.Left) > 0 {
		return a.missed("card %s: not everything could be put back", r.ICCID)
	}
	return ctx.Err()
}

// noPutBack helps when what was saved cannot be read.
const noPutBack = "bring the file back to where it was; without it, look with 'simbind status --keys FILE' what the card holds, restore EF_IMSI from an older backup, and say so with 'simbind personalize --release \"REASON\"'"

func (a *app) finishPlay(ctx context.Context, run *personalize.Run, play *personalize.Play, keyed bool, r *putBackReport) error {
	if _, adm, err := run.Codes(uicc.ICCID(play.Backup.ICCID)); err != nil || !keyed && (play.Keyed() || adm.IsZero()) {
		return errors.Join(fmt.Errorf("%w: what the scenario could do takes the same to be put back", personalize.ErrNoKeys), err)
	}
	if err := run.Hold(uicc.ICCID(play.Backup.ICCID)); err != nil {
		return err
	}
	back, err := run.PutBack(context.WithoutCancel(ctx), play, keyed)
	if err != nil {
		a.viewPutBack(play, back, err).text(a.err)
		return errors.Join(err, ctx.Err())
	}
	r.PutBack, r.Outcome = a.viewPutBack(play, back, nil), "put back"
	if len(back.Left) > 0 {
		r.Outcome = "not put back"
	}
	return nil
}
