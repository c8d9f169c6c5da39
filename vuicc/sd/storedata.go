package sd

import (
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// personalization is where STORE DATA goes: to an application, or (instance nil) into the domain's own blocks so far.
type personalization struct {
	instance []byte
	next     byte // block number
	data     []byte
}

// maxStore bounds what STORE DATA to the domain may gather.
const maxStore = 1024

// storeData is STORE DATA (GPCS clause 11.11): P1 b8 the last block, P2 the block number. After INSTALL [for personalization] it goes to
// the application as it is, and the last block ends that (clause 7.3.3); else it is for the domain.
func (d *Domain) storeData(c apdu.Command) apdu.Response {
	ch := apdu.Channel(c.CLA)
	t := d.targets[ch]
	last := c.P1&0x80 != 0
	if t != nil && t.instance != nil {
		if last {
			delete(d.targets, ch)
		}
		return d.rt.Personalize(t.instance, c)
	}
	delete(d.targets, ch)
	if t == nil || c.P2 == 0 {
		t = &personalization{}
	}
	switch {
	case c.P1&0x60 != 0 || c.P1&0x18 == 0x18 || c.P1&0x08 != 0:
		return refuse(apdu.SWFunctionUnsupported) // encrypted data, DGI
	case c.P2 != t.next:
		return refuse(apdu.SWWrongP1P2)
	case len(t.data)+len(c.Data) > maxStore:
		return refuse(apdu.SWNoMemory)
	}
	t.data, t.next = append(t.data, c.Data...), t.next+1
	if !last {
		d.targets[ch] = t
		return apdu.Response{SW: apdu.SWOK}
	}
	return refuse(d.storeOwn(t.data))
}

// storeOwn takes the domain's own objects (GPCS clause 11.11.2.4): 42 issuer identification number, 45 card image number, up to 16 bytes
// each. Another tag is 6985: nothing was chosen that could take it.
func (d *Domain) storeOwn(data []byte) apdu.SW {
	objects, err := tlv.Parse(data)
	if err != nil || len(objects) == 0 {
		return apdu.SWWrongData
	}
	id := d.fixed
	into := map[tlv.Tag]*[]byte{0x42: &id.IIN, 0x45: &id.CIN}
	for _, o := range objects {
		place, ok := into[o.Tag]
		switch {
		case !ok:
			return apdu.SWConditions
		case len(o.Value) > 16:
			return apdu.SWWrongData
		}
		*place = slices.Clone(o.Value)
		delete(into, o.Tag)
	}
	if err := d.write(map[string]any{identityCell: id}); err != nil {
		return statusOr(err, apdu.SWMemory)
	}
	d.fixed = id
	return apdu.SWOK
}
