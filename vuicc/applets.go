package vuicc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/cat"
	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
	"github.com/simbind/simbind/vuicc/sd"
)

// bindingModule is the module AID of the binding applet (docs/card-interface.md §2).
var bindingModule = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}

func defaultModules() map[string]plug.New {
	return map[string]plug.New{string(bindingModule): bindapp.New}
}

// instance is the object of one installed applet and the Env it lives in. Its row of the registry is the domain's; what is kept here
// never changes.
type instance struct {
	c          *Card
	aid        []byte
	parameters sd.InstallParameters
	applet     plug.Applet
	entry      *cat.Entry // nil: no toolkit applet
	full       bool       // the memory refused a write since this was last set to false
}

func (c *Card) openDomain() (*sd.Domain, error) {
	row := c.image.Domain
	cfg := sd.Config{AID: row.AID, KDD: row.KDD, CPLC: row.CPLC, Velocity: row.Velocity, MaxData: row.MaxData, Rand: c.rand}
	for _, k := range row.Keys {
		cfg.Keys = append(cfg.Keys, sd.KeySet{KVN: k.KVN, Protocol: k.Protocol, I: k.I, ENC: k.ENC, MAC: k.MAC, DEK: k.DEK})
	}
	cfg.Preinstalled = c.preinstalled()
	return sd.New(c.mem, cfg, runtime{c})
}

// preinstalled is what the registry of a new card holds: the applets of the image and the load files they came from.
func (c *Card) preinstalled() sd.Content {
	var out sd.Content
	for _, a := range c.image.Applets {
		at := slices.IndexFunc(out.LoadFiles, func(f sd.LoadFile) bool { return bytes.Equal(f.AID, a.Package) })
		if at < 0 {
			at = len(out.LoadFiles)
			out.LoadFiles = append(out.LoadFiles, sd.LoadFile{Package: sd.Package{AID: a.Package, Major: 1}})
		}
		out.LoadFiles[at].Modules = append(out.LoadFiles[at].Modules, a.Module)
		out.Instances = append(out.Instances, sd.Instance{
			AID: a.Instance, LoadFile: a.Package, Module: a.Module, Privileges: a.Privileges, Parameters: a.Parameters(),
		})
	}
	return out
}

// domainFor gives the security domain for its AID, the head of it, or no AID at all.
func (c *Card) domainFor(aid []byte) application {
	if len(aid) == 0 || len(aid) >= 5 && bytes.HasPrefix(c.domain.AID(), aid) {
		return c.domain
	}
	return nil
}

// openApplets makes the objects anew from the registry, which alone says what is installed; on a new card they are installed.
func (c *Card) openApplets(fresh bool) error {
	c.toolkit = cat.New()
	c.toolkit.Active = c.active
	c.applets = nil
	for _, i := range c.domain.Instances() {
		p, err := sd.ParseInstallParameters(i.Parameters)
		switch {
		case err != nil:
		case fresh:
			err = runtime{c}.Install(i, p)
		default:
			err = c.revive(i, p)
		}
		if err != nil {
			return fmt.Errorf("instance %X: %w", i.AID, err)
		}
	}
	return nil
}

// revive makes the object of an instance that was installed before.
func (c *Card) revive(i sd.Instance, p sd.InstallParameters) error {
	a, err := c.object(i, p)
	if err != nil {
		return err
	}
	c.applets = append(c.applets, a)
	return a.register()
}

// object makes the object of an instance and gives it its Env.
func (c *Card) object(i sd.Instance, p sd.InstallParameters) (*instance, error) {
	create, ok := c.modules[string(i.Module)]
	if !ok {
		return nil, fmt.Errorf("nothing here runs module %X", i.Module)
	}
	a := &instance{c: c, aid: i.AID, parameters: p}
	a.applet = create(a)
	return a, nil
}

// active tells whether an instance takes part in the toolkit: selectable, and not locked by itself or with the card.
func (c *Card) active(aid []byte) bool {
	i, ok := c.domain.Instance(aid)
	return ok && i.CanBeSelected() && c.domain.State() != sd.CardLocked
}

// register makes the toolkit entry, if the instance has toolkit parameters, and takes back what it was registered for.
func (a *instance) register() error {
	t := a.parameters.Toolkit
	if t == nil {
		return nil
	}
	a.entry = a.c.toolkit.Register(a.aid, t.Priority, t.Timers, a.applet)
	if raw := a.c.mem.Get(a.cell("toolkit")); raw != nil {
		if err := a.entry.Import(raw); err != nil {
			return err
		}
	}
	a.entry.OnChange = func() { a.keepRegistrations() }
	return nil
}

// keepRegistrations stores the entry when it differs from what is stored: they survive a reset.
func (a *instance) keepRegistrations() {
	raw := a.entry.Export()
	if !bytes.Equal(raw, a.c.mem.Get(a.cell("toolkit"))) {
		_ = a.refused(a.c.mem.PutNow(a.cell("toolkit"), raw)) // the reset after it loses the registration
	}
}

func (a *instance) cell(name string) string {
	return "applet/" + hex.EncodeToString(a.aid) + "/" + name
}

// matches compares an AID: whole, or its first bytes.
func (a *instance) matches(aid []byte, full bool) bool {
	if full {
		return bytes.Equal(a.aid, aid)
	}
	return bytes.HasPrefix(a.aid, aid)
}

// Select, Process and Deselect make an instance an application.
func (a *instance) Select(c apdu.Command) apdu.Response  { return a.applet.Select(c) }
func (a *instance) Process(c apdu.Command) apdu.Response { return a.applet.Process(c) }
func (a *instance) Deselect(channel int)                 { a.applet.Deselect(channel) }

// AID implements plug.Env.
func (a *instance) AID() []byte { return bytes.Clone(a.aid) }

// Proactive implements plug.Env.
func (a *instance) Proactive() (plug.ProactiveHandler, bool) {
	if a.entry == nil {
		return nil, false
	}
	return a.entry.Proactive()
}

// Registry implements plug.Env.
func (a *instance) Registry() plug.Registry {
	if a.entry == nil {
		return nil
	}
	return a.entry
}

// SecureChannel implements plug.Env.
func (a *instance) SecureChannel(channel int) plug.SecureChannel {
	return a.c.domain.ChannelFor(channel, a.aid)
}

// Envelope implements plug.Env.
func (a *instance) Envelope() []byte {
	if a.entry == nil {
		return nil
	}
	return a.entry.Envelope()
}

// Get implements plug.Memory.
func (a *instance) Get(cell string) []byte { return a.c.mem.Get(a.cell("m/" + cell)) }

// Put implements plug.Memory.
func (a *instance) Put(cell string, v []byte) error {
	return a.refused(a.c.mem.Put(a.cell("m/"+cell), v))
}

// Delete implements plug.Memory.
func (a *instance) Delete(cell string) error { return a.refused(a.c.mem.Delete(a.cell("m/" + cell))) }

// Begin implements plug.Memory.
func (a *instance) Begin() error { return a.c.mem.Begin() }

// Commit implements plug.Memory.
func (a *instance) Commit() error { return a.refused(a.c.mem.Commit()) }

// Abort implements plug.Memory.
func (a *instance) Abort() { a.c.mem.Abort() }

// refused turns a memory that refuses into the status word for it, and remembers it.
func (a *instance) refused(err error) error {
	if errors.Is(err, nvm.ErrMemory) || errors.Is(err, apdu.SWMemory) {
		a.full = true
		return apdu.SWMemory
	}
	return err
}
