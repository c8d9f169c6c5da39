package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
)

// changeReport is a card before and after an action.
type changeReport struct {
	head
	Action string            `json:"action"`
	ICCID  string            `json:"iccid"`
	Before binding.StateView `json:"before"`
	After  binding.StateView `json:"after"`
	Total  phaseCost         `json:"total"`
}

func (r *changeReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: done on card %s\n", r.Action, r.ICCID)
	before, after := r.Before.Rows(), r.After.Rows()
	was := map[string]string{}
	for _, row := range before {
		was[row[0]] = row[1]
	}
	var rows [][]string
	for _, row := range after {
		if was[row[0]] != row[1] {
			rows = append(rows, []string{row[0], was[row[0]], row[1]})
		}
	}
	if len(rows) > 0 {
		table(w, []string{"", "BEFORE", "AFTER"}, rows)
	}
}

// actionFlags are what every action needs: keys, and the agreement to its harm.
type actionFlags struct {
	secretFlags
	yes bool
}

func (o *actionFlags) add(c *cobra.Command) {
	o.addKeys(c)
	c.Flags().BoolVar(&o.yes, "yes", false, "agree without a prompt; needs --expect-iccid")
}

// agree: an action that changes who may use a subscription names its card and is confirmed.
func (a *app) agree(ctx context.Context, o *actionFlags, question string) error {
	if o.yes && a.global.expectICCID == "" {
		return usagef("--yes needs --expect-iccid: it names the one card that may be changed")
	}
	if !o.given() {
		return &codeError{code: exitAuth, err: personalize.ErrNoKeys}
	}
	return a.confirm(ctx, o.yes, "--yes with --expect-iccid", question)
}

// actionVerb is what one verb of the card interface's actions looks like.
type actionVerb struct {
	use, short, long, example, question string
	args                                cobra.PositionalArgs
	action                              func(a *app, args []string) (binding.Action, error)
}

var actionVerbs = []actionVerb{
	{
		use:   "unbind",
		short: "Forget the bound terminals: the first insert is armed again",
		long: `Forget the bound terminals of a first-insert card and restore EF_IMSI. The next terminal it is put
into becomes the bound one.`,
		example:  "  simbind unbind --keys keys.csv --yes --expect-iccid 8988211000000430010",
		question: "the next terminal this card is put into becomes the bound one; go on?",
		args:     cobra.NoArgs,
		action:   func(*app, []string) (binding.Action, error) { return binding.Unbind(), nil },
	},
	{
		use:   "rebind IMEI",
		short: "Bind a first-insert card to the given terminal",
		long: `Bind to IMEI: beside the bound terminals when the configuration allows more, else instead of them.
EF_IMSI is restored. Patterns and ranges of the configuration are not consulted.`,
		example:  "  simbind rebind 490154203237518 --keys keys.csv --yes --expect-iccid 8988211000000430010",
		question: "the card will work in this terminal; go on?",
		args:     cobra.ExactArgs(1),
		action:   bindTo,
	},
	{
		use:   "clear",
		short: "Clear counters, log and last errors of the applet",
		long: `Clear the applet's counters, its log and what it noted of the last answers. Binding and EF_IMSI
stay as they are.`,
		example:  "  simbind clear --keys keys.csv --yes --expect-iccid 8988211000000430010",
		question: "counters and log of this card will be gone; go on?",
		args:     cobra.NoArgs,
		action:   func(*app, []string) (binding.Action, error) { return binding.Clear(), nil },
	},
}

func bindTo(a *app, args []string) (binding.Action, error) {
	imei, notes, err := binding.ParseIMEI(args[0])
	if err != nil {
		return binding.Action{}, usagef("IMEI %s: %w", shortDigits(args[0]), err)
	}
	for _, n := range notes {
		a.say("note: %s", n)
	}
	return binding.Bind(imei), nil
}

// actionCommands are the verbs that carry out an action: each needs keys, names its card and is agreed to.
func (a *app) actionCommands() []*cobra.Command {
	var out []*cobra.Command
	for _, v := range actionVerbs {
		var o actionFlags
		c := &cobra.Command{Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: v.args}
		c.RunE = func(c *cobra.Command, args []string) error {
			action, err := v.action(a, args)
			if err != nil {
				return err
			}
			if err := a.agree(c.Context(), &o, v.question); err != nil {
				return err
			}
			return a.act(c.Context(), &o, action)
		}
		o.add(c)
		out = append(out, c)
	}
	return out
}

func (a *app) act(ctx context.Context, o *actionFlags, action binding.Action) error {
	s, run, err := a.startRun(ctx, &o.secretFlags, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	change, err := run.Act(ctx, a.expected(), action)
	if err != nil {
		return err
	}
	if err := a.show(&changeReport{
		head: schema("change"), Action: action.String(), ICCID: a.iccid(change.ICCID),
		Before: change.Before.State.View(a.global.reveal), After: change.After.State.View(a.global.reveal),
		Total: totalCost(s.counter),
	}); err != nil {
		return err
	}
	return a.ended(ctx)
}
