package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
)

type statusReport struct {
	head
	Reader        string             `json:"reader"`
	ICCID         string             `json:"iccid"`
	Full          bool               `json:"full"` // read with keys
	Applet        string             `json:"applet_version"`
	State         binding.StateView  `json:"state"`
	Configuration *configurationView `json:"configuration,omitempty"`
	Log           []binding.LogView  `json:"log,omitempty"`
	Models        map[string]string  `json:"models,omitempty"` // brand and model by TAC, with --tac
	Total         phaseCost          `json:"total"`
}

func (r *statusReport) text(w io.Writer, _ printer) {
	rows := [][2]string{{"card", r.ICCID}, {"reader", r.Reader}, {"applet", "version " + r.Applet}}
	rows = append(rows, r.State.Rows()...)
	rows = append(rows, modelRows(r.Models)...)
	if r.Configuration != nil {
		rows = append(rows, [2]string{"configuration", r.Configuration.words()})
	}
	pairs(w, rows)
	for i, l := range r.Log {
		if i == 0 {
			fmt.Fprintln(w, "log, newest first")
		}
		fmt.Fprintf(w, "  start %d: %s, terminal %s\n", l.Start, l.Decision, l.IMEI)
	}
	if !r.Full {
		fmt.Fprintln(w, "open view: --keys FILE shows configuration, log and backups too")
	}
}

func (a *app) statusCommand() *cobra.Command {
	var o secretFlags
	var tac string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show the binding state of a card",
		Long: `Show what the binding applet says: scheme, last decision, counters, whether EF_IMSI stands as the
subscriber's. Without keys the open view; with keys everything. Nothing is written, and no
terminal is played: an armed card stays armed.`,
		Example: `  simbind status
  simbind status --keys keys.csv --json
  simbind status --tac models.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.status(c.Context(), &o, tac) },
	}
	o.addKeys(c)
	addTAC(c, &tac)
	return c
}

func (a *app) status(ctx context.Context, o *secretFlags, tac string) error {
	show, err := a.showIdentities(tac)
	if err != nil {
		return err
	}
	s, run, err := a.startRun(ctx, o, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	st, err := run.Status(ctx, a.expected(), o.given())
	if err != nil {
		return err
	}
	if played := run.NotPlayed(st.ICCID); as[*personalize.PlayedError](played) {
		a.say("note: %v; 'simbind terminal put-back' puts it back as it was before", played)
	} else if played != nil { // a journal that cannot be read hides no card
		a.say("note: %v", played)
	}
	r := a.statusReport(&st, s.counter)
	r.Models = show.Named(st.Applet.State)
	return a.show(r)
}

// statusReport shows what was read.
func (a *app) statusReport(st *personalize.Status, c *trace.Counter) *statusReport {
	r := &statusReport{
		head: schema("status"), Reader: st.Reader, ICCID: a.iccid(st.ICCID), Full: st.Applet.Full,
		Applet: st.Applet.Info.Version(), State: st.Applet.State.View(a.global.reveal),
	}
	if have := st.Applet.Configuration; have != nil {
		v := viewConfiguration(*have)
		r.Configuration = &v
	}
	for _, e := range st.Log {
		r.Log = append(r.Log, e.View(a.global.reveal))
	}
	r.Total = totalCost(c)
	return r
}
