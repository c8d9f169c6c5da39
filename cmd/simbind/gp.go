package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
)

func (a *app) gpCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "gp",
		Short: "A card's GlobalPlatform side: look, load, install, keys",
		Long: `The issuer security domain of a card: what it tells, what is installed, and every change of it. The binding
applet has verbs of its own, see 'simbind applet --help'.`,
	}
	c.AddCommand(
		a.gpInfo(), a.gpList(), a.gpLoad(), a.gpInstall(), a.gpDelete(), a.gpLock(), a.gpUnlock(), a.gpCardState(),
		a.gpKeys(), a.gpStoreData(), a.gpSend(),
	)
	a.addDomain(c)
	return c
}

type gpInfoReport struct {
	head
	ICCID      string            `json:"iccid"`
	Domain     string            `json:"security_domain"`
	Locked     bool              `json:"locked"`
	MaxCommand int               `json:"max_command_data"` // 0: not told
	Version    string            `json:"globalplatform,omitempty"`
	Protocols  []string          `json:"protocols"`
	Hashes     []string          `json:"hashes"`
	Sequence   string            `json:"sequence_counter,omitempty"`
	IIN        string            `json:"iin,omitempty"`
	CIN        string            `json:"cin,omitempty"`
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
	command := "length not told"
	if r.MaxCommand > 0 {
		command = fmt.Sprintf("at most %d bytes", r.MaxCommand)
	}
	rows := [][2]string{
		{"card", r.ICCID}, {"security domain", r.Domain + state}, {"command data", command}, {"GlobalPlatform", r.Version},
		{"protocols", strings.Join(r.Protocols, ", ")}, {"load file hashes", strings.Join(r.Hashes, ", ")}, {"sequence counter", r.Sequence}, {"IIN", r.IIN}, {"CIN", r.CIN},
	}
	if r.Free != nil {
		rows = append(rows, [2]string{"free memory", fmt.Sprintf("%d bytes, %d volatile, %d applications", r.Free.NonVolatile, r.Free.Volatile, r.Free.Applications)})
	}
	pairs(w, rows)
	printKeys(w, r.Keys)
	for _, name := range slices.Sorted(maps.Keys(r.CPLC)) {
		fmt.Fprintf(w, "%-22s %s\n", name, r.CPLC[name])
	}
}

func printKeys(w io.Writer, keys []keyView) {
	var rows [][]string
	for _, k := range keys {
		rows = append(rows, []string{k.KVN, k.ID, strings.Join(k.Parts, ", ")})
	}
	if len(rows) > 0 {
		table(w, []string{"KVN", "KEY", "KIND"}, rows)
	}
}

func (a *app) gpInfo() *cobra.Command {
	return &cobra.Command{
		Use:     "info",
		Short:   "What the issuer security domain tells without keys",
		Long:    "Select the issuer security domain and read its key versions, protocols, production data and free memory. No key is\nused.",
		Example: "  simbind gp info\n  simbind gp info --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.lookAtDomain(c.Context(), content.Look, func(f *content.Facts, s *session) report { return a.gpInfoReport(f, s) })
		},
	}
}

// lookAtDomain is a verb that reads the security domain without keys.
func (a *app) lookAtDomain(ctx context.Context, look func(context.Context, *personalize.Run, personalize.Expected) (content.Facts, error), view func(*content.Facts, *session) report) error {
	expected := a.expected()
	s, run, err := a.startRun(ctx, &secretFlags{}, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	f, err := look(ctx, run, expected)
	if err != nil {
		return err
	}
	return a.show(view(&f, s))
}

var keyKinds = map[byte]string{0x80: "DES", 0x88: "AES", 0xA0: "RSA exponent", 0xA1: "RSA modulus", 0xB0: "ECC public", 0xB1: "ECC private"}

var hashNames = map[byte]string{0x01: "SHA-1", 0x02: "SHA-256", 0x03: "SHA-384", 0x04: "SHA-512"}

func (a *app) gpInfoReport(f *content.Facts, s *session) *gpInfoReport {
	r := &gpInfoReport{
		head: schema("gp-info"), ICCID: a.iccid(f.ICCID), Domain: fmt.Sprintf("%X", f.FCI.AID), Locked: f.Locked, MaxCommand: f.FCI.MaxCommand,
		Protocols: viewProtocols(f), Hashes: []string{}, Sequence: fmt.Sprintf("%X", f.Sequence), IIN: fmt.Sprintf("%X", f.IIN), CIN: fmt.Sprintf("%X", f.CIN),
		Keys: viewKeys(f.Keys), Total: totalCost(s.counter),
	}
	if whole := f.ICCID.Encode(); !a.global.reveal && f.ICCID != "" && (strings.Contains(r.CIN, f.ICCID.String()) || bytes.Contains(f.CIN, whole[:])) {
		r.CIN = "" // the ICCID once more, as digits or as EF_ICCID has it
	}
	if f.CardData != nil {
		r.Version = f.CardData.Version
	}
	if f.Capabilities != nil {
		for _, h := range f.Capabilities.Hashes {
			r.Hashes = append(r.Hashes, hashNames[h])
		}
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

// viewProtocols takes the capabilities, which say more, or else the card data.
func viewProtocols(f *content.Facts) []string {
	out := []string{}
	if c := f.Capabilities; c != nil && len(c.Protocols) > 0 {
		for _, p := range c.Protocols {
			text := p.Protocol.String()
			for _, i := range p.I {
				text += fmt.Sprintf(" i=%02X", i)
			}
			for _, bits := range p.KeyBits {
				text += fmt.Sprintf(" AES-%d", bits)
			}
			out = append(out, text)
		}
		return out
	}
	if f.CardData != nil {
		for _, p := range f.CardData.Protocols {
			out = append(out, fmt.Sprintf("%s i=%02X", p.Protocol, p.I))
		}
	}
	return out
}

func viewKeys(keys []gp.KeyEntry) []keyView {
	out := []keyView{}
	for _, k := range keys {
		v := keyView{KVN: fmt.Sprintf("%02X", k.KVN), ID: fmt.Sprintf("%02X", k.ID), Parts: []string{}}
		for _, c := range k.Components {
			kind, ok := keyKinds[c.Type]
			if !ok {
				kind = fmt.Sprintf("type %02X", c.Type)
			}
			v.Parts = append(v.Parts, fmt.Sprintf("%s %d bits", kind, 8*c.Length))
		}
		out = append(out, v)
	}
	return out
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
	var o contentFlags
	c := &cobra.Command{
		Use:     "list",
		Short:   "What is installed on the card",
		Long:    "Open a secure channel to the issuer security domain and list domains, applications and load files with their\nmodules. Nothing is written.",
		Example: "  simbind gp list --keys keys.csv",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.listContent(c.Context(), &o) },
	}
	o.addKeys(c)
	o.addLevel(c, "01")
	return c
}

func (a *app) listContent(ctx context.Context, o *contentFlags) error {
	expected := a.expected()
	s, run, err := a.startContent(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	list, err := content.List(ctx, run, expected)
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
