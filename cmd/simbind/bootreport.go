package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc/cat"
)

type bootReport struct {
	head
	ICCID      string            `json:"iccid"`
	IMEI       string            `json:"imei"`
	Terminal   string            `json:"terminal"`
	Rounds     []roundView       `json:"proactive_commands"`
	Resets     int               `json:"resets"`
	Refreshes  int               `json:"refreshes"`
	Polls      int               `json:"polls"`
	IMSIBefore string            `json:"ef_imsi_before"`
	IMSIAfter  string            `json:"ef_imsi_after"`
	Decision   string            `json:"decision"`
	Allowed    bool              `json:"allowed"`
	State      binding.StateView `json:"state"`
	Transcript []traceExchange   `json:"transcript,omitempty"`
	words      string
}

type roundView struct {
	Command string `json:"command"`
	Answer  string `json:"answer"`
}

func (r *bootReport) text(w io.Writer, p printer) {
	if len(r.Transcript) > 0 {
		traceReport{Exchanges: r.Transcript}.text(w, p)
	}
	fmt.Fprintf(w, "card %s in terminal %s (%s)\n", r.ICCID, r.IMEI, r.Terminal)
	fmt.Fprintf(w, "  EF_IMSI at start   %s\n", r.IMSIBefore)
	for _, x := range r.Rounds {
		fmt.Fprintf(w, "  card asks          %s: %s\n", x.Command, x.Answer)
	}
	fmt.Fprintf(w, "  EF_IMSI at the end %s\n", r.IMSIAfter)
	fmt.Fprintf(w, "  decision           %s\n", r.words)
}

func (a *app) bootReport(cfg cat.Config, before *personalize.Status, r cat.Report, after *personalize.Status) *bootReport {
	out := &bootReport{
		head: schema("boot"), ICCID: a.iccid(before.ICCID), IMEI: a.imei(cfg.IMEI), Rounds: []roundView{},
		Resets: r.Resets, Refreshes: r.Refreshes, Polls: r.Polls, IMSIBefore: a.shownIMSI(r.IMSIBefore), IMSIAfter: a.shownIMSI(r.IMSIAfter),
		Decision: "no_applet", words: "no binding applet on this card",
	}
	for _, x := range r.Rounds {
		answer := fmt.Sprintf("result %02X, %s", byte(x.Answer.Result), x.Answer.Result)
		if x.Reset {
			answer = "reset"
		}
		out.Rounds = append(out.Rounds, roundView{Command: roundWords(x.Command), Answer: answer})
	}
	if after.Applet != nil {
		d := after.Applet.State.Decision
		out.Decision, out.words, out.Allowed = d.Code(), d.String(), d.Allows()
		out.State = after.Applet.State.View(a.global.reveal)
	}
	return out
}

// roundWords is type and qualifier, and what it asks for: "REFRESH 04 (UICC reset)".
func roundWords(p cat.ProactiveCommand) string {
	if what, ok := strings.CutPrefix(p.Words(), p.Type.String()+" ("); ok {
		return p.String() + " (" + what
	}
	return p.String()
}

func (a *app) imei(digits string) string {
	switch {
	case digits == "":
		return "without IMEI"
	case a.global.reveal:
		return digits
	}
	return digits[:8] + "******"
}

// shownIMSI is what a terminal sees in EF_IMSI.
func (a *app) shownIMSI(raw []byte) string {
	if raw == nil {
		return "not readable"
	}
	return a.imsi(raw, nil)
}
