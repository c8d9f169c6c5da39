package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/uicc"
)

func (a *app) appletCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "applet",
		Short: "Put the binding applet on a card, and take it off",
		Long:  "Put the binding applet on a card as it comes from the maker, look at it, and take it off again without losing EF_IMSI.",
	}
	c.AddCommand(a.appletInstall(), a.appletRemove(), a.appletList())
	a.addDomain(c)
	return c
}

type appletListReport struct {
	head
	ICCID     string         `json:"iccid"`
	Applet    *listedApplet  `json:"applet,omitempty"` // what answers to the binding applet's AID
	Installed []registryView `json:"installed"`        // only with keys
	Total     phaseCost      `json:"total"`

	aid   string // the binding applet's
	keyed bool   // Installed was read
}

// listedApplet is what answers to the binding applet's AID.
type listedApplet struct {
	AID   string `json:"aid"`
	State string `json:"state"`
	binding.InformationView
}

func (r *appletListReport) text(w io.Writer, _ printer) {
	rows := [][2]string{{"card", r.ICCID}}
	if v := r.Applet; v != nil {
		rows = append(rows, [2]string{"binding applet", fmt.Sprintf("%s version %s, interface %d", v.AID, v.Version, v.Interface)}, [2]string{"state", v.State}, [2]string{"works on ADF", v.ADF})
	} else {
		rows = append(rows, [2]string{"binding applet", r.mute()})
	}
	pairs(w, rows)
	var list [][]string
	for _, e := range r.Installed {
		list = append(list, []string{e.Kind, e.AID, e.State, e.LoadFile + strings.Join(e.Modules, ", ")})
	}
	if len(list) > 0 {
		table(w, []string{"KIND", "AID", "STATE", "LOAD FILE, MODULES"}, list)
	}
}

// mute says what is known of an applet that does not answer: without keys a locked one is as good as none.
func (r *appletListReport) mute() string {
	if !r.keyed {
		return "not on the card, or locked"
	}
	for _, e := range r.Installed {
		if e.AID == r.aid && e.Kind == "application" {
			return fmt.Sprintf("%s %s, does not answer", e.AID, e.State)
		}
	}
	return "not on the card"
}

func (a *app) appletList() *cobra.Command {
	var o secretFlags
	c := &cobra.Command{
		Use:     "list",
		Short:   "The binding applet of a card, and with keys what else is installed",
		Long:    "Select the binding applet and tell its version and state, without keys. With keys, list the applications and load\nfiles of the card too. Nothing is written.",
		Example: "  simbind applet list\n  simbind applet list --keys keys.csv",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.listApplets(c.Context(), &o) },
	}
	o.addKeys(c)
	return c
}

func (a *app) listApplets(ctx context.Context, o *secretFlags) error {
	expected := a.expected()
	s, run, err := a.startRun(ctx, o, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	iccid, err := content.Unlocked(ctx, run, expected)
	if err != nil {
		return err
	}
	r := &appletListReport{head: schema("applet-list"), ICCID: a.iccid(iccid), Installed: []registryView{}, aid: fmt.Sprintf("%X", run.AID), keyed: o.given()}
	applet, err := personalize.SelectApplet(ctx, run.Card, run.AID)
	switch {
	case err == nil:
		r.Applet = viewListed(applet)
	case !errors.Is(err, personalize.ErrNoApplet):
		return err
	}
	if o.given() {
		if err := a.addInstalled(ctx, run, iccid, r); err != nil {
			return err
		}
	}
	r.Total = totalCost(s.counter)
	return a.show(r)
}

func viewListed(x *personalize.Applet) *listedApplet {
	return &listedApplet{AID: fmt.Sprintf("%X", x.AID), State: x.State.Status.String(), InformationView: x.Info.View()}
}

func (a *app) addInstalled(ctx context.Context, run *personalize.Run, iccid uicc.ICCID, r *appletListReport) error {
	d, err := content.Open(ctx, run, iccid)
	if err != nil {
		return err
	}
	defer d.Close()
	list, err := d.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range list.Applications {
		r.Installed = append(r.Installed, viewEntry(gp.Applications, "application", e))
	}
	for _, e := range list.LoadFiles {
		r.Installed = append(r.Installed, viewEntry(gp.LoadFiles, "load-file", e))
	}
	return nil
}
