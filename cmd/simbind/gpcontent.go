package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/content"
)

// planner makes a list of commands over an open session.
type planner func(context.Context, *content.Domain) ([]content.Step, error)

// contentVerb carries out a verb that is a list of commands to the security domain.
func (a *app) contentVerb(ctx context.Context, o *contentFlags, verb string, plan planner) error {
	expected := a.expected()
	s, run, err := a.startContent(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	iccid, err := content.Known(ctx, run, expected)
	if err != nil {
		return err
	}
	d, err := content.Open(ctx, run, iccid)
	if err != nil {
		return err
	}
	defer d.Close()
	steps, err := plan(ctx, d)
	if err != nil {
		return err
	}
	if err := d.Fit(steps); err != nil {
		return err
	}
	r := &contentReport{head: schema("content"), Verb: verb, ICCID: a.iccid(iccid), Outcome: outcomePlanned, Steps: viewSteps(steps)}
	if len(steps) == 0 {
		r.Outcome = outcomeAsWanted
	}
	if !o.dryRun && len(steps) > 0 {
		run.Begin("write")
		answers, err := d.Do(ctx, steps)
		r.answered(o, answers)
		if err != nil {
			for n, answer := range r.Answers { // there is no report to hold them
				run.Remark("%s: %s", steps[n].Name, answer)
			}
			return err
		}
		r.Outcome = outcomeDone
	}
	return a.endContent(r, o, s)
}

func (a *app) gpLoad() *cobra.Command {
	var o contentFlags
	var descriptor bool
	var hash, domain string
	c := &cobra.Command{
		Use:   "load CAP",
		Short: "Load a CAP file",
		Long: `Load a CAP file into the issuer security domain, or the one --domain names: INSTALL [for load], then as
few LOAD blocks as the card and the security level allow. A load file that is there is left alone.`,
		Example: "  simbind gp load binding.cap --keys keys.csv --dry-run\n  simbind gp load binding.cap --keys keys.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readCAP(args[0])
			if err != nil {
				return err
			}
			sum, err := loadFileHash(file, hash, descriptor)
			if err != nil {
				return err
			}
			to, err := optionalAID(domain)
			if err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp load", func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanLoad(ctx, content.LoadWish{CAP: file, Descriptor: descriptor, Domain: to, Hash: sum})
			})
		},
	}
	o.add(c)
	f := c.Flags()
	f.BoolVar(&descriptor, "descriptor", false, "load the Descriptor component too")
	f.StringVar(&hash, "hash", "", "send the hash of the load file: sha1, sha256, sha384 or sha512")
	f.StringVar(&domain, "domain", "", "AID of the security domain it goes to (default: the issuer's)")
	return c
}

// gpInstallFlags describe an instance.
type gpInstallFlags struct {
	contentFlags
	module, instance, privileges, application, parameters string
	notSelectable                                         bool
}

func (a *app) gpInstall() *cobra.Command {
	var o gpInstallFlags
	c := &cobra.Command{
		Use:   "install LOAD-FILE-AID",
		Short: "Install an application from a load file",
		Long: `INSTALL [for install and make selectable] of a module of a load file that is on the card. --application is what
the application itself is told (the value of C9); --parameters is the whole parameter field, which is then sent as
it is. Nothing is wrapped or guessed.`,
		Example: "  simbind gp install F053494D42494E44 --module F053494D42494E4401 --keys keys.csv --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			i, err := o.wanted(args[0])
			if err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o.contentFlags, "gp install", func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanInstance(ctx, i, !o.notSelectable)
			})
		},
	}
	o.contentFlags.add(c)
	f := c.Flags()
	f.StringVar(&o.module, "module", "", "AID of the module (required)")
	f.StringVar(&o.instance, "instance", "", "AID of the instance (default: as the module)")
	f.StringVar(&o.privileges, "privileges", "00", "privileges, one or three bytes in hex")
	f.StringVar(&o.application, "application", "", "value of C9 in hex: what the application is told")
	f.StringVar(&o.parameters, "parameters", "", "the whole parameter field in hex, C9 included")
	f.BoolVar(&o.notSelectable, "not-selectable", false, "install alone; the application is made selectable later")
	_ = c.MarkFlagRequired("module") // the flag exists
	return c
}

func (o *gpInstallFlags) wanted(loadFile string) (i gp.Instance, err error) {
	if i.LoadFile, err = parseAID(loadFile); err != nil {
		return i, err
	}
	if i.Module, err = parseAID(o.module); err != nil {
		return i, err
	}
	if i.AID, err = optionalAID(o.instance); err != nil {
		return i, err
	}
	if i.AID == nil {
		i.AID = i.Module
	}
	if i.Privileges, err = hexFlag("--privileges", o.privileges); err != nil {
		return i, err
	}
	if len(i.Privileges) != 1 && len(i.Privileges) != 3 {
		return i, usagef("--privileges: one or three bytes, not %d", len(i.Privileges))
	}
	if o.parameters != "" && o.application != "" {
		return i, usagef("--application and --parameters exclude each other: the parameter field holds C9 already")
	}
	if o.parameters != "" {
		i.Parameters, err = hexFlag("--parameters", o.parameters)
		return i, err
	}
	p := gp.InstallParameters{}
	if p.Application, err = hexFlag("--application", o.application); err != nil {
		return i, err
	}
	i.Parameters, err = p.Encode()
	return i, err
}

func (a *app) gpDelete() *cobra.Command {
	var o contentFlags
	var related, missingOK bool
	c := &cobra.Command{
		Use:   "delete AID",
		Short: "Delete an application or a load file",
		Long: `Delete an application, or a load file; with --related also everything made from the load file. The binding applet
is refused: 'applet remove' takes it off, and restores EF_IMSI first.`,
		Example: "  simbind gp delete D07002CA44 --related --keys keys.csv --yes --expect-iccid 8988211000000430010",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			aid, err := parseAID(args[0])
			if err != nil {
				return err
			}
			if err := a.agreeContent(c.Context(), &o, fmt.Sprintf("%X will be deleted from the card; go on?", aid)); err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp delete", func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanDelete(ctx, aid, related, missingOK)
			})
		},
	}
	o.add(c)
	o.addYes(c)
	c.Flags().BoolVar(&related, "related", false, "delete what was made from the load file too")
	c.Flags().BoolVar(&missingOK, "missing-ok", false, "what is not on the card is as wanted")
	return c
}

func (a *app) gpLock() *cobra.Command {
	return a.lockVerb("lock", "Lock an application: it cannot be selected until it is unlocked", "the application %X will not be selectable; go on?",
		(*content.Domain).PlanLock)
}

func (a *app) gpUnlock() *cobra.Command {
	return a.lockVerb("unlock", "Unlock an application", "", (*content.Domain).PlanUnlock)
}

// lockVerb is a verb that names an application; question is empty when there is nothing to agree to.
func (a *app) lockVerb(name, short, question string, plan func(*content.Domain, context.Context, []byte) ([]content.Step, error)) *cobra.Command {
	var o contentFlags
	c := &cobra.Command{
		Use: name + " AID", Short: short,
		Long:    short + " (SET STATUS).",
		Example: "  simbind gp " + name + " F053494D42494E4401 --keys keys.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			aid, err := parseAID(args[0])
			if err != nil {
				return err
			}
			if question != "" {
				if err := a.agreeContent(c.Context(), &o, fmt.Sprintf(question, aid)); err != nil {
					return err
				}
			}
			return a.contentVerb(c.Context(), &o, "gp "+name, func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return plan(d, ctx, aid)
			})
		},
	}
	o.add(c)
	if question != "" {
		o.addYes(c)
	}
	return c
}

// cardStates are those a person may bring a card to.
var cardStates = map[string]byte{"initialized": gp.CardInitialized, "secured": gp.CardSecured, "locked": gp.CardLocked}

func (a *app) gpCardState() *cobra.Command {
	var o contentFlags
	var typed string
	c := &cobra.Command{
		Use:   "card-state initialized|secured|locked",
		Short: "Change the life cycle of the card",
		Long: `Change the life cycle of the card (SET STATUS of the issuer security domain). OP_READY to INITIALIZED to SECURED
cannot be undone; a LOCKED card takes no application until it is SECURED again. Each change is confirmed by the whole ICCID, typed
or given with --confirm-iccid. Ending a card's life (TERMINATED) is not offered.`,
		Example: "  simbind gp card-state locked --keys keys.csv --confirm-iccid 8988211000000430010",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			state, ok := cardStates[args[0]]
			if args[0] == "terminated" {
				return &codeError{code: exitRefused, err: fmt.Errorf("TERMINATED ends the card for ever and is refused")}
			}
			if !ok {
				return usagef("card state %q: it is one of initialized, secured, locked", args[0])
			}
			if err := a.confirmCard(c.Context(), &o, typed, args[0]); err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp card-state", func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanCardState(ctx, state)
			})
		},
	}
	o.add(c)
	c.Flags().StringVar(&typed, "confirm-iccid", "", "the whole ICCID of the card: confirms the change")
	return c
}

// confirmCard: the ICCID that confirms is also the one the card must have.
func (a *app) confirmCard(ctx context.Context, o *contentFlags, typed, state string) error {
	if o.dryRun {
		return nil
	}
	if typed == "" {
		text, err := a.ask(ctx, fmt.Sprintf("type the whole ICCID of the card to make it %s: ", state), "--confirm-iccid")
		if err != nil {
			return err
		}
		typed = text
	}
	if a.global.expectICCID != "" && a.global.expectICCID != typed {
		return usagef("--confirm-iccid and --expect-iccid name different cards")
	}
	a.global.expectICCID = typed
	return a.checkChoice()
}
