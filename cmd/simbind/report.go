package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc/usim"
)

// cardFile is everything a report says of one card; what is shown of identities is in Revealed.
type cardFile struct {
	head
	Time     string             `json:"time"` // RFC 3339, UTC
	Tool     string             `json:"tool"`
	Revealed bool               `json:"revealed"`
	Salt     string             `json:"salt"` // names the salt of the tokens; it does not tell it
	Card     *cardReport        `json:"card"`
	State    *binding.StateView `json:"state"` // null: no binding applet
	Facts    []fact             `json:"facts"`
	Start    []traceExchange    `json:"start,omitempty"` // of a terminal, from 'terminal boot --transcript'
	drawing  drawing
}

// fact is one thing a report says, in words. Token stands for the whole of an identity that Value may shorten.
type fact struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	Token   string `json:"token,omitempty"`
}

func (r *cardFile) text(w io.Writer, p printer) {
	fmt.Fprintf(w, "simbind report of %s, %s; %s; tokens of salt %s\n", r.Time, r.Tool, r.disclosure(), r.Salt)
	for _, s := range sections(r.Facts) {
		fmt.Fprintf(w, "\n%s\n", s.Name)
		var rows [][2]string
		for _, f := range s.Facts {
			rows = append(rows, [2]string{"  " + f.Name, f.Value})
		}
		pairs(w, rows)
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
	outputs []string
	start   string
	newSalt bool
}

func (a *app) reportCommand() *cobra.Command {
	var o reportFlags
	c := &cobra.Command{
		Use:   "report",
		Short: "Write what a card says of itself into one redacted file, fit for a ticket",
		Long: `Read the card as 'card' and 'status' do, without keys, and write it as JSON, as text, or as one HTML page with a drawing of
the card's state. Nothing is written to the card.

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
	f.BoolVar(&o.newSalt, "new-salt", false, "tokens of a salt that is thrown away: they can be compared with no other report")
	return c
}

func (a *app) report(ctx context.Context, o *reportFlags) error {
	for _, name := range o.outputs {
		if !slices.Contains([]string{".json", ".txt", ".html"}, filepath.Ext(name)) {
			return usagef("--output %s: its name ends with .json, .txt or .html", name)
		}
	}
	var start trace.Transcript
	if o.start != "" {
		var err error
		if start, err = a.loadTrace(o.start, trace.Read); err != nil {
			return err
		}
	}
	salt, err := a.reportSalt(o.newSalt)
	if err != nil {
		return err
	}
	r, err := a.readReport(ctx, salt)
	if err != nil {
		return err
	}
	if o.start != "" {
		r.Start = a.traceReport(start).Exchanges
	}
	if len(o.outputs) == 0 {
		return a.show(r)
	}
	for _, name := range o.outputs {
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
	if err := maybe.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		return fileError("--output "+name, err)
	}
	a.say("report %s", name)
	return nil
}

// readReport reads the card in the reader the flags name: no key, no write.
func (a *app) readReport(ctx context.Context, salt reportSalt) (*cardFile, error) {
	aid, err := a.appletAID()
	if err != nil {
		return nil, err
	}
	s, err := a.openCard(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	run := &personalize.Run{Card: s, AID: aid, Now: a.now, Note: func(t string) { a.say("note: %s", t) }}
	id, err := run.Identify(ctx, a.expected())
	if err != nil {
		return nil, err
	}
	return a.reportOf(&id, a.cardReport(&id, s), salt), nil
}

func (a *app) reportOf(id *personalize.Identity, card *cardReport, salt reportSalt) *cardFile {
	r := &cardFile{
		head: schema("report"), Time: a.now().UTC().Format(time.RFC3339), Tool: "simbind " + version, Revealed: a.global.reveal,
		Salt: salt.name(), Card: card,
	}
	if _, err := usim.DecodeIMSI(id.IMSI); err != nil && id.IMSI != nil && !a.global.reveal {
		card.IMSI = "none" // what is no IMSI may be one with a fault in it
	}
	r.Facts = cardFacts(card, id, salt)
	if id.Applet != nil {
		v := id.Applet.State.View(a.global.reveal)
		r.State = &v
		r.Facts = append(r.Facts, stateFacts(v, &id.Applet.State, salt)...)
	}
	r.drawing = draw(card, id.Applet, r.State)
	return r
}

// cardFacts are the facts of 'card'.
func cardFacts(c *cardReport, id *personalize.Identity, salt reportSalt) []fact {
	out := []fact{
		{Name: "ATR", Value: c.ATR}, {Name: "protocols", Value: strings.Join(c.Protocols, ", ")},
		{Name: "ICCID", Value: c.ICCID, Token: salt.token("iccid", id.ICCID.String())},
		{Name: "IMSI in EF_IMSI", Value: imsiFact(c.IMSI), Token: imsiToken(id.IMSI, salt)},
		{Name: "MNC length", Value: fmt.Sprint(c.MNCLength)}, {Name: "PIN1", Value: c.PIN1.State}, {Name: "ADM1", Value: c.ADM1.State},
	}
	for i, x := range c.Applications {
		out = append(out, fact{Name: fmt.Sprintf("application %d", i+1), Value: strings.TrimSpace(x.AID + " " + x.Label)})
	}
	applet := "not on this card"
	if c.Applet != nil {
		applet = "version " + c.Applet.Version
	}
	out = append(out, fact{Name: "binding applet", Value: applet})
	for i := range out {
		out[i].Section = "card"
	}
	return out
}

// imsiFact leaves out what a content that is no IMSI looks like.
func imsiFact(shown string) string {
	if strings.HasPrefix(shown, "none") {
		return "none"
	}
	return shown
}

func imsiToken(raw []byte, salt reportSalt) string {
	i, err := usim.DecodeIMSI(raw)
	if err != nil {
		return ""
	}
	return salt.token("imsi", i.String())
}

// stateFacts are the facts of 'status'. An IMEI the open view shortens has no token.
func stateFacts(v binding.StateView, s *binding.State, salt reportSalt) []fact {
	var out []fact
	for _, row := range v.Rows() {
		f := fact{Section: "binding", Name: row[0], Value: row[1]}
		switch {
		case row[1] == "":
			f.Value = "none"
		case row[0] == "bound to":
			f.Token = imeiToken(s.Bound, salt)
		case row[0] == "last terminal" && s.LastIMEI != nil:
			f.Token = imeiToken([]binding.IMEIView{*s.LastIMEI}, salt)
		}
		out = append(out, f)
	}
	return out
}

func imeiToken(views []binding.IMEIView, salt reportSalt) string {
	var all []string
	for _, v := range views {
		i, whole := v.IMEI()
		if !whole {
			return ""
		}
		all = append(all, i.String())
	}
	return salt.token("imei", strings.Join(all, ","))
}
