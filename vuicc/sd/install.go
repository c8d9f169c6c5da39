package sd

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
)

// P1 of INSTALL (GPCS table 11-42).
const (
	forLoad            byte = 0x02
	forInstall         byte = 0x04
	forMakeSelectable  byte = 0x08
	forPersonalization byte = 0x20
)

// grantable are the privileges an application may be installed with (GPCS table 11-7, first byte): card lock, card terminate, default
// selected, CVM management. They are kept in the registry; a security domain or DAP cannot be made.
const grantable byte = 0x1E

// install is INSTALL (GPCS clause 11.5).
func (d *Domain) install(c apdu.Command) apdu.Response {
	if c.P2 != 0 {
		return refuse(apdu.SWWrongP1P2)
	}
	delete(d.targets, apdu.Channel(c.CLA))
	switch c.P1 {
	case forLoad:
		return d.installForLoad(c)
	case forInstall, forInstall | forMakeSelectable:
		return d.installForInstall(c)
	case forMakeSelectable:
		return d.makeSelectable(c)
	case forPersonalization:
		return d.installForPersonalization(c)
	}
	return refuse(apdu.SWFunctionUnsupported) // extradition, registry update, combined forms
}

// fields reads the data of INSTALL: n fields, each behind its length. From the fourth on, the length may take more than one byte (81XX).
func fields(b []byte, n int) ([][]byte, bool) {
	r := &reader{b: b}
	var out [][]byte
	for i := range n {
		length := int(r.byte())
		if i >= 3 && length == 0x81 {
			if length = int(r.byte()); length < 0x80 {
				return nil, false
			}
		} else if length > 0x7F {
			return nil, false
		}
		out = append(out, r.take(length))
	}
	return out, !r.bad && len(r.b) == 0
}

// installForLoad: load file AID, security domain AID (empty, or this one), hash, load parameters, token, which is not taken
// (GPCS clause 11.5.2.3.1).
func (d *Domain) installForLoad(c apdu.Command) apdu.Response {
	rt, able := d.installer()
	f, ok := fields(c.Data, 5)
	switch {
	case !able:
		return refuse(apdu.SWFunctionUnsupported)
	case !ok || !validAID(f[0]) || len(f[4]) > 0:
		return refuse(apdu.SWWrongData)
	case len(f[1]) > 0 && !bytes.Equal(f[1], d.fixed.AID):
		return refuse(apdu.SWReferenceNotFound)
	case d.inUse(f[0]):
		return refuse(apdu.SWConditions)
	}
	hash, ok := hashOf(len(f[2]))
	if !ok {
		return refuse(apdu.SWWrongData)
	}
	quota, err := parseLoadParameters(f[3])
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	if !fits(rt, quota) {
		return refuse(apdu.SWNoMemory)
	}
	d.loads[apdu.Channel(c.CLA)] = &load{aid: bytes.Clone(f[0]), want: bytes.Clone(f[2]), hash: hash}
	return done()
}

// parseLoadParameters: nothing, or EF with quotas (GPCS table 11-48).
func parseLoadParameters(b []byte) (InstallParameters, error) {
	var p InstallParameters
	if len(b) == 0 {
		return p, nil
	}
	v, ok := only(b, 0xEF)
	if !ok {
		return p, errParameters
	}
	_, err := p.system(v, false)
	return p, err
}

// fits compares quotas with what is free.
func fits(rt Installer, p InstallParameters) bool {
	nonVolatile, volatile := rt.Free()
	return p.Code+p.NonVolatile <= nonVolatile && p.Volatile <= volatile
}

// installForInstall: load file, module, instance, privileges, parameters, token (GPCS clause 11.5.2.3.2). The row is written when the
// applet's install method has returned: an instance is there whole, or not at all.
func (d *Domain) installForInstall(c apdu.Command) apdu.Response {
	rt, able := d.installer()
	if !able {
		return refuse(apdu.SWFunctionUnsupported)
	}
	i, sw := d.newInstance(rt, c)
	if sw != apdu.SWOK {
		return refuse(sw)
	}
	p, err := ParseInstallParameters(i.Parameters)
	switch {
	case err != nil || p.Code != 0:
		return refuse(apdu.SWWrongData)
	case !fits(rt, p):
		return refuse(apdu.SWNoMemory)
	}
	if err := rt.Install(i, p); err != nil {
		rt.Drop(i.AID)
		return refuse(statusOf(err))
	}
	reg := d.reg.copied()
	reg.Instances = append(reg.Instances, i)
	if err := d.setRegistry(reg); err != nil {
		rt.Drop(i.AID)
		return refuse(statusOr(err, apdu.SWMemory))
	}
	return done()
}

// newInstance reads the fields and looks everything up.
func (d *Domain) newInstance(rt Installer, c apdu.Command) (Instance, apdu.SW) {
	f, ok := fields(bytes.Clone(c.Data), 6)
	if !ok || !validAID(f[0]) || !validAID(f[1]) || !validAID(f[2]) || len(f[5]) > 0 {
		return Instance{}, apdu.SWWrongData
	}
	privileges, ok := readPrivileges(f[3])
	file := d.reg.loadFile(f[0])
	switch {
	case !ok:
		return Instance{}, apdu.SWWrongData
	case file < 0 || !contains(d.reg.LoadFiles[file].Modules, f[1]):
		return Instance{}, apdu.SWReferenceNotFound
	case d.inUse(f[2]):
		return Instance{}, apdu.SWConditions
	case !contains(rt.Modules(f[0]), f[1]):
		return Instance{}, apdu.SWFunctionUnsupported
	}
	i := Instance{AID: f[2], LoadFile: f[0], Module: f[1], Privileges: privileges, State: Installed, Parameters: f[4]}
	if c.P1&forMakeSelectable != 0 {
		i.State = Selectable
	}
	return i, apdu.SWOK
}

func contains(list [][]byte, v []byte) bool {
	return slices.ContainsFunc(list, func(x []byte) bool { return bytes.Equal(x, v) })
}

// readPrivileges takes one byte or three and gives three.
func readPrivileges(b []byte) ([]byte, bool) {
	if len(b) != 1 && len(b) != 3 {
		return nil, false
	}
	out := append(bytes.Clone(b), 0, 0)[:3]
	return out, out[0]&^grantable == 0 && out[1] == 0 && out[2] == 0
}

// makeSelectable: two empty fields, instance, privileges, parameters, token (GPCS clause 11.5.2.3.3). The privileges stay as installed.
func (d *Domain) makeSelectable(c apdu.Command) apdu.Response {
	f, ok := fields(c.Data, 6)
	if !ok || len(f[0]) > 0 || len(f[1]) > 0 || !validAID(f[2]) || len(f[5]) > 0 {
		return refuse(apdu.SWWrongData)
	}
	n := d.reg.instance(f[2])
	switch {
	case n < 0:
		return refuse(apdu.SWReferenceNotFound)
	case d.reg.Instances[n].State != Installed:
		return refuse(apdu.SWConditions)
	}
	reg := d.reg.copied()
	reg.Instances[n].State = Selectable
	if err := d.setRegistry(reg); err != nil {
		return refuse(statusOr(err, apdu.SWMemory))
	}
	return done()
}

// installForPersonalization: two empty fields, application, three empty fields (GPCS clause 11.5.2.3.6). STORE DATA then goes to the
// application up to its last block; the domain itself may be named.
func (d *Domain) installForPersonalization(c apdu.Command) apdu.Response {
	f, ok := fields(c.Data, 6)
	if !ok || !validAID(f[2]) || slices.ContainsFunc([]int{0, 1, 3, 4, 5}, func(n int) bool { return len(f[n]) > 0 }) {
		return refuse(apdu.SWWrongData)
	}
	if bytes.Equal(f[2], d.fixed.AID) {
		return done()
	}
	i, ok := d.Instance(f[2])
	switch {
	case !ok:
		return refuse(apdu.SWReferenceNotFound)
	case i.Locked():
		return refuse(apdu.SWConditions)
	}
	d.targets[apdu.Channel(c.CLA)] = &personalization{instance: i.AID}
	return done()
}
