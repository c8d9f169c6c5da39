package bindapp

import (
	"bytes"

	"github.com/simbind/simbind/tlv"
)

// Version of the applet and of the card interface (E3).
var version = []byte{0x01, 0x00}

const interfaceVersion = 0x01

// information is the value of E3 (§7).
func (a *applet) information() []byte {
	b := tlv.Encode(0x80, version)
	b = tlv.Append(b, 0x81, []byte{interfaceVersion})
	b = tlv.Append(b, 0x82, []byte{capacity})
	b = tlv.Append(b, 0x83, []byte{a.features})
	if adf := a.env.Get(cellADF); adf != nil {
		b = tlv.Append(b, 0x84, adf)
	}
	var managed byte
	for _, c := range a.copies() {
		managed |= 1 << c.which
	}
	return tlv.Append(b, 0x85, []byte{managed})
}

// standing is tag 81: how EF_IMSI stands; ok is false when a copy cannot be read.
func standing(copies []imsiCopy, c configuration) (byte, bool) {
	backups, denials, readable := 0, 0, 0
	for _, x := range copies {
		switch {
		case x.content == nil:
			return 0, false
		case bytes.Equal(x.content, c.denial):
			denials++
		case x.backup != nil && bytes.Equal(x.content, x.backup):
			backups++
		}
		readable++
	}
	switch {
	case readable == 0:
		return 0, false
	case backups == readable:
		return 0x01, true
	case denials == readable:
		return 0x00, true
	case backups+denials == readable || len(copies) > 1 && differ(copies):
		return 0x03, true
	}
	return 0x02, true
}

func differ(copies []imsiCopy) bool {
	for _, c := range copies[1:] {
		if !bytes.Equal(c.content, copies[0].content) {
			return true
		}
	}
	return false
}

// status is tag 80.
func (a *applet) status(c configuration) byte {
	switch {
	case !c.set:
		return 0x00
	case c.scheme == schemeOff:
		return 0x01
	case c.scheme == schemePreset:
		return 0x04
	case len(a.bound()) == 0:
		return 0x02
	}
	return 0x03
}

// state is the value of E1 (§5), whole or the open view.
func (a *applet) state(full bool) []byte {
	c, copies := a.configuration(), a.copies()
	b := tlv.Encode(0x80, []byte{a.status(c)})
	reason := a.byteOf(cellReason)
	if v, ok := standing(copies, c); ok {
		b = tlv.Append(b, 0x81, []byte{v})
	} else {
		reason = reasonNotReadable
		if a.service130() {
			reason = reasonService130
		}
	}
	b = tlv.Append(b, 0x82, []byte{a.byteOf(cellDecision)})
	b = a.identities(b, full || c.has(policyOpenIdentity))
	b = tlv.Append(b, 0x85, a.counters())
	g := a.generation()
	b = tlv.Append(b, 0x86, []byte{byte(g >> 8), byte(g)})
	b = a.backups(b, copies, full)
	b = tlv.Append(b, 0x89, []byte{reason})
	b = tlv.Append(b, 0x90, []byte{c.policy})
	for _, x := range []struct {
		tag  tlv.Tag
		cell string
	}{{0x91, cellAnswer}, {0x92, cellRefresh}} {
		if v := a.env.Get(x.cell); v != nil {
			b = tlv.Append(b, x.tag, v)
		}
	}
	return tlv.Append(b, 0x93, a.resets())
}

func (a *applet) resets() []byte {
	if v := a.env.Get(cellResets); len(v) == 2 {
		return v
	}
	return make([]byte, 2)
}

func (a *applet) identities(b []byte, whole bool) []byte {
	shown := func(imei []byte) []byte {
		if whole {
			return imei
		}
		return veiled(imei)
	}
	for _, imei := range a.bound() {
		b = tlv.Append(b, 0x83, shown(imei))
	}
	if imei := a.env.Get(cellIMEI); imei != nil {
		b = tlv.Append(b, 0x84, shown(imei))
	}
	return b
}

func (a *applet) backups(b []byte, copies []imsiCopy, full bool) []byte {
	var held byte
	for _, c := range copies {
		if c.backup != nil {
			held |= 1 << c.which
		}
	}
	b = tlv.Append(b, 0x87, []byte{held})
	if !full {
		return b
	}
	for _, x := range []struct {
		tag  tlv.Tag
		cell string
	}{{0x88, copyUSIM.backup()}, {0x95, copyGSM.backup()}, {0x96, copyUSIM.replaced()}, {0x97, copyGSM.replaced()}} {
		if v := a.env.Get(x.cell); v != nil {
			b = tlv.Append(b, x.tag, v)
		}
	}
	return b
}

// logObject is the value of E4 (§7).
func (a *applet) logObject() []byte {
	b := []byte{}
	for e := a.env.Get(cellLog); len(e) >= logEntry; e = e[logEntry:] {
		b = tlv.Append(b, 0x80, e[:logEntry])
	}
	return b
}
