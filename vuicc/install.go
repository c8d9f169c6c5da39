package vuicc

import (
	"bytes"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/plug"
	"github.com/simbind/simbind/vuicc/sd"
)

// runtime is what the security domain asks of the card. The registry is the domain's; here are the objects, and the cells
// "applet/AID/…" they live in.
type runtime struct{ c *Card }

var _ sd.Installer = runtime{}

// Personalize implements sd.Runtime.
func (r runtime) Personalize(aid []byte, c apdu.Command) apdu.Response {
	a := r.c.instance(aid)
	if a == nil {
		return apdu.Response{SW: apdu.SWReferenceNotFound}
	}
	return a.applet.ProcessData(c)
}

// instance gives the object of a full AID, nil without one.
func (c *Card) instance(aid []byte) *instance {
	n := slices.IndexFunc(c.applets, func(a *instance) bool { return bytes.Equal(a.aid, aid) })
	if n < 0 {
		return nil
	}
	return c.applets[n]
}

// Modules implements sd.Installer: what a module AID runs as does not depend on the load file it came in.
func (r runtime) Modules([]byte) [][]byte {
	var out [][]byte
	for aid := range r.c.modules {
		out = append(out, []byte(aid))
	}
	return out
}

// Missing implements sd.Installer.
func (r runtime) Missing(imports []sd.Package) []sd.Package {
	return slices.DeleteFunc(slices.Clone(imports), func(want sd.Package) bool {
		for _, p := range r.c.image.Platform {
			if (sd.Package{AID: p.AID, Major: p.Major, Minor: p.Minor}).Satisfies(want) {
				return true
			}
		}
		return false
	})
}

// Free implements sd.Installer: what load files take, and what instances were promised, is gone.
func (r runtime) Free() (nonVolatile, volatile int) {
	nonVolatile, volatile = r.c.image.Domain.Memory()
	for _, f := range r.c.domain.LoadFiles() {
		nonVolatile -= f.Size
	}
	for _, a := range r.c.applets {
		nonVolatile -= a.parameters.NonVolatile
		volatile -= a.parameters.Volatile
	}
	return nonVolatile, volatile
}

// Install implements sd.Installer. An instance whose install method met a memory that refused is not made, even if the method
// went on: it would be there by half.
func (r runtime) Install(i sd.Instance, p sd.InstallParameters) error {
	if err := r.clear(i.AID); err != nil {
		return apdu.SWMemory
	}
	if !r.grants(i.AID, p) {
		return apdu.SWWrongData
	}
	a, err := r.c.object(i, p)
	if err != nil {
		return err
	}
	if err := a.register(); err != nil {
		return err
	}
	defer r.c.mem.Abort() // a transaction the method left open (Java Card runtime environment specification clause 7.7)
	if err := a.applet.Install(plug.InstallParameters{Instance: i.AID, Privileges: i.Privileges, Application: p.Application}); err != nil {
		return err
	}
	if a.full {
		return apdu.SWMemory
	}
	r.c.applets = append(r.c.applets, a)
	return nil
}

// grants looks at what only the card can judge (TS 102 226 clause 8.2.1.3.2): the trees of access domains exist; TARs and
// menu identifiers are nobody else's.
func (r runtime) grants(aid []byte, p sd.InstallParameters) bool {
	for _, a := range slices.Concat(p.Access, p.AdminAccess) {
		if node := r.c.files.FindADF(a.ADF, nil); a.ADF != nil && (node == nil || len(node.AID) != len(a.ADF)) {
			return false
		}
	}
	if p.Toolkit == nil {
		return true
	}
	if domainToolkit.Clashes(*p.Toolkit) {
		return false
	}
	for _, other := range r.c.applets {
		if !bytes.Equal(other.aid, aid) && other.parameters.Toolkit.Clashes(*p.Toolkit) {
			return false
		}
	}
	return true
}

// domainToolkit is what the issuer security domain has: its TAR (TS 101 220 annex D).
var domainToolkit = &sd.ToolkitParameters{TARs: [][]byte{{0x00, 0x00, 0x00}}}

// Uninstall implements sd.Installer. The method runs before it is looked at whether the applet may go, and what it did stays (Java Card
// runtime environment specification clause 11.3.4): an applet that is selected on a logical channel is in use. One that waits for
// the terminal does not get its answer any more. When the memory refused what the method wrote, nothing is deleted.
func (r runtime) Uninstall(aid []byte) error {
	a := r.c.instance(aid)
	if a == nil {
		return nil
	}
	r.c.toolkit.Abandon(aid)
	defer r.c.mem.Abort()
	a.full = false
	a.applet.Uninstall()
	if a.full {
		return apdu.SWMemory
	}
	if slices.ContainsFunc(r.c.channels[:], func(ch *channel) bool { return ch != nil && ch.app == application(a) }) {
		return apdu.SWConditions
	}
	return nil
}

// Drop implements sd.Installer. Cells the memory does not give back are deleted by the next Install of the AID.
func (r runtime) Drop(aid []byte) {
	r.c.toolkit.Unregister(aid)
	r.c.applets = slices.DeleteFunc(r.c.applets, func(a *instance) bool { return bytes.Equal(a.aid, aid) })
	_ = r.clear(aid)
}

// clear deletes every cell of an instance in one write.
func (r runtime) clear(aid []byte) error {
	head := (&instance{aid: aid}).cell("")
	cells := slices.DeleteFunc(r.c.mem.Keys(), func(cell string) bool { return !strings.HasPrefix(cell, head) })
	if len(cells) == 0 {
		return nil
	}
	if err := r.c.mem.Begin(); err != nil {
		return err
	}
	for _, cell := range cells {
		if err := r.c.mem.Delete(cell); err != nil {
			r.c.mem.Abort()
			return err
		}
	}
	return r.c.mem.Commit()
}
