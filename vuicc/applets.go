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
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
	"github.com/simbind/simbind/vuicc/sd"
)

// bindingModule is the module AID of the binding applet (docs/card-interface.md §2).
var bindingModule = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}

func defaultModules() map[string]plug.New {
	return map[string]plug.New{string(bindingModule): bindapp.New}
}

// instance is one installed applet and the Env it lives in.
type instance struct {
	c      *Card
	row    image.Applet
	applet plug.Applet
	entry  *cat.Entry // nil: not registered with the toolkit
}

func (c *Card) openDomain() (*sd.Domain, error) {
	row := c.image.Domain
	cfg := sd.Config{AID: row.AID, KDD: row.KDD, CPLC: row.CPLC, Velocity: row.Velocity, Rand: c.rand}
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
		out.Instances = append(out.Instances, sd.Instance{AID: a.Instance, LoadFile: a.Package, Module: a.Module, Privileges: a.Privileges})
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

// openApplets makes the objects of the installed instances; on a new card they are installed.
func (c *Card) openApplets(fresh bool) error {
	for _, row := range c.image.Applets {
		create, ok := c.modules[string(row.Module)]
		if !ok {
			return fmt.Errorf("nothing here runs module %X", []byte(row.Module))
		}
		a := &instance{c: c, row: row}
		a.applet = create(a)
		c.applets = append(c.applets, a)
		if err := a.register(); err != nil {
			return err
		}
		if !fresh {
			continue
		}
		p := plug.InstallParameters{Instance: row.Instance, Privileges: row.Privileges, Application: row.Application}
		if err := a.applet.Install(p); err != nil {
			return fmt.Errorf("install %X: %w", []byte(row.Instance), err)
		}
	}
	return nil
}

// register makes the toolkit entry and takes back what it was registered for.
func (a *instance) register() error {
	a.entry = a.c.toolkit.Register(a.row.Instance, a.row.Priority, a.row.Timers, a.applet)
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
		_ = a.c.mem.PutNow(a.cell("toolkit"), raw) // a refusing memory loses the registration, as on a card
	}
}

func (a *instance) cell(name string) string {
	return "applet/" + hex.EncodeToString(a.row.Instance) + "/" + name
}

// matches compares an AID: whole, or its first bytes.
func (a *instance) matches(aid []byte, full bool) bool {
	if full {
		return bytes.Equal(a.row.Instance, aid)
	}
	return bytes.HasPrefix(a.row.Instance, aid)
}

// Select, Process and Deselect make an instance an application.
func (a *instance) Select(c apdu.Command) apdu.Response  { return a.applet.Select(c) }
func (a *instance) Process(c apdu.Command) apdu.Response { return a.applet.Process(c) }
func (a *instance) Deselect(channel int)                 { a.applet.Deselect(channel) }

// AID implements plug.Env.
func (a *instance) AID() []byte { return bytes.Clone(a.row.Instance) }

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
	return a.c.domain.ChannelFor(channel, a.row.Instance)
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
	return refused(a.c.mem.Put(a.cell("m/"+cell), v))
}

// Delete implements plug.Memory.
func (a *instance) Delete(cell string) error { return refused(a.c.mem.Delete(a.cell("m/" + cell))) }

// Begin implements plug.Memory.
func (a *instance) Begin() error { return a.c.mem.Begin() }

// Commit implements plug.Memory.
func (a *instance) Commit() error { return refused(a.c.mem.Commit()) }

// Abort implements plug.Memory.
func (a *instance) Abort() { a.c.mem.Abort() }

func refused(err error) error {
	if errors.Is(err, nvm.ErrMemory) {
		return apdu.SWMemory
	}
	return err
}

// runtime is what the security domain asks of the card.
type runtime struct{ c *Card }

// Personalize implements sd.Runtime.
func (r runtime) Personalize(aid []byte, c apdu.Command) apdu.Response {
	for _, a := range r.c.applets {
		if a.matches(aid, true) {
			return a.applet.ProcessData(c)
		}
	}
	return apdu.Response{SW: apdu.SWReferenceNotFound}
}
