package main

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
)

func (a *app) gpCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "gp",
		Short: "Look at a card's GlobalPlatform side",
		Long:  "Look at the issuer security domain of a card, and at what is installed on it.",
	}
	c.AddCommand(a.gpInfo(), a.gpList())
	return c
}

type gpInfoReport struct {
	head
	ICCID      string            `json:"iccid"`
	Domain     string            `json:"security_domain"`
	Locked     bool              `json:"locked"`
	MaxCommand int               `json:"max_command_data"` // 0: not told
	Keys       []keyView         `json:"keys"`
	CPLC       map[string]string `json:"cplc,omitempty"`
	Free       *freeView         `json:"free,omitempty"`
	Total      phaseCost         `json:"total"`
}

type keyView struct {
	KVN   string   `json:"kvn"`
	ID    string   `json:"id"`
	Parts []string `json:"parts"`
}

type freeView struct {
	Applications int `json:"applications"`
	NonVolatile  int `json:"non_volatile"`
	Volatile     int `json:"volatile"`
}

func (r *gpInfoReport) text(w io.Writer, _ printer) {
	state := ""
	if r.Locked {
		state = " (card locked)"
	}
	rows := [][2]string{{"card", r.ICCID}, {"security domain", r.Domain + state}, {"command data", fmt.Sprintf("at most %d bytes", r.MaxCommand)}}
	if r.Free != nil {
		rows = append(rows, [2]string{"free memory", fmt.Sprintf("%d bytes, %d volatile, %d applications", r.Free.NonVolatile, r.Free.Volatile, r.Free.Applications)})
	}
	pairs(w, rows)
	var keys [][]string
	for _, k := range r.Keys {
		keys = append(keys, []string{k.KVN, k.ID, strings.Join(k.Parts, ", ")})
	}
	if len(keys) > 0 {
		table(w, []string{"KVN", "KEY", "KIND"}, keys)
	}
	var names []string
	for name := range r.CPLC {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(w, "%-22s %s\n", name, r.CPLC[name])
	}
}

func (a *app) gpInfo() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "What the issuer security domain tells without keys",
		Long:  "Select the issuer security domain and read its key versions, production data and free memory. No key is used.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, run, err := a.startRun(c.Context(), &secretFlags{}, nil)
			if err != nil {
				return err
			}
			defer s.Close()
			f, err := run.Domain(c.Context(), personalize.Expected{ICCID: a.global.expectICCID})
			if err != nil {
				return err
			}
			return a.show(a.gpInfoReport(&f, s))
		},
	}
}

var keyKinds = map[byte]string{0x80: "DES", 0x88: "AES", 0xA0: "RSA exponent", 0xA1: "RSA modulus", 0xB0: "ECC public", 0xB1: "ECC private"}

func (a *app) gpInfoReport(f *personalize.DomainFacts, s *session) *gpInfoReport {
	r := &gpInfoReport{
		head: schema("gp-info"), ICCID: a.iccid(f.ICCID), Domain: fmt.Sprintf("%X", f.FCI.AID), Locked: f.Locked,
		MaxCommand: f.FCI.MaxCommand, Keys: []keyView{}, Total: totalCost(s.counter),
	}
	for _, k := range f.Keys {
		v := keyView{KVN: fmt.Sprintf("%02X", k.KVN), ID: fmt.Sprintf("%02X", k.ID), Parts: []string{}}
		for _, c := range k.Components {
			kind, ok := keyKinds[c.Type]
			if !ok {
				kind = fmt.Sprintf("type %02X", c.Type)
			}
			v.Parts = append(v.Parts, fmt.Sprintf("%s %d bits", kind, 8*c.Length))
		}
		r.Keys = append(r.Keys, v)
	}
	if f.CPLC != nil {
		r.CPLC = map[string]string{}
		for name, v := range f.CPLC {
			r.CPLC[name] = fmt.Sprintf("%X", v)
		}
	}
	if f.Resources != nil {
		r.Free = &freeView{f.Resources.Applications, f.Resources.FreeNonVolatile, f.Resources.FreeVolatile}
	}
	return r
}

type gpListReport struct {
	head
	ICCID   string         `json:"iccid"`
	Entries []registryView `json:"entries"`
	Total   phaseCost      `json:"total"`
}

type registryView struct {
	Kind       string   `json:"kind"` // domain, application, load-file
	AID        string   `json:"aid"`
	State      string   `json:"state"`
	Privileges []string `json:"privileges"`
	LoadFile   string   `json:"load_file,omitempty"`
	Modules    []string `json:"modules,omitempty"`
	Version    string   `json:"version,omitempty"`
}

func (r *gpListReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "card %s\n", r.ICCID)
	var rows [][]string
	for _, e := range r.Entries {
		more := strings.Join(append(append([]string{}, e.Privileges...), e.Modules...), ", ")
		rows = append(rows, []string{e.Kind, e.AID, e.State, more})
	}
	table(w, []string{"KIND", "AID", "STATE", "PRIVILEGES, MODULES"}, rows)
}

func (a *app) gpList() *cobra.Command {
	var o secretFlags
	c := &cobra.Command{
		Use:     "list",
		Short:   "What is installed on the card",
		Long:    "Open a secure channel to the issuer security domain and list domains, applications and load files with their\nmodules. Nothing is written.",
		Example: "  simbind gp list --keys keys.csv",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.listContent(c.Context(), &o) },
	}
	o.addKeys(c)
	return c
}

func (a *app) listContent(ctx context.Context, o *secretFlags) error {
	s, run, err := a.startRun(ctx, o, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	list, err := run.List(ctx, personalize.Expected{ICCID: a.global.expectICCID})
	if err != nil {
		return err
	}
	r := &gpListReport{head: schema("gp-list"), ICCID: a.iccid(list.ICCID), Entries: []registryView{}, Total: totalCost(s.counter)}
	for _, x := range []struct {
		kind    gp.Kind
		name    string
		entries []gp.RegistryEntry
	}{{gp.Domains, "domain", list.Domains}, {gp.Applications, "application", list.Applications}, {gp.LoadFiles, "load-file", list.LoadFiles}} {
		for _, e := range x.entries {
			r.Entries = append(r.Entries, viewEntry(x.kind, x.name, e))
		}
	}
	return a.show(r)
}

func viewEntry(kind gp.Kind, name string, e gp.RegistryEntry) registryView {
	v := registryView{
		Kind: name, AID: fmt.Sprintf("%X", e.AID), State: gp.StateName(kind, e.State), Privileges: gp.PrivilegeNames(e.Privileges),
		LoadFile: fmt.Sprintf("%X", e.LoadFile), Version: fmt.Sprintf("%X", e.Version),
	}
	for _, m := range e.Modules {
		v.Modules = append(v.Modules, fmt.Sprintf("%X", m))
	}
	return v
}
