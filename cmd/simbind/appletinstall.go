package main

import (
	"context"
	"crypto"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/uicc"
)

// installFlags are those of applet install.
type installFlags struct {
	contentFlags
	wantedFlags
	module              string
	access              string
	priority            uint8
	volatile, permanent int
	simToolkit          bool
	descriptor          bool
	hash                string
	parameters          string
}

func (a *app) appletInstall() *cobra.Command {
	var o installFlags
	c := &cobra.Command{
		Use:   "install CAP",
		Short: "Load and install the binding applet, and configure it if a binding is named",
		Long: `Read the card, derive the parameters from it (the full AID of ADF.USIM from EF_DIR, the access
domains with the least rights from EF_ARR), load the CAP file, install the applet, and prove it by
selecting it after a reset. With a scheme flag the card is then personalized, as 'personalize' does.

A card that has part of it already is given the rest; a run that was broken off is run again.
--dry-run shows every command first.`,
		Example: `  simbind applet install binding.cap --keys keys.csv --dry-run
  simbind applet install binding.cap --keys keys.csv
  simbind applet install binding.cap --keys keys.csv --first-insert`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.install(c, &o, args[0]) },
	}
	o.contentFlags.add(c)
	o.addPIN(c)
	o.wantedFlags.add(c)
	f := c.Flags()
	f.StringVar(&o.module, "module", "", "module AID, when the CAP file has several applets")
	f.StringVar(&o.access, "access", "", "full: full access to every tree, instead of the rights the card's files ask for")
	f.Uint8Var(&o.priority, "priority", 1, "priority of the toolkit registration, 1 is the highest")
	f.IntVar(&o.volatile, "volatile", 0, "bytes of volatile memory the instance may take (0: not limited)")
	f.IntVar(&o.permanent, "non-volatile", 0, "bytes of non-volatile memory the instance may take (0: not limited)")
	f.BoolVar(&o.simToolkit, "sim-toolkit", false, "toolkit parameters of old cards (CA) instead of those of a UICC (EA)")
	f.BoolVar(&o.descriptor, "descriptor", false, "load the Descriptor component too")
	f.StringVar(&o.hash, "hash", "", "send the hash of the load file: sha1, sha256, sha384 or sha512")
	f.StringVar(&o.parameters, "parameters", "", "the whole parameter field in hex, C9 included, instead of the derived one")
	return c
}

func (a *app) install(c *cobra.Command, o *installFlags, path string) error {
	if err := o.check(c); err != nil {
		return err
	}
	bind, err := a.bindingWish(c, o)
	if err != nil {
		return err
	}
	wish, err := a.installWish(o, path)
	if err != nil {
		return err
	}
	ctx := c.Context()
	s, run, err := a.startContent(ctx, &o.contentFlags)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	plan, domain, err := content.PlanInstall(ctx, run, wish)
	if err != nil {
		return err
	}
	defer domain.Close()
	if _, err := bind(plan.ICCID); err != nil { // a job without a row for this card
		return err
	}
	r := a.installReport(plan)
	if !o.dryRun {
		if err := a.carryOut(ctx, run, plan, domain, r); err != nil {
			return err
		}
	}
	if o.wantedFlags.named() && (!o.dryRun || plan.AsWanted()) { // an applet that is still to be installed tells nothing to plan by
		if err := a.bindInstalled(ctx, run, plan.Instance.AID, bind, r, o.dryRun); err != nil {
			return err
		}
	}
	r.Phases, r.Total = phaseCosts(s.counter), totalCost(s.counter)
	if err := a.show(r); err != nil {
		return err
	}
	return differs(&o.contentFlags, r.Outcome)
}

// bindingWish reads what the card is to be bound to afterwards, if anything, before a card is touched.
func (a *app) bindingWish(c *cobra.Command, o *installFlags) (func(uicc.ICCID) (personalize.Wish, error), error) {
	if !o.wantedFlags.named() {
		return func(uicc.ICCID) (personalize.Wish, error) { return personalize.Wish{}, nil }, nil
	}
	if err := o.wantedFlags.check(c); err != nil {
		return nil, err
	}
	wish, err := o.wish(a, o.identity)
	o.secretFlags.job = o.loaded
	return wish, err
}

// check refuses what would be left out without a word: --parameters is the whole field.
func (o *installFlags) check(c *cobra.Command) error {
	for _, name := range []string{"access", "priority", "volatile", "non-volatile", "sim-toolkit"} {
		if c.Flags().Changed("parameters") && c.Flags().Changed(name) {
			return usagef("--%s and --parameters exclude each other: the parameter field holds it already", name)
		}
	}
	switch {
	case o.priority == 0:
		return usagef("--priority is 1 to 255")
	case o.access != "" && o.access != "full":
		return usagef("--access %s: it is full, or not given", o.access)
	case o.volatile < 0 || o.permanent < 0:
		return usagef("--volatile and --non-volatile are bytes, 0 or more")
	}
	return nil
}

func (a *app) carryOut(ctx context.Context, run *personalize.Run, plan *content.Install, domain *content.Domain, r *installReport) error {
	applet, err := plan.Apply(ctx, domain)
	if err != nil {
		return err
	}
	if r.Outcome == outcomePlanned {
		r.Outcome = outcomeDone
	}
	r.Applet = applet.Info.Version()
	return nil
}

func (a *app) installWish(o *installFlags, path string) (content.InstallWish, error) {
	w := content.InstallWish{Expected: a.expected(), Descriptor: o.descriptor, Priority: o.priority, SIM: o.simToolkit}
	var err error
	if w.CAP, err = readCAP(path); err != nil {
		return w, err
	}
	if w.Module, err = optionalAID(o.module); err != nil {
		return w, err
	}
	if w.Instance, err = optionalAID(a.global.aid); err != nil {
		return w, err
	}
	if o.volatile > 0 || o.permanent > 0 {
		w.Quota = &gp.Quota{Volatile: o.volatile, NonVolatile: o.permanent}
	}
	w.FullAccess = o.access == "full"
	if w.Hash, err = loadFileHash(w.CAP, o.hash, o.descriptor); err != nil {
		return w, err
	}
	if o.parameters != "" {
		w.Parameters, err = hexFlag("--parameters", o.parameters)
	}
	return w, err
}

// hexFlag reads bytes in hex.
func hexFlag(name, text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, usagef("%s: hex digits, an even number of them", name)
	}
	return b, nil
}

var hashes = map[string]crypto.Hash{"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}

func loadFileHash(file *capfile.File, name string, descriptor bool) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	function, ok := hashes[name]
	if !ok {
		return nil, usagef("--hash %s: it is one of sha1, sha256, sha384, sha512", name)
	}
	h, err := file.Hash(descriptor, function)
	return h.Sum, err
}

// bindInstalled goes on with the personalization of the card that now has the applet; a dry run plans it.
func (a *app) bindInstalled(ctx context.Context, run *personalize.Run, instance []byte, wish func(uicc.ICCID) (personalize.Wish, error), r *installReport, dryRun bool) error {
	if err := run.Card.Reset(ctx, false); err != nil {
		return err
	}
	run.Level, run.AID = 0, instance
	plan, err := run.Plan(ctx, wish)
	if err != nil {
		return err
	}
	b := a.planReport(plan)
	if dryRun {
		r.Outcome = b.Outcome
	} else {
		result, err := run.Apply(ctx, plan)
		if err != nil {
			return err
		}
		b.finish(result)
	}
	r.Binding = &bindingView{Outcome: b.Outcome, Wanted: b.Wanted, State: b.State, Generation: b.Generation, Backup: b.Backup}
	return nil
}

type installReport struct {
	head
	Outcome  string       `json:"outcome"`
	ICCID    string       `json:"iccid"`
	CAP      capView      `json:"cap"`
	Instance string       `json:"instance"`
	ADF      string       `json:"adf,omitempty"`
	Files    []fileView   `json:"files"` // what the card's files ask for
	Access   string       `json:"parameters"`
	Free     int          `json:"free_memory,omitempty"`
	Steps    []stepView   `json:"steps"`
	Applet   string       `json:"applet,omitempty"` // version, as it says itself
	Binding  *bindingView `json:"binding,omitempty"`
	Phases   []phaseCost  `json:"phases"`
	Total    phaseCost    `json:"total"`
}

type fileView struct {
	Name   string `json:"name"`
	Read   string `json:"read"`
	Update string `json:"update"`
}

// bindingView is the personalization that followed.
type bindingView struct {
	Outcome    string            `json:"outcome"`
	Wanted     configurationView `json:"wanted"`
	State      string            `json:"state"`
	Generation uint16            `json:"generation"`
	Backup     string            `json:"backup"`
}

// capView is a CAP file.
type capView struct {
	Package    string   `json:"package"`
	Name       string   `json:"name,omitempty"`
	Version    string   `json:"version"`
	Applets    []string `json:"applets"`
	Imports    []string `json:"imports"`
	LoadFile   int      `json:"load_file_bytes"`
	Descriptor bool     `json:"descriptor"`
	SHA256     string   `json:"sha256"` // of the load file
	Format     string   `json:"format"` // of the file
}

func viewCAP(f *capfile.File, descriptor bool) capView {
	v := capView{
		Package: fmt.Sprintf("%X", f.Package.AID), Name: f.Package.Name, Version: f.Package.Version.String(), Applets: []string{}, Imports: []string{},
		LoadFile: len(f.LoadFile(descriptor)), Descriptor: descriptor, Format: f.Format.String(),
	}
	for _, x := range f.Applets {
		v.Applets = append(v.Applets, fmt.Sprintf("%X", x.AID))
	}
	for _, p := range f.Imports {
		v.Imports = append(v.Imports, p.String())
	}
	if h, err := f.Hash(descriptor, crypto.SHA256); err == nil {
		v.SHA256 = fmt.Sprintf("%X", h.Sum)
	}
	return v
}

func (v capView) rows() [][2]string {
	descriptor := "Descriptor left out"
	if v.Descriptor {
		descriptor = "Descriptor included"
	}
	return [][2]string{
		{"package", strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Package, v.Name, v.Version))}, {"imports", strings.Join(v.Imports, ", ")},
		{"load file", fmt.Sprintf("%d bytes, %s, SHA-256 %s", v.LoadFile, descriptor, v.SHA256)},
	}
}

func (a *app) installReport(p *content.Install) *installReport {
	r := &installReport{
		head: schema("applet-install"), Outcome: outcomePlanned, ICCID: a.iccid(p.ICCID), CAP: viewCAP(p.Wish.CAP, p.Wish.Descriptor),
		Instance: fmt.Sprintf("%X", p.Instance.AID), ADF: fmt.Sprintf("%X", p.Access.USIM), Files: []fileView{},
		Access: p.Parameters.String(), Steps: viewSteps(p.Steps), Phases: []phaseCost{},
	}
	if len(p.Wish.Parameters) > 0 {
		r.Access = fmt.Sprintf("as given: %X", p.Wish.Parameters)
	}
	if p.AsWanted() {
		r.Outcome = outcomeAsWanted
	}
	if p.Resources != nil {
		r.Free = p.Resources.FreeNonVolatile
	}
	for _, f := range p.Access.Files {
		r.Files = append(r.Files, fileView(f))
	}
	return r
}

func (r *installReport) text(w io.Writer, _ printer) {
	rows := append([][2]string{{"card", r.ICCID}}, r.CAP.rows()...)
	rows = append(rows, [2]string{"instance", r.Instance}, [2]string{"parameters", r.Access})
	if r.Free > 0 {
		rows = append(rows, [2]string{"free memory", fmt.Sprintf("%d bytes", r.Free)})
	}
	rows = append(rows, [2]string{"applet", r.Applet}, [2]string{"outcome", r.Outcome})
	if b := r.Binding; b != nil {
		rows = append(rows, [2]string{"binding", b.Wanted.words()}, [2]string{"", b.Outcome}, [2]string{"state", b.State}, [2]string{"backup", b.Backup})
	}
	pairs(w, rows)
	if r.Outcome == outcomePlanned {
		printSteps(w, r.Steps)
	}
	printCost(w, r.Total)
}
