package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
)

// InstallWish is the binding applet as it shall be on a card.
type InstallWish struct {
	Expected personalize.Expected
	CAP      *capfile.File
	Module   []byte // nil: the one applet of the file
	Instance []byte // nil: as the module
	// Descriptor loads the Descriptor component too, for cards that verify bytecode.
	Descriptor bool
	Hash       []byte // of the load file, sent with INSTALL [for load]; nil: none
	Quota      *gp.Quota
	Priority   byte // of the toolkit registration; 0: 01, the highest
	// FullAccess gives every tree full access instead of the rights the card's files ask for.
	FullAccess bool
	// SIM asks for the toolkit parameters of old cards (CA) instead of those of a UICC (EA).
	SIM bool
	// Parameters replaces the whole parameter field, C9 included.
	Parameters []byte
}

// Install is what an installation would do, as a value.
type Install struct {
	Wish       InstallWish
	ICCID      uicc.ICCID
	Access     Access
	Resources  *gp.Resources // nil: the card does not tell
	Registry   Registry
	Instance   gp.Instance
	Parameters gp.InstallParameters // what Instance.Parameters says, unless the wish gave the field itself
	Steps      []Step               // empty: the applet is on the card
}

// AsWanted tells that there is nothing to send.
func (p *Install) AsWanted() bool { return len(p.Steps) == 0 }

// ConflictError is content of a card that is in the way of what was wanted. Nothing was written.
type ConflictError struct {
	AID    []byte
	Reason string
}

func (e *ConflictError) Error() string { return fmt.Sprintf("%X: %s", e.AID, e.Reason) }

// PlanInstall reads the card and plans the installation of the binding applet: files and memory without keys, then the registry through a
// session, which stays open for Apply.
func PlanInstall(ctx context.Context, run *personalize.Run, w InstallWish) (*Install, *Domain, error) {
	p := &Install{Wish: w}
	if err := p.name(); err != nil {
		return nil, nil, err
	}
	var err error
	if p.ICCID, err = Unlocked(ctx, run, w.Expected); err != nil {
		return nil, nil, err
	}
	if p.Access, err = ReadAccess(ctx, run); err != nil {
		return nil, nil, err
	}
	if err := p.parameters(); err != nil {
		return nil, nil, err
	}
	facts, err := look(ctx, run, p.ICCID, resources)
	if err != nil {
		return nil, nil, err
	}
	p.Resources = facts.Resources
	d, err := Open(ctx, run, p.ICCID)
	if err != nil {
		return nil, nil, err
	}
	if err := p.plan(ctx, d); err != nil {
		d.Close()
		return nil, nil, err
	}
	return p, d, nil
}

// name settles module and instance AID.
func (p *Install) name() error {
	applets := p.Wish.CAP.Applets
	module := p.Wish.Module
	switch {
	case len(applets) == 0:
		return &personalize.UnfitError{Reason: "the CAP file is a library: it has no applet"}
	case module == nil && len(applets) > 1:
		return &personalize.UnfitError{Reason: "the CAP file has several applets, and none was named: " + moduleList(applets)}
	case module == nil:
		module = applets[0].AID
	}
	if !slices.ContainsFunc(applets, func(a capfile.Applet) bool { return bytes.Equal(a.AID, module) }) {
		return &personalize.UnfitError{Reason: fmt.Sprintf("the CAP file has no applet %X; it has %s", module, moduleList(applets))}
	}
	p.Instance = gp.Instance{LoadFile: p.Wish.CAP.Package.AID, Module: module, AID: p.Wish.Instance, Privileges: []byte{0x00}}
	if p.Instance.AID == nil {
		p.Instance.AID = module
	}
	return nil
}

func moduleList(applets []capfile.Applet) string {
	var out []string
	for _, a := range applets {
		out = append(out, fmt.Sprintf("%X", a.AID))
	}
	return strings.Join(out, ", ")
}

// tagADF of the applet's own install parameters: the full AID of ADF.USIM (card interface §2).
const tagADF = 0x81

// parameters makes the parameter field: what the applet is told (the ADF), its place in the toolkit, and its rights.
func (p *Install) parameters() error {
	w := p.Wish
	if w.Parameters != nil {
		p.Instance.Parameters = w.Parameters
		return nil
	}
	if p.Access.USIM != nil {
		p.Parameters.Application = append([]byte{tagADF, byte(len(p.Access.USIM))}, p.Access.USIM...)
	}
	p.Parameters.Quota = w.Quota
	access, priority := slices.Clone(p.Access.Domains), max(w.Priority, 1)
	if w.FullAccess {
		for n := range access {
			access[n].Domain = gp.FullAccess
		}
	}
	if w.SIM {
		p.Parameters.SIM = &gp.SIMToolkit{Domain: widest(access), Priority: priority, Timers: 1}
	} else {
		p.Parameters.Toolkit = &gp.Toolkit{Priority: priority, Timers: 1}
		p.Parameters.Access = access
	}
	var err error
	p.Instance.Parameters, err = p.Parameters.Encode()
	return err
}

// widest is one domain for every tree: the parameters of old cards have no other.
func widest(trees []gp.Access) []byte {
	out := gp.NoAccess
	for _, t := range trees {
		switch {
		case bytes.Equal(t.Domain, gp.FullAccess):
			return gp.FullAccess
		case bytes.Equal(out, gp.NoAccess):
			out = t.Domain
		case len(t.Domain) == len(out):
			out = slices.Clone(out)
			for i := 1; i < len(out); i++ {
				out[i] |= t.Domain[i]
			}
		}
	}
	return out
}

// plan holds the registry against the wish and lists the steps.
func (p *Install) plan(ctx context.Context, d *Domain) error {
	d.run.Begin("registry")
	p.Registry.ICCID = p.ICCID
	if err := d.listContent(ctx, &p.Registry); err != nil {
		return err
	}
	here, err := p.Registry.instanceState(p.Instance)
	if err != nil {
		return err
	}
	loaded, err := p.loaded()
	if err != nil {
		return err
	}
	switch {
	case here == absent && !loaded:
		if err := p.load(d); err != nil {
			return err
		}
		fallthrough
	case here == absent:
		d.sameFile(loaded)
		err = p.install()
	case here == notSelectable:
		err = p.add("INSTALL [for make selectable]", "")(gp.InstallForMakeSelectable(p.Instance.AID, p.Instance.Privileges))
	}
	if err != nil {
		return err
	}
	return d.Fit(p.Steps)
}

// presence of the instance on the card.
type presence byte

const (
	absent presence = iota
	notSelectable
	selectable
)

// Life cycle of an application (GPCS table 11-4).
const (
	stateInstalled = 0x03
	stateLocked    = 0x80
)

// instanceState holds an instance against the registry; another one of its AID is in the way, and so is a locked one.
func (r Registry) instanceState(i gp.Instance) (presence, error) {
	e := r.application(i.AID)
	switch {
	case e == nil:
		return absent, nil
	case e.LoadFile != nil && !bytes.Equal(e.LoadFile, i.LoadFile):
		return 0, &ConflictError{i.AID, fmt.Sprintf("an application with this AID is on the card, from the load file %X", e.LoadFile)}
	case e.State&stateLocked != 0:
		return 0, &ConflictError{i.AID, "the application is on the card and locked"}
	case e.State == stateInstalled:
		return notSelectable, nil
	}
	return selectable, nil
}

// loaded tells whether the load file is on the card; one without the module is in the way.
func (p *Install) loaded() (bool, error) {
	e, err := p.Registry.loadFile(p.Wish.CAP)
	if e == nil || err != nil {
		return false, err
	}
	if len(e.Modules) > 0 && !slices.ContainsFunc(e.Modules, func(m []byte) bool { return bytes.Equal(m, p.Instance.Module) }) {
		return true, &ConflictError{e.AID, fmt.Sprintf("the load file on the card has no module %X", p.Instance.Module)}
	}
	return true, nil
}

// rival finds a binding applet under another AID: an application of the binding package, or of a load file that holds no other applet. Both
// would write EF_IMSI, and what one of them writes is the subscriber's IMSI to the other.
func (p *Install) rival() *gp.RegistryEntry {
	if e := p.Registry.another(binding.DefaultPackageAID, p.Instance.AID); e != nil || len(p.Wish.CAP.Applets) > 1 {
		return e
	}
	return p.Registry.another(p.Instance.LoadFile, p.Instance.AID)
}

func (p *Install) load(d *Domain) error {
	w := LoadWish{CAP: p.Wish.CAP, Descriptor: p.Wish.Descriptor, Hash: p.Wish.Hash, Quota: p.Wish.Quota}
	if err := w.fits(p.Registry, p.Resources); err != nil {
		return err
	}
	steps, err := w.steps(d.Room())
	p.Steps = append(p.Steps, steps...)
	return err
}

func (p *Install) install() error {
	if e := p.rival(); e != nil {
		return &ConflictError{e.AID, fmt.Sprintf("another instance of the binding applet is on the card, remove it first: a second one, %X, would take its denial value for the IMSI", p.Instance.AID)}
	}
	note := "parameters as given"
	if p.Wish.Parameters == nil {
		note = p.Parameters.String()
	}
	return p.add("INSTALL [for install and make selectable]", note)(gp.InstallForInstall(p.Instance, true))
}

func (p *Install) add(name, note string) func(apdu.Command, error) error {
	return func(c apdu.Command, err error) error {
		if err == nil {
			p.Steps = append(p.Steps, Step{Name: name, Command: c, Note: note})
		}
		return err
	}
}

// Apply carries the plan out and proves it: after a reset the applet is selected, and says which ADF it works on.
func (p *Install) Apply(ctx context.Context, d *Domain) (*personalize.Applet, error) {
	defer d.Close()
	unlock, err := d.run.Store.Lock(p.ICCID.String())
	if err != nil {
		return nil, err
	}
	defer unlock()
	d.run.Begin("install")
	if _, err := d.Do(ctx, p.Steps); err != nil {
		return nil, p.afterFailure(err)
	}
	return p.prove(context.WithoutCancel(ctx), d.run)
}

// HalfInstalledError is a load file on the card whose applet could not be installed.
type HalfInstalledError struct {
	LoadFile []byte
	Err      error
}

func (e *HalfInstalledError) Error() string {
	return fmt.Sprintf("%v; the load file %X is on the card", e.Err, e.LoadFile)
}

func (e *HalfInstalledError) Unwrap() error { return e.Err }

// afterFailure: a refused INSTALL [for install] leaves the load file behind, which a person may want to delete.
func (p *Install) afterFailure(err error) error {
	var refused *gp.ContentError
	if errors.As(err, &refused) && refused.INS == apdu.INSInstall && refused.Name == p.Steps[len(p.Steps)-1].Name {
		return &HalfInstalledError{LoadFile: p.Instance.LoadFile, Err: err}
	}
	return err
}

func (p *Install) prove(ctx context.Context, run *personalize.Run) (*personalize.Applet, error) {
	run.Begin("verify")
	if err := run.Card.Reset(ctx, false); err != nil {
		return nil, &personalize.InDoubtError{Step: personalize.StepReset, Err: err}
	}
	applet, err := personalize.SelectApplet(ctx, run.Card, p.Instance.AID)
	switch {
	case err == nil:
	case p.AsWanted(): // nothing was sent
		return nil, err
	case errors.As(err, new(*apdu.LinkError)):
		return nil, &personalize.InDoubtError{Step: personalize.StepReadBack, Err: err}
	default:
		return nil, &personalize.VerifyError{What: "binding applet", Want: "an answer to its selection", Got: err.Error()}
	}
	if p.Wish.Parameters == nil && !bytes.Equal(applet.Info.ADF, p.Access.USIM) {
		return applet, &personalize.VerifyError{What: "ADF the applet works on", Want: fmt.Sprintf("%X", p.Access.USIM), Got: fmt.Sprintf("%X", applet.Info.ADF)}
	}
	return applet, nil
}
