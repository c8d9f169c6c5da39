package explore

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/cat"
	"github.com/simbind/simbind/vuicc/plug"
)

// card is the model of the applet over the least that a card lends to it: persistent memory, three files and the toolkit runtime
// of the virtual UICC. Dispatch, PINs and secure channel are left out for speed: a step costs microseconds.
type card struct {
	store
	world   *World
	applet  plug.Applet
	toolkit *cat.Framework
	entry   *cat.Entry
}

var (
	usimAID     = []byte{0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x07, 0x09, 0x00, 0x00}
	instanceAID = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}
)

// insert makes a card of a memory, without power.
func insert(w *World, m memory) *card {
	c := &card{world: w, toolkit: cat.New()}
	c.now, c.after = m, func(int, string, string) {}
	c.applet = w.module()(c)
	c.entry = c.toolkit.Register(instanceAID, 1, 1, c.applet)
	if m.registrations != "" {
		if err := c.entry.Import([]byte(m.registrations)); err != nil {
			panic(err) // Export wrote it
		}
	}
	c.entry.OnChange = func() { c.register(string(c.entry.Export())) }
	return c
}

// newCard makes the memory of a new card: the applet installed with the world's first configuration.
func newCard(w *World) (memory, error) {
	c := insert(w, memory{file: w.files()})
	p := append([]byte{0x81, byte(len(usimAID))}, usimAID...)
	err := c.applet.Install(plug.InstallParameters{Instance: instanceAID, Application: append(p, w.First...)})
	return c.now, err
}

// powerOn resets the card.
func (c *card) powerOn() {
	c.Abort()
	c.toolkit.Reset()
	c.applet.PoweredUp()
}

// storeData sends one template as STORE DATA through the security domain.
func (c *card) storeData(template []byte) apdu.SW {
	c.toolkit.FirstCommand()
	r := c.applet.ProcessData(apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, P1: 0x90, Data: template})
	return r.SW
}

// waiting is the proactive command that waits, nil without one.
func (c *card) waiting() []byte {
	if n, ok := c.toolkit.Pending(); ok {
		return c.toolkit.Fetch(n).Data
	}
	return nil
}

// transient is everything volatile that matters.
func (c *card) transient() string {
	d := bindapp.Transient(c.applet)
	if c.entry.IsEventSet(plug.ProactiveHandlerAvailable) {
		d += " handler"
	}
	return d
}

// AID implements plug.Env.
func (c *card) AID() []byte { return instanceAID }

// Proactive implements plug.Env.
func (c *card) Proactive() (plug.ProactiveHandler, bool) { return c.entry.Proactive() }

// Registry implements plug.Env.
func (c *card) Registry() plug.Registry { return c.entry }

// SecureChannel implements plug.Env: nothing here needs one.
func (c *card) SecureChannel(int) plug.SecureChannel { return nil }

// Envelope implements plug.Env.
func (c *card) Envelope() []byte { return c.entry.Envelope() }

// FileView implements plug.Env.
func (c *card) FileView(adf []byte) (plug.FileView, error) {
	return &view{card: c, usim: adf != nil, file: -1}, nil
}

// view reaches the three files.
type view struct {
	card *card
	usim bool
	dir  uint16
	file int
}

// Select implements plug.FileView. The FCP says nothing: no copy is linked here.
func (v *view) Select(fid uint16) ([]byte, error) {
	v.file = -1
	switch {
	case fid == 0x7FFF && v.usim, fid == 0x3F00 && !v.usim, fid == 0x7F20 && !v.usim:
		v.dir = fid
		return nil, nil
	case v.usim && v.dir == 0x7FFF && fid == 0x6F07:
		v.file = fileUSIM
	case v.usim && v.dir == 0x7FFF && fid == 0x6F7E:
		v.file = fileLOCI
	case !v.usim && v.dir == 0x7F20 && fid == 0x6F07 && v.card.world.Copies == 2:
		v.file = fileGSM
	default:
		return nil, plug.FileNotFound
	}
	return nil, nil
}

// ReadBinary implements plug.FileView.
func (v *view) ReadBinary(offset, length int) ([]byte, error) {
	if v.file < 0 {
		return nil, plug.NoEFSelected
	}
	content := v.card.now.file[v.file]
	if offset+length > len(content) {
		return nil, plug.OutOfFileBoundaries
	}
	return []byte(content[offset : offset+length]), nil
}

// UpdateBinary implements plug.FileView.
func (v *view) UpdateBinary(offset int, data []byte) error {
	if v.file < 0 {
		return plug.NoEFSelected
	}
	if v.file == fileUSIM && v.card.world.Locked {
		return plug.SecurityNotSatisfied
	}
	content := v.card.now.file[v.file]
	if offset+len(data) > len(content) {
		return plug.OutOfFileBoundaries
	}
	content = content[:offset] + string(data) + content[offset+len(data):]
	if v.card.writeFile(v.file, content) != nil {
		return plug.MemoryProblem
	}
	return nil
}

// ReadRecord implements plug.FileView: no file here has records.
func (v *view) ReadRecord(int) ([]byte, error) { return nil, plug.CommandIncompatible }

// UpdateRecord implements plug.FileView.
func (v *view) UpdateRecord(int, []byte) error { return plug.CommandIncompatible }

// DeactivateFile implements plug.FileView.
func (v *view) DeactivateFile() error { return plug.CommandIncompatible }

// ActivateFile implements plug.FileView.
func (v *view) ActivateFile() error { return plug.CommandIncompatible }
