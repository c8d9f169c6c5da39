package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/personalize"
)

type doctorReport struct {
	head
	Revealed bool               `json:"revealed"` // identities are whole
	Verdict  diagnose.Verdict   `json:"verdict"`
	Findings []diagnose.Finding `json:"findings"`
	Unread   []diagnose.Unread  `json:"not_readable"`
	Card     *diagnose.View     `json:"card"` // null: no card could be asked
	Total    phaseCost          `json:"total"`
}

func (r *doctorReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: %s\n", strings.ToUpper(string(r.Verdict.Answer)), r.Verdict.Reason)
	if r.Card != nil {
		fmt.Fprintf(w, "card %s in %s\n", orWord(r.Card.ICCID, "without a readable ICCID"), r.Card.Reader)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "\n%s %s: %s\n  evidence: %s\n  next: %s\n  more: %s\n", f.Severity, f.ID, f.What, f.Evidence, f.Next, f.Doc)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "\nnothing was found")
	}
	for i, u := range r.Unread {
		if i == 0 {
			fmt.Fprintln(w, "\nnot readable")
		}
		fmt.Fprintf(w, "  %s: %s\n", u.What, u.Why)
	}
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

type doctorFlags struct {
	tac      string
	exitCode bool
}

func (a *app) doctorCommand() *cobra.Command {
	var o doctorFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Tell why a card does not work in a device",
		Long: `Read one card without keys and tell what stands in the way: the verdict in one sentence, then every finding
with its evidence and the next step, then what was not readable and why. docs/field.md explains each finding.

Nothing can be changed: a list of reading commands is all that gets through to the card. No code is
offered, no key is used, no terminal is played: an armed card stays armed.`,
		Example: `  simbind doctor
  simbind doctor --json --exit-code
  simbind doctor --tac models.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c.Context(), o) },
	}
	addTAC(c, &o.tac)
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with 20 when there is a finding worse than a note")
	return c
}

func (a *app) doctor(ctx context.Context, o doctorFlags) error {
	show, err := a.showIdentities(o.tac)
	if err != nil {
		return err
	}
	report, err := a.diagnosis(ctx, show)
	if err != nil {
		return a.linkFinding(show, err)
	}
	if err := a.show(report); err != nil {
		return err
	}
	if worst, _ := diagnose.Worst(report.Findings); o.exitCode && worst > diagnose.Note {
		return &codeError{code: exitDiffers}
	}
	return nil
}

// diagnosis reads the card and holds it against the table of findings.
func (a *app) diagnosis(ctx context.Context, show diagnose.Show) (*doctorReport, error) {
	facts, s, err := a.readFacts(ctx, false)
	if err != nil {
		return nil, err
	}
	found := facts.Findings(show)
	view := facts.View(show)
	r := &doctorReport{head: schema("doctor"), Revealed: show.Reveal, Verdict: facts.Judge(found, show), Findings: found, Unread: []diagnose.Unread{}, Card: &view, Total: totalCost(s.counter)}
	r.Unread = append(r.Unread, facts.Unread...)
	return r, nil
}

// readFacts reads one card, its files one by one when asked to, and what this station keeps of it; the session is closed, its counter can still be
// read.
func (a *app) readFacts(ctx context.Context, files bool) (*diagnose.Facts, *session, error) {
	aid, err := a.appletAID()
	if err != nil {
		return nil, nil, err
	}
	s, err := a.openCard(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	facts, err := diagnose.Read(ctx, s, diagnose.Options{AID: aid, Expected: a.expected()})
	if err != nil {
		return nil, nil, err
	}
	if files {
		found, err := filesOf(ctx, s, facts.USIM)
		if err != nil {
			return nil, nil, err
		}
		facts.Files = found.Files
	}
	return facts, s, a.lookAtStation(facts)
}

// lookAtStation reads what is there already: a look makes no folders.
func (a *app) lookAtStation(facts *diagnose.Facts) error {
	dir, err := a.stateDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	store, err := personalize.OpenStore(dir)
	if err != nil {
		return err
	}
	facts.LookAtStation(store)
	return nil
}

// linkFinding reports a failure of the way to the card as a finding, and ends with its usual exit code; other failures pass.
func (a *app) linkFinding(show diagnose.Show, err error) error {
	f := classify(err)
	id := f.Code
	if f.Exit == exitBusy {
		id = "reader_in_use"
	}
	evidence := err.Error()
	if running := a.holders(); id == "reader_in_use" && len(running) > 0 {
		evidence += "; running now: " + strings.Join(running, ", ")
	}
	found, ok := diagnose.Link(id, evidence)
	if !ok {
		return err
	}
	r := &doctorReport{
		head: schema("doctor"), Revealed: show.Reveal, Findings: []diagnose.Finding{found}, Unread: []diagnose.Unread{}, Total: phaseCost{Name: "total"},
		Verdict: diagnose.Verdict{Answer: diagnose.Unknown, Reason: "no card could be asked: " + found.What, Finding: id},
	}
	if err := a.show(r); err != nil {
		return err
	}
	return &codeError{code: f.Exit}
}
