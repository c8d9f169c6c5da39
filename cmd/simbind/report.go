package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/trace"
)

// cardFile is everything a report says of one card; whether identities are whole in it is in Revealed.
type cardFile struct {
	head
	Time     string            `json:"time"` // RFC 3339, UTC
	Tool     string            `json:"tool"`
	Revealed bool              `json:"revealed"`
	Salt     string            `json:"salt"` // names the salt of the tokens; it does not tell it
	Verdict  diagnose.Verdict  `json:"verdict"`
	Findings []savedFinding    `json:"findings"`
	Unread   []diagnose.Unread `json:"not_readable"`
	Card     *diagnose.View    `json:"card"` // null: no card could be asked
	Facts    []fact            `json:"facts"`
	Start    []traceExchange   `json:"start,omitempty"` // of a terminal, from 'terminal boot --transcript'
	Total    phaseCost         `json:"total"`
	drawing  drawing
}

// savedFinding is a finding as it stands in a file, its severity in words.
type savedFinding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Evidence string `json:"evidence"`
	Next     string `json:"next"`
	Doc      string `json:"doc"`
}

// fact is one thing a report says, in words. Token stands for the whole of an identity that Value may shorten.
type fact struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	Token   string `json:"token,omitempty"`
}

func (r *cardFile) text(w io.Writer, p printer) {
	fmt.Fprintf(w, "simbind report of %s, %s; %s; tokens of salt %s\n\n", r.Time, r.Tool, r.disclosure(), r.Salt)
	fmt.Fprintf(w, "%s\n%s: %s\n", r.Title(), strings.ToUpper(string(r.Verdict.Answer)), r.Verdict.Reason)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "\n%s %s: %s\n  evidence: %s\n  next: %s\n  more: %s\n", f.Severity, f.ID, f.What, f.Evidence, f.Next, f.Doc)
	}
	for _, s := range sections(r.Facts) {
		fmt.Fprintf(w, "\n%s\n", s.Name)
		var rows [][2]string
		for _, f := range s.Facts {
			rows = append(rows, [2]string{f.Name, f.Value})
		}
		pairs(w, rows)
	}
	for i, u := range r.Unread {
		if i == 0 {
			fmt.Fprintln(w, "\nnot readable")
		}
		fmt.Fprintf(w, "%s: %s\n", u.What, u.Why)
	}
	if len(r.Start) > 0 {
		fmt.Fprintln(w, "\nstart of a terminal")
		traceReport{Exchanges: r.Start}.text(w, p)
	}
}

func (r *cardFile) disclosure() string {
	if r.Revealed {
		return "identities revealed: --reveal was given"
	}
	return "identities shortened"
}

type section struct {
	Name  string
	Facts []fact
}

func sections(facts []fact) []section {
	var out []section
	for _, f := range facts {
		if n := len(out); n == 0 || out[n-1].Name != f.Section {
			out = append(out, section{Name: f.Section})
		}
		last := &out[len(out)-1]
		last.Facts = append(last.Facts, f)
	}
	return out
}

type reportFlags struct {
	outputs    []string
	start, tac string
	newSalt    bool
	files      bool
}

func (a *app) reportCommand() *cobra.Command {
	var o reportFlags
	c := &cobra.Command{
		Use:   "report",
		Short: "Write what a card says of itself into one redacted file, fit for a ticket",
		Long: `Read the card as 'doctor' does, without keys and through the same list of reading commands, and write verdict, findings and
everything that was read as JSON, as text, or as one HTML page with a drawing of the card's state.

IMSI, IMEI and ICCID are shortened unless --reveal, and the report says which. A token stands for each whole identity: equal in
two reports of this station when the identity is equal, and nobody without the station's salt can go back from it.`,
		Example: `  simbind report --output card.html --output card.json
  simbind terminal boot --imei 490154203237518 --transcript start.txt
  simbind report --start start.txt --output card.html`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.report(c.Context(), &o) },
	}
	f := c.Flags()
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "write to this file, in the form its name ends with: .json, .txt or .html (repeatable); without it to stdout")
	f.StringVar(&o.start, "start", "", "put this transcript of 'terminal boot --transcript' into the report")
	addTAC(c, &o.tac)
	f.BoolVar(&o.files, "files", false, "also every file with size, state and access rules: some forty commands more")
	f.BoolVar(&o.newSalt, "new-salt", false, "tokens of a salt that is thrown away: they can be compared with no other report")
	return c
}

func (a *app) report(ctx context.Context, o *reportFlags) error {
	for _, name := range o.outputs {
		if !slices.Contains([]string{".json", ".txt", ".html"}, filepath.Ext(name)) {
			return usagef("--output %s: its name ends with .json, .txt or .html", name)
		}
		if err := mayReplace("--output", name); err != nil {
			return err
		}
	}
	var start trace.Transcript
	if o.start != "" {
		var err error
		if start, err = a.loadTrace(ctx, o.start, trace.Read); err != nil {
			return err
		}
	}
	show, err := a.showIdentities(o.tac)
	if err != nil {
		return err
	}
	salt, err := a.reportSalt(o.newSalt)
	if err != nil {
		return err
	}
	r, unasked := a.readReport(ctx, show, salt, o.files)
	if unasked != nil {
		if r = a.unreached(show, salt, unasked); r == nil {
			return unasked
		}
	}
	if o.start != "" {
		r.Start = a.traceReport(start).Exchanges
	}
	if err := a.giveReport(o.outputs, r); err != nil || unasked == nil {
		return err
	}
	return &codeError{code: classify(unasked).Exit}
}

// giveReport shows a report, or writes it to every file that was named.
func (a *app) giveReport(outputs []string, r *cardFile) error {
	if len(outputs) == 0 {
		return a.show(r)
	}
	for _, name := range outputs {
		if err := a.writeReport(name, r); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeReport(name string, r *cardFile) error {
	form := map[string]func(io.Writer) error{
		".json": func(w io.Writer) error { return encode(w, r) },
		".txt":  func(w io.Writer) error { r.text(w, printer{}); return nil },
		".html": func(w io.Writer) error { return page(w, r) },
	}[filepath.Ext(name)]
	var b strings.Builder
	if err := form(&b); err != nil {
		return err
	}
	err := maybe.WriteFile(name, []byte(b.String()), 0o600)
	var moved *os.LinkError
	if errors.As(err, &moved) { // a folder of that name, say
		return usagef("--output %s: %w", name, moved.Err)
	}
	if err != nil {
		return fileError("--output "+name, err)
	}
	a.say("report %s", name)
	return nil
}

// readReport reads the card in the reader the flags name: no key, no write.
func (a *app) readReport(ctx context.Context, show diagnose.Show, salt reportSalt, files bool) (*cardFile, error) {
	facts, s, err := a.readFacts(ctx, files)
	if err != nil {
		return nil, err
	}
	r := a.reportOf(facts, show, salt)
	r.Total = totalCost(s.counter)
	return r, nil
}

// unreached is the report when no card could be asked: the finding of the way to it; nil when what failed is no such thing.
func (a *app) unreached(show diagnose.Show, salt reportSalt, err error) *cardFile {
	f := classify(err)
	id := f.Code
	if f.Exit == exitBusy {
		id = "reader_in_use"
	}
	found, ok := diagnose.Link(id, err.Error())
	if !ok {
		return nil
	}
	r := a.newReport(show, salt)
	r.Verdict = diagnose.Verdict{Answer: diagnose.Unknown, Reason: "no card could be asked: " + found.What, Finding: id}
	r.add([]diagnose.Finding{found})
	r.Facts = sectioned("findings", findingFacts(r.Findings))
	return r
}

// newReport has what does not depend on the card.
func (a *app) newReport(show diagnose.Show, salt reportSalt) *cardFile {
	return &cardFile{
		head: schema("report"), Time: a.now().UTC().Format(time.RFC3339), Tool: "simbind " + version, Revealed: show.Reveal, Salt: salt.name(),
		Findings: []savedFinding{}, Unread: []diagnose.Unread{}, Total: phaseCost{Name: "total"},
	}
}

func (r *cardFile) add(found []diagnose.Finding) {
	for _, f := range found {
		r.Findings = append(r.Findings, savedFinding{f.ID, f.Severity.String(), f.What, f.Evidence, f.Next, f.Doc})
	}
}

// Title is the card of the report.
func (r *cardFile) Title() string {
	switch {
	case r.Card == nil:
		return "No card could be asked"
	case r.Card.ICCID == "":
		return "Card without a readable ICCID"
	}
	return "Card " + r.Card.ICCID
}

func (a *app) reportOf(facts *diagnose.Facts, show diagnose.Show, salt reportSalt) *cardFile {
	found, view := facts.Findings(show), facts.View(show)
	r := a.newReport(show, salt)
	r.Verdict, r.Card, r.drawing = facts.Judge(found, show), &view, draw(facts, &view)
	r.Unread = append(r.Unread, facts.Unread...)
	r.add(found)
	r.Facts = factsOf(r, facts, salt)
	return r
}
