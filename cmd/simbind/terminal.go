package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/cat"
)

type terminalFlags struct {
	imei, imeisv, profile string
	result, refresh       string
	busy, polls           int
	noCAT                 bool
	useUp                 bool
	expect                string
	verbose               bool
	transcript            string
	changed               func(flag string) bool // given in the call
}

func (a *app) terminalCommand() *cobra.Command {
	c := &cobra.Command{Use: "terminal", Short: "Play a terminal on a card"}
	c.AddCommand(a.bootCommand(), a.runCommand(), a.putBackCommand(), a.profilesCommand())
	return c
}

func (a *app) bootCommand() *cobra.Command {
	var o terminalFlags
	c := &cobra.Command{
		Use:   "boot",
		Short: "Play a terminal's start and report what the card decided",
		Long: `Reset the card and do what a terminal does at power-on: TERMINAL PROFILE, every proactive command fetched and
answered, REFRESH carried out, STATUS polled. Then say what the card decided and what EF_IMSI holds.

This changes the card as a real start does: counters move, and access may be switched. A card that waits for its
first terminal would be bound to --imei for good: that needs --use-up-first-insert.`,
		Example: `  simbind terminal boot --imei 490154203237518 --reader virtual:card.json
  simbind terminal boot --imei 490154203237518 --profile modem --expect allowed
  simbind terminal boot --imeisv 4901542032375100 --verbose --transcript start.txt`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.changed = c.Flags().Changed
			return a.boot(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.imei, "imei", "", "IMEI the terminal gives, 14 or 15 digits; without it the terminal gives none")
	f.StringVar(&o.imeisv, "imeisv", "", "IMEISV the terminal gives when asked, 16 digits")
	f.StringVar(&o.profile, "profile", cat.Kinds[0].Name, "kind of terminal: "+strings.Join(cat.KindNames(), ", ")+", or a profile in hex")
	f.StringVar(&o.result, "result", "00", "general result of PROVIDE LOCAL INFORMATION, two hex digits")
	f.IntVar(&o.busy, "busy", 0, "answer so many questions with busy first")
	f.StringVar(&o.refresh, "refresh-result", "00", "general result of REFRESH, two hex digits: 30 refuses it")
	f.IntVar(&o.polls, "polls", cat.DefaultPolls, "STATUS polls after the card fell silent")
	f.BoolVar(&o.noCAT, "no-toolkit", false, "a terminal that never sends TERMINAL PROFILE")
	f.BoolVar(&o.useUp, "use-up-first-insert", false, "agree that a card still armed becomes bound to this terminal")
	f.StringVar(&o.expect, "expect", "", "allowed or denied: exit 8 when the card decided otherwise")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show the whole start, bytes and words")
	f.StringVar(&o.transcript, "transcript", "", "write the whole start to this file, bytes and words, for 'trace show'")
	return c
}

func (o *terminalFlags) config() (cat.Config, error) {
	kind, err := cat.NamedKind(o.profile)
	if err != nil {
		return cat.Config{}, usagef("--profile: %w", err)
	}
	c := kind.Config()
	c.Polls, c.NoCAT = max(o.polls, 1), c.NoCAT || o.noCAT
	if o.changed("busy") {
		c.Busy = o.busy
	}
	if err := o.identity(&c); err != nil {
		return c, err
	}
	for flag, result := range map[string]struct {
		text string
		into *cat.Result
	}{"result": {o.result, &c.Result}, "refresh-result": {o.refresh, &c.Refresh}} {
		if !o.changed(flag) {
			continue
		}
		if *result.into, err = resultByte("--"+flag, result.text); err != nil {
			return c, err
		}
	}
	if o.expect != "" && o.expect != "allowed" && o.expect != "denied" {
		return c, usagef("--expect: allowed or denied")
	}
	return c, nil
}

// identity is what the terminal says it is.
func (o *terminalFlags) identity(c *cat.Config) error {
	if o.imei != "" {
		imei, _, err := binding.ParseIMEI(o.imei)
		if err != nil {
			return usagef("--imei %s: %w", shortDigits(o.imei), err)
		}
		c.IMEI = imei.String()
	}
	if o.imeisv != "" {
		if _, err := cat.IMEISVObject(o.imeisv); err != nil {
			return usagef("--imeisv: 16 digits")
		}
		c.IMEISV = o.imeisv
	}
	return nil
}

func resultByte(flag, text string) (cat.Result, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 1 {
		return 0, usagef("%s: two hex digits", flag)
	}
	return cat.Result(b[0]), nil
}

func (a *app) boot(ctx context.Context, o *terminalFlags) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	file, err := a.transcriptFile(o.transcript)
	if err != nil {
		return err
	}
	out, conversation, err := a.bootCard(ctx, o, cfg)
	if err := errors.Join(err, writeTranscript(file, conversation)); err != nil {
		return err
	}
	if o.verbose {
		out.Transcript = conversation
	}
	if err := a.show(out); err != nil {
		return err
	}
	if o.expect != "" && (o.expect == "allowed") != out.Allowed {
		return a.missed("expected %s: the card decided %s", o.expect, out.Decision)
	}
	return nil
}

// missed ends a verb whose report was shown, but did not come out as expected. With --json the report is the one object.
func (a *app) missed(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if !a.global.json {
		return &codeError{code: exitDoubt, err: err}
	}
	fmt.Fprintf(a.err, "simbind: %v\n", err)
	return &codeError{code: exitDoubt}
}

// bootCard plays the start. What was said is given back also when it broke off.
func (a *app) bootCard(ctx context.Context, o *terminalFlags, cfg cat.Config) (*bootReport, []traceExchange, error) {
	aid, err := a.appletAID()
	if err != nil {
		return nil, nil, err
	}
	s, err := a.openCard(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	run := &personalize.Run{Card: s, AID: aid, Now: a.now}
	before, err := run.Status(ctx, a.expected(), false)
	if err != nil && !errors.Is(err, personalize.ErrNoApplet) {
		return nil, nil, err
	}
	if err := a.agreeToBoot(ctx, &before, cfg, o.useUp); err != nil {
		return nil, nil, err
	}
	stage := newStage(s)
	report, err := a.playStart(ctx, stage, cfg, &before)
	conversation := a.conversation(stage)
	if err != nil {
		return nil, conversation, err
	}
	after, err := a.lookAfter(ctx, s, run)
	if err != nil {
		return nil, conversation, err
	}
	out := a.bootReport(cfg, &before, report, &after)
	out.Terminal = o.profile
	return out, conversation, nil
}

// agreeToBoot: a first insert is used up only on purpose.
func (a *app) agreeToBoot(ctx context.Context, st *personalize.Status, cfg cat.Config, useUp bool) error {
	if st.Applet == nil || st.Applet.State.Status != binding.Armed || cfg.IMEI == "" && cfg.IMEISV == "" || !cfg.Asks() {
		return nil
	}
	return a.confirm(ctx, useUp, "--use-up-first-insert", "this card waits for its first terminal and would become bound to this IMEI; go on?")
}

func (a *app) playStart(ctx context.Context, s *stage, cfg cat.Config, st *personalize.Status) (cat.Report, error) {
	if st.Applet != nil {
		cfg.ADF = st.Applet.Info.ADF
	}
	if cfg.ADF == nil {
		if adf, err := listedUSIM(ctx, s.session); err == nil {
			cfg.ADF = adf
		}
	}
	if err := s.Reset(ctx, false); err != nil {
		return cat.Report{}, err
	}
	return cat.New(s, s, cfg).Boot(ctx)
}

// lookAfter reads the open view without a reset: the start is over, but the terminal's session goes on, as in a phone that
// stays on.
func (a *app) lookAfter(ctx context.Context, s *session, run *personalize.Run) (personalize.Status, error) {
	applet, err := personalize.SelectApplet(ctx, s, run.AID)
	if errors.Is(err, personalize.ErrNoApplet) {
		return personalize.Status{}, nil
	}
	return personalize.Status{Facts: personalize.Facts{Applet: applet}}, err
}
