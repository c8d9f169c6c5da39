package sd

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// delete is DELETE (GPCS clause 11.2): P2 00 an object, 80 a load file with everything made from it. The data names an application or
// load file (4F), or keys (D0 identifier, D2 version).
func (d *Domain) delete(c apdu.Command) apdu.Response {
	if c.P1 != 0 || c.P2&^byte(0x80) != 0 {
		return refuse(apdu.SWWrongP1P2)
	}
	objects, err := tlv.Parse(c.Data)
	if err != nil || len(objects) == 0 {
		return refuse(apdu.SWWrongData)
	}
	if objects[0].Tag != 0x4F {
		return d.deleteKeys(c, objects)
	}
	aid := objects[0].Value
	if len(objects) != 1 || !validAID(aid) {
		return refuse(apdu.SWWrongData)
	}
	switch {
	case bytes.Equal(aid, d.fixed.AID):
		return refuse(apdu.SWConditions)
	case d.reg.instance(aid) >= 0:
		return d.deleteContent(nil, [][]byte{aid})
	case d.reg.loadFile(aid) < 0:
		return refuse(apdu.SWReferenceNotFound)
	}
	instances := d.reg.of(aid)
	if d.reg.imported(aid) || len(instances) > 0 && c.P2 == 0 {
		return refuse(apdu.SWConditions)
	}
	return d.deleteContent(aid, instances)
}

// deleteContent removes instances and a load file (nil: none) all at once. Every applet is told before anything is gone and may refuse;
// then one write makes it so, and the runtime forgets.
func (d *Domain) deleteContent(loadFile []byte, instances [][]byte) apdu.Response {
	rt, able := d.installer()
	if !able {
		return refuse(apdu.SWFunctionUnsupported)
	}
	for _, aid := range instances {
		if err := rt.Uninstall(aid); err != nil {
			return refuse(statusOf(err))
		}
	}
	reg := d.reg.copied()
	reg.Instances = slices.DeleteFunc(reg.Instances, func(i Instance) bool { return contains(instances, i.AID) })
	reg.LoadFiles = slices.DeleteFunc(reg.LoadFiles, func(f LoadFile) bool { return bytes.Equal(f.AID, loadFile) })
	if err := d.setRegistry(reg); err != nil {
		return refuse(statusOr(err, apdu.SWMemory))
	}
	for _, aid := range instances {
		rt.Drop(aid)
		d.dropTarget(aid)
	}
	return done()
}

// dropTarget ends the personalization of an application on every channel.
func (d *Domain) dropTarget(aid []byte) {
	for ch, t := range d.targets {
		if bytes.Equal(t.instance, aid) {
			delete(d.targets, ch)
		}
	}
}

// deleteKeys removes keys by identifier, version or both (GPCS clause 11.2.2.3.2). The last key set that opens a channel stays: 6985.
func (d *Domain) deleteKeys(c apdu.Command, objects tlv.Objects) apdu.Response {
	if c.P2 != 0 {
		return refuse(apdu.SWWrongP1P2)
	}
	var id, kvn byte
	for _, o := range objects {
		switch {
		case len(o.Value) != 1 || o.Value[0] == 0:
			return refuse(apdu.SWWrongData)
		case o.Tag == 0xD0 && id == 0:
			id = o.Value[0]
		case o.Tag == 0xD2 && kvn == 0:
			kvn = o.Value[0]
		default:
			return refuse(apdu.SWWrongData)
		}
	}
	left, gone := without(d.keys, id, kvn)
	switch {
	case !gone:
		return refuse(apdu.SWReferenceNotFound)
	case !slices.ContainsFunc(left, keySet.opens):
		return refuse(apdu.SWConditions)
	}
	if err := d.setKeys(left); err != nil {
		return refuse(statusOr(err, apdu.SWMemory))
	}
	return done()
}

// without gives the sets without the keys of an identifier and version, 00 being any.
func without(sets []keySet, id, kvn byte) (left []keySet, gone bool) {
	for _, s := range sets {
		if kvn != 0 && s.KVN != kvn {
			left = append(left, s)
			continue
		}
		keys := slices.DeleteFunc(slices.Clone(s.Keys), func(k key) bool { return id == 0 || k.ID == id })
		gone = gone || len(keys) < len(s.Keys)
		if s.Keys = keys; len(keys) > 0 {
			left = append(left, s)
		}
	}
	return left, gone
}
