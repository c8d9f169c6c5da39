package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/uicc/usim"
	"github.com/simbind/simbind/vuicc/scenario"
)

type runFlags struct {
	useUp, verbose bool
	transcript     string
	secrets        secretFlags
}

type runReport struct {
	head
	Scenario   string          `json:"scenario"`
	ICCID      string          `json:"iccid"`
	Passed     bool            `json:"passed"`
	Assumed    []string        `json:"assumed"` // what the scenario's own card is, which is not played
	Lines      []runLine       `json:"lines"`
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
	if r.Passed {
		fmt.Fprintln(w, "everything came true")
	}
}

func (a *app) runCommand() *cobra.Command {
	var o runFlags
	c := &cobra.Command{
		Use:   "run SCENARIO",
		Short: "Play the terminal of a scenario on the card in the reader",
		Long: `Play the terminal's lines of a scenario file (scenarios/README.md) on a card as it is: on, off, reset, profile, start, imei,
imeisv, answer, busy and status happen to it; asks, usim, gsm and state must come true. The subscriber's IMSI of the scenario's card stands
for that of this one, and counters and generation go on from where they are.

PIN1, from --pin-file or the key file, is given at every start as a device does, when the card asks for it.

The lines about the scenario's own card are not played, and shown as taken to be so: bring the card there first, with
'personalize'. A card with another scheme or policy than the install line says is refused; with keys the whole configuration is compared.
A scenario with lines that need keys, the issuer's code, or a memory that can be made to fail is refused before the card is touched,
and every such line is named.

This changes the card as real starts do. A card that waits for its first terminal would be bound for good: that needs
--use-up-first-insert.`,
		Example: `  simbind terminal run start.scenario
  simbind terminal run start.scenario --verbose --use-up-first-insert`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.runScenario(c.Context(), &o, args[0]) },
	}
	f := c.Flags()
	f.BoolVar(&o.useUp, "use-up-first-insert", false, "agree that a card still armed becomes bound to a terminal of the scenario")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show the whole conversation, bytes and words")
	f.StringVar(&o.transcript, "transcript", "", "write the whole conversation to this file, bytes and words, for 'trace show'")
	o.secrets.addKeys(c)
	o.secrets.addPIN(c)
	return c
}

// loadScenario reads a scenario and refuses what a terminal cannot do.
func loadScenario(path string) (scenario.Scenario, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return scenario.Scenario{}, fileError(path, err)
	}
	s, err := scenario.Parse(filepath.Base(path), b)
	if err != nil {
		return s, usagef("%w", err)
	}
	var refused []string
	for _, l := range s.Steps {
		if why := whyNot(l); why != "" {
			refused = append(refused, fmt.Sprintf("%s:%d: %s %s", s.Name, l.Number, l.Verb, why))
		}
	}
	if refused != nil {
		return s, &usageError{err: errors.New(strings.Join(refused, "\n")), hint: "a terminal cannot play this on a card; 'go test ./vuicc/scenario' runs every scenario on a virtual one"}
	}
	return s, nil
}

// whyNot says why a terminal cannot play a line, "" when it can.
func whyNot(l scenario.Line) string {
	switch why := unplayable[l.Verb]; {
	case len(l.Faults) > 0:
		return "comes after " + l.Faults[0].String() + ": only a virtual card can be made to fail"
	case why != "":
		return why
	case playerVerbs[l.Verb] == nil:
		return "is no line for a terminal"
	case l.Verb == "state" && slices.ContainsFunc(l.Words, func(w string) bool { return keyed[w[:2]] }):
		return "names backups of EF_IMSI, which are shown with keys alone"
	}
	return ""
}

func (a *app) runScenario(ctx context.Context, o *runFlags, path string) error {
	s, err := loadScenario(path)
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
	return nil
}

func (a *app) playScenario(ctx context.Context, o *runFlags, s scenario.Scenario) (*runReport, []traceExchange, error) {
	aid, err := a.appletAID()
	if err != nil {
		return nil, nil, err
	}
	want, err := installed(s)
	if err != nil {
		return nil, nil, err
	}
	card, run, err := a.startRun(ctx, &o.secrets, nil)
	if err != nil {
		return nil, nil, err
	}
	defer card.Close()
	defer run.Close()
	before, err := run.Status(ctx, a.expected(), o.secrets.given())
	if err != nil {
		return nil, nil, err
	}
	if err := configuredAs(want, &before); err != nil {
		return nil, nil, err
	}
	if err := a.agreeToRun(ctx, &before, s, o.useUp); err != nil {
		return nil, nil, err
	}
	p := &player{stage: newStage(card), aid: aid, adf: before.Applet.Info.ADF}
	if p.adf == nil {
		if p.adf, err = listedUSIM(ctx, card); err != nil {
			return nil, nil, err
		}
	}
	if p.pin, err = pinOf(run, before.ICCID); err != nil {
		return nil, nil, err
	}
	p.pinFloor = o.secrets.pinFloor
	if err := p.presentPIN(ctx); err != nil {
		return nil, nil, err
	}
	if p.base, err = p.baseline(ctx, s, &before); err != nil {
		return nil, nil, err
	}
	out := &runReport{head: schema("run"), Scenario: s.Name, ICCID: a.iccid(before.ICCID), Assumed: assumed(s, want), Lines: []runLine{}}
	err = p.lines(ctx, s, out)
	return out, a.conversation(p.stage), err
}

// listedUSIM is the USIM EF_DIR names, nil when there is none. An applet that is selected takes every SELECT that names no AID: a reset leads back to
// the MF.
func listedUSIM(ctx context.Context, s *session) ([]byte, error) {
	if err := s.Reset(ctx, false); err != nil {
		return nil, err
	}
	return usim.FindUSIM(ctx, s)
}

// agreeToRun: a first insert is used up only on purpose.
func (a *app) agreeToRun(ctx context.Context, st *personalize.Status, s scenario.Scenario, useUp bool) error {
	tells := slices.ContainsFunc(s.Steps, func(l scenario.Line) bool { return tellsIdentity[l.Verb] })
	if st.Applet.State.Status != binding.Armed || !tells {
		return nil
	}
	return a.confirm(ctx, useUp, "--use-up-first-insert", "this card waits for its first terminal and would become bound to one of the scenario; go on?")
}

// lines plays line by line until one does not come true. A line that the card refuses did not, either; a link that failed is an error.
func (p *player) lines(ctx context.Context, s scenario.Scenario, out *runReport) error {
	for _, l := range s.Steps {
		err := p.line(ctx, l)
		line := runLine{Line: l.Number, Text: hideDigits(l), OK: err == nil}
		if err != nil && !cardsFault(err) {
			return fmt.Errorf("%s:%d: %s: %w", s.Name, l.Number, line.Text, err)
		}
		if err != nil {
			line.Reason = err.Error()
		}
		out.Lines = append(out.Lines, line)
		if err != nil {
			return nil
		}
	}
	out.Passed = true
	return nil
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

// hideDigits is the line with the identities in it shortened.
func hideDigits(l scenario.Line) string {
	switch l.Verb {
	case "start", "imei", "imeisv":
		return l.Verb + " " + l.Words[0][:8] + "******"
	case "usim", "gsm":
		return l.Verb + " " + l.Words[0][:2] + "…"
	case "state":
		return "state " + strings.Join(mapped(l.Words, hideState), " ")
	case "answer":
		return "answer " + l.Words[0]
	}
	return l.String()
}

func hideState(word string) string {
	tag, value, _ := strings.Cut(word, "=")
	return tag + "=" + hideIMEI(tag, value)
}

func mapped(words []string, f func(string) string) []string {
	var out []string
	for _, w := range words {
		out = append(out, f(w))
	}
	return out
}

// unhexWord reads hex the parser has checked.
func unhexWord(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
