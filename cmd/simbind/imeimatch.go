package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/uicc"
)

type matchFlags struct {
	wanted  wantedFlags
	secrets secretFlags
	card    bool
	bound   []string
	expect  string
}

type matchReport struct {
	head
	IMEI     string      `json:"imei"`
	Allowed  *bool       `json:"allowed"` // by at least one of what was looked at; null: cannot be told
	Verdicts []matchView `json:"verdicts"`
}

// matchView is what one configuration would decide.
type matchView struct {
	By       string        `json:"by"` // configuration, FILE:LINE, card
	ICCID    string        `json:"iccid,omitempty"`
	Decision string        `json:"decision"` // unknown: without keys the card does not tell
	Allowed  *bool         `json:"allowed"`
	Enforced bool          `json:"enforced"`
	Entry    binding.Entry `json:"entry"`
	Reason   string        `json:"reason"`
}

func (r *matchReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: %s\n", r.IMEI, allowedWords(r.Allowed))
	var rows [][]string
	denied := 0
	for _, v := range r.Verdicts {
		if len(r.Verdicts) > fewVerdicts && v.Allowed != nil && !*v.Allowed {
			denied++
			continue
		}
		reason := v.Reason
		if v.Entry.Kind != binding.EntryNone {
			reason += ": " + v.Entry.String()
		}
		if !v.Enforced {
			reason += "; the card only observes, and lets everybody through"
		}
		by := v.By
		if v.ICCID != "" {
			by += " " + v.ICCID
		}
		rows = append(rows, []string{by, allowedWords(v.Allowed), reason})
	}
	table(w, []string{"BY", "", "WHY"}, rows)
	if denied > 0 {
		fmt.Fprintf(w, "%d other rows deny it\n", denied)
	}
}

// fewVerdicts are listed each; of more the ones that deny are counted.
const fewVerdicts = 12

func allowedWords(b *bool) string {
	switch {
	case b == nil:
		return "cannot be told"
	case *b:
		return "allowed"
	}
	return "denied"
}

func (a *app) imeiMatchCommand() *cobra.Command {
	var o matchFlags
	c := &cobra.Command{
		Use:   "match IMEI",
		Short: "Say which entry of a configuration, a job or a card would allow an IMEI",
		Long: `Decide as the binding applet does, without playing a terminal: by the configuration the scheme flags describe, by every row of a job, or
by the card in the reader (--card), of which keys show the entries. IMEI may be the word none: a device that gives no IMEI. Nothing is
written, and an armed card stays armed.`,
		Example: `  simbind imei match 490154203237518 --imei-prefix 49015420 --imei-range 35209900000000-35209900999999
  simbind imei match 490154203237518 --job job.csv
  simbind imei match 490154203237518 --card --keys keys.csv
  simbind imei match none --card --expect denied`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.imeiMatch(c, &o, args[0]) },
	}
	o.wanted.add(c)
	o.secrets.addKeys(c)
	f := c.Flags()
	f.BoolVar(&o.card, "card", false, "by the card in the reader")
	f.StringArrayVar(&o.bound, "bound", nil, "with --first-insert: a terminal that is bound already (repeatable)")
	f.StringVar(&o.expect, "expect", "", "allowed or denied: exit 8 when it comes out otherwise, or cannot be told")
	return c
}

func (o *matchFlags) check(c *cobra.Command) error {
	switch {
	case o.expect != "" && o.expect != "allowed" && o.expect != "denied":
		return usagef("--expect: allowed or denied")
	case o.card && (o.wanted.named() || len(o.bound) > 0):
		return usagef("--card and a configuration exclude each other")
	case !o.card && o.secrets.given():
		return usagef("keys are used with --card alone")
	case len(o.bound) > 0 && !o.wanted.firstInsert:
		return usagef("--bound goes with --first-insert: other schemes bind nobody")
	case o.card:
		return nil
	}
	return o.wanted.check(c)
}

func (a *app) imeiMatch(c *cobra.Command, o *matchFlags, text string) error {
	if err := o.check(c); err != nil {
		return err
	}
	imei, err := a.matched(text)
	if err != nil {
		return err
	}
	r := &matchReport{head: schema("imei-match"), IMEI: "a terminal without IMEI", Verdicts: []matchView{}}
	if imei != nil {
		r.IMEI = a.imei(imei.String())
	}
	if err := a.verdicts(c.Context(), o, imei, r); err != nil {
		return err
	}
	r.sum()
	if err := a.show(r); err != nil {
		return err
	}
	if o.expect != "" && (r.Allowed == nil || *r.Allowed != (o.expect == "allowed")) {
		return a.missed("expected %s: %s", o.expect, allowedWords(r.Allowed))
	}
	return nil
}

// matched reads the IMEI; nil is a terminal that gives none.
func (a *app) matched(text string) (*binding.IMEI, error) {
	if text == "none" {
		return nil, nil
	}
	imei, notes, err := binding.ParseIMEI(text)
	if err != nil {
		return nil, usagef("%s: %w", shortDigits(text), err)
	}
	for _, n := range notes {
		a.say("note: %s", n)
	}
	return &imei, nil
}

func (a *app) verdicts(ctx context.Context, o *matchFlags, imei *binding.IMEI, r *matchReport) error {
	switch {
	case o.card:
		return a.matchCard(ctx, o, imei, r)
	case o.wanted.job != "":
		return a.matchJob(o, imei, r)
	}
	cfg, err := o.wanted.configuration(a)
	if err != nil {
		return err
	}
	var bound []binding.IMEI
	for _, s := range o.bound {
		i, _, err := binding.ParseIMEI(s)
		if err != nil {
			return usagef("--bound %s: %w", shortDigits(s), err)
		}
		bound = append(bound, i)
	}
	if len(bound) > int(cfg.MaxTerminals) {
		return usagef("--bound: %d terminals, and --terminals allows %d", len(bound), cfg.MaxTerminals)
	}
	r.add("configuration", "", cfg.Decide(bound, imei), true)
	return nil
}

// matchJob decides by every row, or by the one of --expect-iccid.
func (a *app) matchJob(o *matchFlags, imei *binding.IMEI, r *matchReport) error {
	j, err := job.Load(o.wanted.job, job.Options{AllowTestIMEI: o.wanted.allowTestIMEI, AllowSameIMEI: o.wanted.allowSameIMEI, Identity: o.secrets.identity})
	if err != nil {
		return fileError("--job "+o.wanted.job, err)
	}
	wanted := j.ICCIDs()
	if want := a.expected().ICCID; want != "" {
		wanted = []string{want}
	}
	for _, iccid := range wanted {
		row, ok := j.Row(iccid)
		if !ok {
			return &personalize.MismatchError{What: "ICCID", Want: "a row of " + j.Form.File, Got: "none"}
		}
		r.add(fmt.Sprintf("%s:%d", j.Form.File, row.Line), a.iccid(uicc.ICCID(row.ICCID)), row.Configuration.Decide(nil, imei), true)
	}
	return nil
}

// matchCard reads the card: whole with keys, its open view without.
func (a *app) matchCard(ctx context.Context, o *matchFlags, imei *binding.IMEI, r *matchReport) error {
	s, run, err := a.startRun(ctx, &o.secrets, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	st, err := run.Status(ctx, a.expected(), o.secrets.given())
	if err != nil {
		return err
	}
	v, known := decideCard(&st, imei)
	r.add("card", a.iccid(st.ICCID), v, known)
	return nil
}

func decideCard(st *personalize.Status, imei *binding.IMEI) (v binding.Verdict, known bool) {
	state := st.Applet.State
	bound, whole := state.BoundIMEIs()
	switch cfg := st.Applet.Configuration; {
	case state.Status == binding.Unconfigured || cfg == nil || !whole:
		v, known = state.DecideOpen(imei)
	default:
		v, known = cfg.Decide(bound, imei), true
	}
	if state.Backups == 0 && known && v.Decision != binding.AllowedOff {
		v = binding.Verdict{Decision: binding.NotEnforced, Reason: "the applet holds no backup of EF_IMSI, and enforces nothing", Enforced: true}
	}
	return v, known
}

func (r *matchReport) add(by, iccid string, v binding.Verdict, known bool) {
	view := matchView{By: by, ICCID: iccid, Decision: "unknown", Enforced: v.Enforced, Entry: v.Entry, Reason: v.Reason}
	if known {
		view.Decision = v.Decision.Code()
	}
	if allowed := v.Allowed(); known || !v.Enforced {
		view.Allowed = &allowed
	}
	r.Verdicts = append(r.Verdicts, view)
}

// sum: one that allows it is enough; it is denied when all deny it.
func (r *matchReport) sum() {
	all, denied := len(r.Verdicts) > 0, false
	for _, v := range r.Verdicts {
		switch {
		case v.Allowed == nil:
			all = false
		case *v.Allowed:
			r.Allowed = v.Allowed
			return
		}
	}
	if all {
		r.Allowed = &denied
	}
}
