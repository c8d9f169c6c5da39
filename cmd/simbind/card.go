package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

type cardReport struct {
	head
	Reader       string            `json:"reader"`
	ATR          string            `json:"atr"`
	Protocols    []string          `json:"protocols"`
	ICCID        string            `json:"iccid"`
	CheckDigitOK bool              `json:"iccid_check_digit_ok"`
	IMSI         string            `json:"imsi"`
	MNCLength    int               `json:"mnc_length"` // 0: EF_AD does not tell
	Applications []applicationView `json:"applications"`
	PIN1         codeView          `json:"pin1"`
	ADM1         codeView          `json:"adm1"`
	Applet       *appletView       `json:"applet"` // null: not on the card
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
	pairs(w, [][2]string{
		{"reader", r.Reader}, {"ATR", r.ATR}, {"protocols", strings.Join(r.Protocols, ", ")}, {"ICCID", r.ICCID + check},
		{"IMSI", r.IMSI + mnc}, {"PIN1", r.PIN1.State}, {"ADM1", r.ADM1.State}, {"binding applet", applet},
	})
	for _, a := range r.Applications {
		fmt.Fprintf(w, "application %s %s\n", a.AID, a.Label)
	}
}

func (a *app) cardCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "card",
		Short: "Identify the card in the reader",
		Long:  "Read ATR, ICCID, IMSI, applications, the state of PIN1 and ADM1, and the binding applet. No key is used, no\ntry is spent, nothing is written.",
		Example: `  simbind card
  simbind card --json --reveal`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.card(c.Context()) },
	}
}

func (a *app) card(ctx context.Context) error {
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
	return a.show(a.cardReport(&id, s))
}

func (a *app) cardReport(id *personalize.Identity, s *session) *cardReport {
	r := &cardReport{
		head: schema("card"), Reader: id.Reader, ATR: strings.ToUpper(fmt.Sprintf("%x", id.ATR.Raw)), Protocols: []string{},
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
		r.Applet = &appletView{Version: x.Info.Version(), State: x.State.Status.String(), ADF: fmt.Sprintf("%X", x.Info.ADF)}
	}
	return r
}

func viewCode(s uicc.PINState) codeView {
	v := codeView{State: s.String()}
	if s.TriesLeft >= 0 {
		v.TriesLeft = &s.TriesLeft
	}
	return v
}
