package main

import (
	"context"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
)

type personalizeFlags struct {
	wantedFlags
	secretFlags
	dryRun, exitCode, reconfigure bool
	release                       string
	recipients                    []string
}

func (a *app) personalizeCommand() *cobra.Command {
	var o personalizeFlags
	c := &cobra.Command{
		Use:   "personalize",
		Short: "Bring one card to the wanted binding, and prove it",
		Long: `Read the card, save EF_IMSI to the backup folder, write the binding configuration, let the
applet back EF_IMSI up on the card, reset the card, and read everything back.

A card that is already as wanted is left alone. A run that was broken off is found out about and
finished or classified. Keys are used once; nothing is retried.`,
		Example: `  simbind personalize --first-insert --keys keys.csv
  simbind personalize --imei-prefix 49015420 --keys keys.csv --dry-run
  simbind personalize --job cards.csv --keys keys.csv.age --identity me.txt --json
  simbind personalize --job march-500`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			return a.personalize(c.Context(), &o)
		},
	}
	o.wantedFlags.add(c)
	o.addKeys(c)
	o.addPIN(c)
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "read and plan, write nothing to the card")
	f.BoolVar(&o.exitCode, "exit-code", false, "with --dry-run: exit 20 when the card differs from what is wanted")
	f.BoolVar(&o.reconfigure, "reconfigure", false, "change a card that carries another configuration")
	f.StringVar(&o.release, "release", "", "let a card go on that is in quarantine, or was played on and not put back (its EF_IMSI is then taken for the subscriber's); the text says why, for its journal")
	f.StringArrayVar(&o.recipients, "backup-recipient", nil, "encrypt the backup to this age recipient (repeatable)")
	return c
}

func (a *app) personalize(ctx context.Context, o *personalizeFlags) error {
	if o.exitCode && !o.dryRun {
		return errExitCode
	}
	if o.release != "" && o.dryRun {
		return usagef("--release goes into the card's journal, and --dry-run changes nothing")
	}
	wishOf, err := o.wish(a, o.identity)
	if err != nil {
		return err
	}
	o.secretFlags.job = o.loaded
	to, err := recipients(o.recipients)
	if err != nil {
		return err
	}
	s, run, err := a.startRun(ctx, &o.secretFlags, to)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	plan, err := run.Plan(ctx, func(id uicc.ICCID) (personalize.Wish, error) {
		w, err := wishOf(id)
		w.Reconfigure, w.Release = o.reconfigure, o.release
		return w, err
	})
	if err != nil {
		return err
	}
	report := a.planReport(plan)
	if o.dryRun {
		report.costs(s.counter)
		return a.endDryRun(report, plan, o.exitCode)
	}
	if !plan.AsWanted() && !a.global.json && !a.global.quiet {
		report.text(a.err, printer{reveal: a.global.reveal})
	}
	result, err := run.Apply(ctx, plan)
	if err != nil {
		return err
	}
	report.finish(result)
	report.costs(s.counter)
	if err := a.show(report); err != nil {
		return err
	}
	return a.ended(ctx)
}

func (a *app) endDryRun(r *personalizeReport, p *personalize.Plan, exitCode bool) error {
	if err := a.show(r); err != nil {
		return err
	}
	if exitCode && !p.AsWanted() {
		return &codeError{code: exitDiffers}
	}
	return nil
}

// startRun opens the card, the store and the keys of a verb that may write.
func (a *app) startRun(ctx context.Context, o *secretFlags, to []age.Recipient) (*session, *personalize.Run, error) {
	run, err := a.cardRun(ctx, o, to)
	if err != nil {
		return nil, nil, err
	}
	s, err := a.openCard(ctx)
	if err != nil {
		return nil, nil, err
	}
	run.Card, run.Phase = s, s.counter.Phase
	return s, run, nil
}

// cardRun is a run whose card is still to come.
func (a *app) cardRun(ctx context.Context, o *secretFlags, to []age.Recipient) (*personalize.Run, error) {
	if o.attempts < 0 || o.pinFloor < 0 {
		return nil, usagef("--attempts and --pin-floor are not negative")
	}
	provider, err := a.provider(ctx, o)
	if err != nil {
		return nil, err
	}
	aid, err := a.appletAID()
	if err != nil {
		return nil, err
	}
	domain, err := optionalAID(a.global.domain)
	if err != nil {
		return nil, err
	}
	store, err := a.store()
	if err != nil {
		return nil, err
	}
	return &personalize.Run{
		Store: store, AID: aid, Domain: domain, Secrets: provider,
		Attempts: o.attempts, PINFloor: o.pinFloor, Backups: to,
		Now: a.now, Rand: a.rand, Tool: "simbind " + versionFacts().Tool,
		Note: func(text string) { a.say("note: %s", text) },
	}, nil
}

type personalizeReport struct {
	head
	Outcome    string             `json:"outcome"` // planned, personalized, already as wanted, …
	Reader     string             `json:"reader"`
	ICCID      string             `json:"iccid"`
	Wanted     configurationView  `json:"wanted"`
	Before     *configurationView `json:"before,omitempty"`
	Generation uint16             `json:"generation"`
	Steps      []string           `json:"steps"`
	State      string             `json:"state,omitempty"`
	Backup     string             `json:"backup,omitempty"`
	Phases     []phaseCost        `json:"phases"`
	Total      phaseCost          `json:"total"`
}

func (r *personalizeReport) costs(c *trace.Counter) {
	r.Phases, r.Total = phaseCosts(c), totalCost(c)
}

func (a *app) planReport(p *personalize.Plan) *personalizeReport {
	r := &personalizeReport{
		head: schema("personalize"), Outcome: "planned", Reader: p.Facts.Reader, ICCID: a.iccid(p.Facts.ICCID),
		Wanted: viewConfiguration(p.Wish.Configuration), Generation: p.Facts.Applet.State.Generation,
		Steps: []string{}, Phases: []phaseCost{},
	}
	if p.AsWanted() {
		r.Outcome = string(personalize.OutcomeAsWanted)
	}
	if p.Before != nil {
		v := viewConfiguration(*p.Before)
		r.Before = &v
	}
	for _, s := range p.Steps {
		r.Steps = append(r.Steps, string(s))
	}
	return r
}

func (r *personalizeReport) finish(x personalize.Result) {
	r.Outcome, r.Backup = string(x.Outcome), x.Backup
	if x.Applet != nil {
		r.Generation, r.State = x.Applet.State.Generation, x.Applet.State.Status.String()
	}
}

func (r *personalizeReport) text(w io.Writer, _ printer) {
	rows := [][2]string{{"card", r.ICCID}, {"reader", r.Reader}, {"wanted", r.Wanted.words()}}
	if r.Before != nil {
		rows = append(rows, [2]string{"before", r.Before.words()})
	}
	rows = append(rows, [2]string{"outcome", r.Outcome}, [2]string{"state", r.State}, [2]string{"generation", fmt.Sprint(r.Generation)}, [2]string{"backup", r.Backup})
	pairs(w, rows)
	if r.Outcome == "planned" {
		for i, s := range r.Steps {
			fmt.Fprintf(w, "  %d. %s\n", i+1, s)
		}
	}
	if r.Total.APDUs > 0 {
		fmt.Fprintf(w, "%d commands, %d bytes, %.1f ms\n", r.Total.APDUs, r.Total.BytesSent+r.Total.BytesReceived, r.Total.Milliseconds)
	}
}

// configurationView is a configuration as reports show it, IMEIs shortened.
type configurationView struct {
	Scheme    string   `json:"scheme"`
	Entries   []string `json:"entries"`
	Policy    []string `json:"policy"`
	Refresh   string   `json:"refresh"`
	Terminals int      `json:"terminals"`
}

func viewConfiguration(c binding.Configuration) configurationView {
	v := configurationView{Scheme: c.Scheme.String(), Entries: []string{}, Policy: c.Policy.Names(), Refresh: fmt.Sprintf("%02X", c.Refresh), Terminals: int(c.MaxTerminals)}
	for _, p := range c.Patterns {
		v.Entries = append(v.Entries, p.Short())
	}
	for _, r := range c.Ranges {
		v.Entries = append(v.Entries, r.Short())
	}
	return v
}

func (v configurationView) words() string {
	s := v.Scheme
	for i, e := range v.Entries {
		if i == 0 {
			s += " "
		} else {
			s += ", "
		}
		s += e
	}
	for _, p := range v.Policy {
		s += "; " + p
	}
	return s
}
