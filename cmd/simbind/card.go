package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

type cardReport struct {
	head
	Reader       string            `json:"reader"`
	ATR          string            `json:"atr"`
	Protocols    []string          `json:"protocols"`
	Reset        diagnose.ATRView  `json:"answer_to_reset"` // the ATR in words
	ICCID        string            `json:"iccid"`
	CheckDigitOK bool              `json:"iccid_check_digit_ok"`
	IMSI         string            `json:"imsi"`
	MNCLength    int               `json:"mnc_length"` // 0: EF_AD does not tell
	Applications []applicationView `json:"applications"`
	PIN1         codeView          `json:"pin1"`
	ADM1         codeView          `json:"adm1"`
	Applet       *appletView       `json:"applet"`              // null: not on the card
	Inventory    *inventoryView    `json:"inventory,omitempty"` // with --files
	Total        phaseCost         `json:"total"`
}

type applicationView struct {
	AID   string `json:"aid"`
	Label string `json:"label"`
	USIM  bool   `json:"usim"`
}

type codeView struct {
	Enabled   *bool  `json:"enabled,omitempty"`
	TriesLeft *int   `json:"tries_left,omitempty"`
	State     string `json:"state"`
}

type appletView struct {
	Version string `json:"version"`
	State   string `json:"state"`
	ADF     string `json:"adf,omitempty"`

	Decision string            `json:"decision"`
	Bound    []string          `json:"bound"`
	LastIMEI string            `json:"last_imei,omitempty"`
	Models   map[string]string `json:"models,omitempty"` // brand and model by TAC
}

// inventoryView is what --files adds.
type inventoryView struct {
	Network  string                 `json:"network_name"` // empty: EF_SPN does not tell
	Services []diagnose.ServiceView `json:"services"`
	Files    []diagnose.FileView    `json:"files"`
}

func (r *cardReport) text(w io.Writer, _ printer) {
	applet := "not on this card"
	if r.Applet != nil {
		applet = "version " + r.Applet.Version + ", " + r.Applet.State
	}
	mnc := ""
	if r.MNCLength > 0 {
		mnc = fmt.Sprintf(" (MNC of %d digits)", r.MNCLength)
	}
	check := ""
	if !r.CheckDigitOK {
		check = " (its check digit is not the Luhn digit)"
	}
	rows := [][2]string{
		{"reader", r.Reader}, {"ATR", r.ATR}, {"protocols", strings.Join(r.Protocols, ", ")}, {"convention", r.Reset.Convention},
		{"speed", r.Reset.Speed}, {"historical bytes", r.Reset.Historical}, {"ICCID", r.ICCID + check},
		{"IMSI", r.IMSI + mnc}, {"PIN1", r.PIN1.State}, {"ADM1", r.ADM1.State}, {"binding applet", applet},
	}
	if x := r.Applet; x != nil {
		rows = append(rows, [2]string{"bound to", strings.Join(x.Bound, ", ")}, [2]string{"last terminal", x.LastIMEI})
		rows = append(rows, modelRows(x.Models)...)
	}
	if r.Inventory != nil {
		rows = append(rows, [2]string{"network name", r.Inventory.Network})
	}
	pairs(w, rows)
	for _, a := range r.Applications {
		fmt.Fprintf(w, "application %s %s\n", a.AID, a.Label)
	}
	if r.Inventory != nil {
		r.Inventory.text(w)
	}
}

func (v *inventoryView) text(w io.Writer) {
	for _, s := range v.Services {
		fmt.Fprintf(w, "service %d %s\n", s.Number, s.Name)
	}
	var rows [][]string
	for _, f := range v.Files {
		if f.Refused != "" {
			rows = append(rows, []string{f.Name, f.Path, f.Refused})
			continue
		}
		shape := f.Shape()
		if f.Link != "" {
			shape += ", is " + f.Link
		}
		rows = append(rows, []string{f.Name, f.Path, shape, f.State, f.Read, f.Update})
	}
	table(w, []string{"FILE", "PATH", "SHAPE", "STATE", "READ", "UPDATE"}, rows)
}

type cardFlags struct {
	tac   string
	files bool
}

func (a *app) cardCommand() *cobra.Command {
	var o cardFlags
	c := &cobra.Command{
		Use:   "card",
		Short: "Identify the card in the reader",
		Long:  "Read ATR, ICCID, IMSI, applications, the state of PIN1 and ADM1, and the binding applet. No key is used, no\ntry is spent, nothing is written. --files takes more commands: it selects every file this tool knows.",
		Example: `  simbind card
  simbind card --json --reveal
  simbind card --files`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.card(c.Context(), o) },
	}
	addTAC(c, &o.tac)
	c.Flags().BoolVar(&o.files, "files", false, "files with size, state and access rules, the service table, and the name of the network")
	return c
}

func (a *app) card(ctx context.Context, o cardFlags) error {
	show, err := a.showIdentities(o.tac)
	if err != nil {
		return err
	}
	aid, err := a.appletAID()
	if err != nil {
		return err
	}
	s, err := a.openCard(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	run := &personalize.Run{Card: s, AID: aid, Now: a.now, Note: func(t string) { a.say("note: %s", t) }}
	id, err := run.Identify(ctx, a.expected())
	if err != nil {
		return err
	}
	var inventory *inventoryView
	if o.files {
		found, err := filesOf(ctx, s, id.USIM)
		if err != nil {
			return err
		}
		inventory = &inventoryView{found.Network, found.Services, found.Files}
	}
	r := a.cardReport(&id, s, show)
	r.Inventory = inventory
	return a.show(r)
}

// filesOf looks at every file of a card. Behind an applet that was selected the MF is reached through the USIM, or by a reset alone.
func filesOf(ctx context.Context, s *session, usim []byte) (diagnose.Inventory, error) {
	if usim == nil {
		if err := s.Reset(ctx, false); err != nil {
			return diagnose.Inventory{}, err
		}
	}
	return diagnose.Files(ctx, s, usim)
}

func (a *app) cardReport(id *personalize.Identity, s *session, show diagnose.Show) *cardReport {
	r := &cardReport{
		head: schema("card"), Reader: id.Reader, ATR: strings.ToUpper(fmt.Sprintf("%x", id.ATR.Raw)), Protocols: []string{}, Reset: diagnose.ViewATR(id.ATR),
		ICCID: a.iccid(id.ICCID), CheckDigitOK: id.ICCID.CheckDigitOK(), IMSI: "not readable", MNCLength: usim.MNCLength(id.AD),
		Applications: []applicationView{}, PIN1: viewCode(id.PIN1), ADM1: viewCode(id.ADM1), Total: totalCost(s.counter),
	}
	for _, p := range id.ATR.Protocols {
		r.Protocols = append(r.Protocols, fmt.Sprintf("T=%d", p))
	}
	if id.IMSI != nil {
		r.IMSI = a.imsi(id.IMSI, id.AD)
	}
	for _, x := range id.Applications {
		r.Applications = append(r.Applications, applicationView{AID: fmt.Sprintf("%X", x.AID), Label: x.Label, USIM: usim.IsUSIM(x.AID)})
	}
	if id.USIM != nil {
		r.PIN1.Enabled = &id.PIN1Enabled
	}
	if x := id.Applet; x != nil {
		state := x.State.View(show.Reveal)
		r.Applet = &appletView{
			Version: x.Info.Version(), State: x.State.Status.String(), ADF: fmt.Sprintf("%X", x.Info.ADF),
			Decision: state.Decision, Bound: state.Bound, LastIMEI: state.LastIMEI, Models: show.Named(x.State),
		}
	}
	return r
}

// viewCode shows a code; without a USIM none was asked for.
func viewCode(s uicc.PINState) codeView {
	if s.Ref == 0 {
		return codeView{State: "not asked"}
	}
	v := codeView{State: s.String()}
	if s.TriesLeft >= 0 {
		v.TriesLeft = &s.TriesLeft
	}
	return v
}
