package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc/scenario"
)

type runFlags struct {
	useUp, change, verbose bool
	transcript             string
	recipients             []string
	secrets                secretFlags
}

type runReport struct {
	head
	Scenario   string          `json:"scenario"`
	ICCID      string          `json:"iccid"`
	Passed     bool            `json:"passed"`
	Assumed    []string        `json:"assumed"` // what the scenario's own card is, which is not played
	Lines      []runLine       `json:"lines"`
	PutBack    *putBackView    `json:"put_back,omitempty"` // with --change-card
	Transcript []traceExchange `json:"transcript,omitempty"`
}

type runLine struct {
	Line   int    `json:"line"`
	Text   string `json:"text"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func (r *runReport) text(w io.Writer, p printer) {
	if len(r.Transcript) > 0 {
		traceReport{Exchanges: r.Transcript}.text(w, p)
	}
	fmt.Fprintf(w, "%s on card %s\n", r.Scenario, r.ICCID)
	for _, l := range r.Assumed {
		fmt.Fprintf(w, "      taken to be so: %s\n", l)
	}
	for _, l := range r.Lines {
		if l.OK {
			fmt.Fprintf(w, "%4d  %s\n", l.Line, l.Text)
		} else {
			fmt.Fprintf(w, "%4d  %s: %s\n", l.Line, l.Text, l.Reason)
		}
	}
	if r.PutBack != nil {
		r.PutBack.text(w)
	}
	if r.Passed {
		fmt.Fprintln(w, "everything came true")
	}
}

func (a *app) runCommand() *cobra.Command {
	var o runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Play a scenario on the card in the reader",
		Long:  runHelp,
		Example: `  simbind terminal run start.scenario
  simbind terminal run start.scenario --verbose --use-up-first-insert
  simbind terminal run renewal-denied.scenario --keys keys.csv --change-card --expect-iccid 8988211000000430010`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.runScenario(c.Context(), &o, args[0]) },
	}
	f := c.Flags()
	f.BoolVar(&o.useUp, "use-up-first-insert", false, "agree that a card still armed becomes bound to a terminal of the scenario")
	f.BoolVar(&o.change, "change-card", false, "agree that the scenario stores configurations and writes files of the card; what it changed is put back")
	f.StringArrayVar(&o.recipients, "backup-recipient", nil, "encrypt the backup to this age recipient (repeatable)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show the whole conversation, bytes and words")
	f.StringVar(&o.transcript, "transcript", "", "write the whole conversation to this file, bytes and words, for 'trace show'")
	o.secrets.addKeys(c)
	o.secrets.addPIN(c)
	o.secrets.addADM(c)
	return c
}

func (a *app) runScenario(ctx context.Context, o *runFlags, path string) error {
	s, err := loadScenario(ctx, path, o.secrets.means())
	if err != nil {
		return err
	}
	file, err := a.transcriptFile(o.transcript)
	if err != nil {
		return err
	}
	out, conversation, err := a.playScenario(ctx, o, s)
	if err := errors.Join(err, writeTranscript(file, conversation)); err != nil {
		return err
	}
	if o.verbose {
		out.Transcript = conversation
	}
	if err := a.show(out); err != nil {
		return err
	}
	if !out.Passed {
		last := out.Lines[len(out.Lines)-1]
		return a.missed("%s:%d: %s: %s", s.Name, last.Line, last.Text, last.Reason)
	}
	if b := out.PutBack; b != nil && len(b.Left) > 0 {
		return a.missed("%s: everything came true, but not everything could be put back", s.Name)
	}
	return ctx.Err() // interrupted, but the card is as it was
}

// line plays one line. What the card asks must be expected before the next thing happens to it.
func (p *player) line(ctx context.Context, l scenario.Line) error {
	if p.command != nil && !p.asked && !compares[l.Verb] {
		return unexpected("the card asked %s before this, and no line expects it", p.question())
	}
	return playerVerbs[l.Verb](p, ctx, l)
}

// cardsFault tells what the card did from what kept it from being asked: a link that failed, an interrupt.
func cardsFault(err error) bool {
	return errors.Is(err, errUnexpected) || as[*apdu.Error](err) || as[*cat.LoopError](err) ||
		errors.Is(err, cat.ErrMalformed) || errors.Is(err, binding.ErrMalformed) || errors.Is(err, personalize.ErrNoApplet)
}

// runHelp is long: what a scenario does to a card has to be agreed to.
const runHelp = `Play the lines of a scenario file (scenarios/README.md) on a card as it is. The subscriber's IMSI of the scenario's card stands for
that of this one, and counters, log and generation go on from where they are.

A terminal alone plays on, off, reset, profile, start, imei, imeisv, answer, busy and status, and compares asks, usim, gsm, information,
file and state. With --keys it plays store and block, and compares configuration, log and the backups in state, each through a secure
channel of its own. With the issuer's code (--adm-file, or the key file) it plays issuer. network and file use PIN1 or ADM1 as the
file's access rule wants; EF_IMSI is written as by issuer, EF_ICCID not at all. What cannot be played is refused before the card is touched, or before the first line is played, and every such
line is named; a memory that fails is for virtual cards alone.

PIN1, from --pin-file or the key file, is given at every start as a device does, when the card asks for it.

The lines about the scenario's own card are not played. Files it has not, or has with a certain content, are looked at; the rest is shown as
taken to be so: bring the card there first, with 'personalize'. A card with another scheme or policy than the install line says is refused;
with keys the whole configuration is compared.

This changes the card as real starts do. A card that waits for its first terminal would be bound for good: that needs --use-up-first-insert.
A scenario with store, block, issuer or network changes more: that needs --change-card; any other is put back with it, too, when keys or ADM1 are
at hand. Then EF_IMSI and the configuration are saved in the
backup folder first, and put back at the end, whether the scenario passed, failed or was interrupted: every copy of EF_IMSI and the applet's
backup of it, the configuration, the bound terminals, the files that network wrote. The report says what was put back and what was not.
After a run that was killed, or a card that was pulled, 'simbind terminal put-back' does it; until then this station takes the card for no
other verb that would read its EF_IMSI as the subscriber's.

Nothing brings back counters, log, generation, what the applet noted of the last start, the EF_IMSI that it replaced last (action 06 would go to
the scenario's), and the denial values it remembers. A card that was denied shows its IMSI until the next start decides; one that was never
configured is switched off in the end.`
