package sd

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// P1 of GET STATUS (GPCS table 11-33).
const (
	listDomain       byte = 0x80
	listApplications byte = 0x40
	listLoadFiles    byte = 0x20
	listModules      byte = 0x10
)

// row is one entry of an answer.
type row struct {
	aid        []byte
	state      byte
	privileges []byte // 3 bytes; nil of a load file
	loadFile   []byte
	version    []byte
	modules    [][]byte
}

// listing is an answer under way: what is left of it, and the command it belongs to.
type listing struct {
	p1   byte
	data []byte // of the command
	rest [][]byte
}

// getStatus is GET STATUS (GPCS clause 11.4). P2: 02 first or only, 03 next in TLV form; 00 and 01 in the old form. The data is 4F
// with an AID or its head, and a tag list 5C if wanted. As many whole entries as fit go out at once, then 6310.
func (d *Domain) getStatus(c apdu.Command) apdu.Response {
	ch := apdu.Channel(c.CLA)
	under := d.pages[ch]
	delete(d.pages, ch)
	if c.P2&^byte(0x03) != 0 || !slices.Contains([]byte{listDomain, listApplications, listLoadFiles, listModules}, c.P1) {
		return refuse(apdu.SWWrongP1P2)
	}
	head, tags, sw := search(c.Data)
	if sw != apdu.SWOK {
		return refuse(sw)
	}
	if c.P2&0x01 != 0 {
		if under == nil || under.p1 != c.P1 || !bytes.Equal(under.data, c.Data) {
			return refuse(apdu.SWConditions)
		}
		return d.page(ch, under)
	}
	l := &listing{p1: c.P1, data: c.Data}
	for _, r := range d.rows(c.P1) {
		switch {
		case !bytes.HasPrefix(r.aid, head):
		case c.P2&0x02 != 0:
			l.rest = append(l.rest, r.tlv(tags, d.fixed.AID))
		default:
			l.rest = append(l.rest, r.old(c.P1))
		}
	}
	if len(l.rest) == 0 {
		return refuse(apdu.SWReferenceNotFound)
	}
	return d.page(ch, l)
}

// search reads the data field: 4F with 0 to 16 bytes first, then at most a tag list.
func search(data []byte) (head []byte, tags []tlv.Tag, sw apdu.SW) {
	objects, err := tlv.Parse(data)
	if err != nil || len(objects) == 0 || len(objects) > 2 || objects[0].Tag != 0x4F || len(objects[0].Value) > 16 {
		return nil, nil, apdu.SWWrongData
	}
	if len(objects) == 1 {
		return objects[0].Value, nil, apdu.SWOK
	}
	if objects[1].Tag != 0x5C {
		return nil, nil, apdu.SWWrongData
	}
	tags, ok := tagList(objects[1].Value)
	if !ok {
		return nil, nil, apdu.SWWrongData
	}
	return objects[0].Value, tags, apdu.SWOK
}

// tagList reads tags of one or two bytes one behind the other.
func tagList(b []byte) ([]tlv.Tag, bool) {
	tags := []tlv.Tag{}
	for len(b) > 0 {
		n := 1
		if b[0]&0x1F == 0x1F {
			n = 2
		}
		if len(b) < n {
			return nil, false
		}
		tag := tlv.Tag(0)
		for _, v := range b[:n] {
			tag = tag<<8 | tlv.Tag(v)
		}
		tags, b = append(tags, tag), b[n:]
	}
	return tags, true
}

func (d *Domain) rows(p1 byte) []row {
	var out []row
	switch p1 {
	case listDomain:
		return []row{{aid: d.fixed.AID, state: d.reg.State, privileges: d.fixed.Privileges}}
	case listApplications:
		for _, i := range d.reg.Instances {
			out = append(out, row{aid: i.AID, state: i.State, privileges: i.Privileges, loadFile: i.LoadFile})
		}
	default:
		for _, f := range d.reg.LoadFiles {
			r := row{aid: f.AID, state: 0x01, version: []byte{f.Major, f.Minor}}
			if p1 == listModules {
				r.modules = f.Modules
			}
			out = append(out, r)
		}
	}
	return out
}

// tlv is E3 with what the tag list asks for, nil asks for all: 4F AID, 9F70 life cycle, C5 privileges, C4 load file, CE version, 84
// modules, CC security domain (GPCS table 11-36).
func (r row) tlv(tags []tlv.Tag, domain []byte) []byte {
	var v []byte
	add := func(tag tlv.Tag, value []byte) {
		if len(value) > 0 && (tags == nil || slices.Contains(tags, tag)) {
			v = tlv.Append(v, tag, value)
		}
	}
	add(0x4F, r.aid)
	add(0x9F70, []byte{r.state})
	add(0xC5, r.privileges)
	add(0xC4, r.loadFile)
	add(0xCE, r.version)
	for _, m := range r.modules {
		add(0x84, m)
	}
	add(0xCC, domain)
	return tlv.Encode(0xE3, v)
}

// old is the form before TLV (GPCS table 11-35): length, AID, life cycle, one byte of privileges; of load files with modules then
// their number and length, AID each.
func (r row) old(p1 byte) []byte {
	privileges := byte(0)
	if len(r.privileges) > 0 {
		privileges = r.privileges[0]
	}
	v := append([]byte{byte(len(r.aid))}, r.aid...)
	v = append(v, r.state, privileges)
	if p1 != listModules {
		return v
	}
	v = append(v, byte(len(r.modules)))
	for _, m := range r.modules {
		v = append(append(v, byte(len(m))), m...)
	}
	return v
}

// page answers what fits; an entry that is longer than a page alone is cut.
func (d *Domain) page(ch int, l *listing) apdu.Response {
	room := d.sessions[ch].room()
	var out []byte
	for len(l.rest) > 0 && len(out)+len(l.rest[0]) <= room {
		out, l.rest = append(out, l.rest[0]...), l.rest[1:]
	}
	if len(out) == 0 {
		out, l.rest[0] = l.rest[0][:room], l.rest[0][room:]
	}
	if len(l.rest) == 0 {
		return apdu.Response{Data: out, SW: apdu.SWOK}
	}
	d.pages[ch] = l
	return apdu.Response{Data: out, SW: apdu.SWMoreData}
}
