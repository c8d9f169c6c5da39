package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
)

func (a *app) appletRemove() *cobra.Command {
	var o contentFlags
	var loadFile string
	c := &cobra.Command{
		Use:   "remove",
		Short: "Take the binding applet off a card, EF_IMSI restored first",
		Long: `Bring the applet to scheme off, so that EF_IMSI holds the subscriber's IMSI again, with a backup of it
in the backup folder; look that it does; then delete applet and load file, and look that the applet is
gone. A load file that another application was made from stays.`,
		Example: `  simbind applet remove --keys keys.csv --dry-run
  simbind applet remove --keys keys.csv --yes --expect-iccid 8988211000000430010`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.remove(c.Context(), &o, loadFile) },
	}
	o.add(c)
	o.addYes(c)
	o.addPIN(c)
	c.Flags().StringVar(&loadFile, "load-file", "", fmt.Sprintf("AID of the load file (default: the one the card says the applet was made from, else %X)", binding.DefaultPackageAID))
	return c
}

func (a *app) remove(ctx context.Context, o *contentFlags, loadFile string) error {
	w := content.RemovalWish{Expected: a.expected()}
	var err error
	if w.LoadFile, err = optionalAID(loadFile); err != nil {
		return err
	}
	if err := a.agreeContent(ctx, o, "the binding applet will be deleted, and the card works in every terminal; go on?"); err != nil {
		return err
	}
	s, run, err := a.startContent(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	plan, err := content.PlanRemoval(ctx, run, w)
	if err != nil {
		return err
	}
	r := &contentReport{head: schema("content"), Verb: "applet remove", ICCID: a.iccid(plan.ICCID), Outcome: outcomePlanned, Steps: removalSteps(plan)}
	if plan.AsWanted() {
		r.Outcome = outcomeAsWanted
	}
	if !o.dryRun && !plan.AsWanted() {
		backup, err := plan.Apply(ctx, run)
		if err != nil {
			return err
		}
		r.Outcome, r.Backup = outcomeDone, backup
	}
	return a.endContent(r, o, s)
}

// removalSteps shows first what the applet is told, then what the security domain is.
func removalSteps(p *content.Removal) []stepView {
	out := []stepView{}
	if p.Free != nil {
		for _, s := range p.Free.Steps {
			name := string(s)
			if s == personalize.StepConfigure {
				name += ", scheme off"
			}
			out = append(out, stepView{Name: name})
		}
		out = append(out, stepView{Name: "look that EF_IMSI holds the subscriber's IMSI"})
	}
	return append(out, viewSteps(p.Steps)...)
}

// agreeContent asks before a change that matters; a dry run needs no agreement.
func (a *app) agreeContent(ctx context.Context, o *contentFlags, question string) error {
	if o.dryRun {
		return nil
	}
	return a.agree(ctx, &actionFlags{secretFlags: o.secretFlags, yes: o.yes}, question)
}
