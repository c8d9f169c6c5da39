package bindapp

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// partSize is how much of an object one GET DATA answers (§3).
const partSize = 200

// maximumData is tag 9F65: the most command data the applet takes.
const maximumData = 0xFF

// personalizing is the path of a chain that comes through the security domain; others are their channel.
const personalizing = -1

// chain is a template that arrives in blocks (§3).
type chain struct {
	open bool
	path int
	next byte
	data []byte
}

// maxTemplate is the longest template that may be accepted: an E0 of 16 ranges and everything else. A longer one has more entries
// than the applet holds, whatever else is wrong with it.
const maxTemplate = 4 + 3 + capacity*(2+2*sizeIMEI) + 3 + 2 + sizeIMSI + 3 + 3 + 4

func answer(sw apdu.SW) apdu.Response { return apdu.Response{SW: sw} }

// Select answers with information and the open view of the state (§2).
func (a *applet) Select(apdu.Command) apdu.Response {
	v := tlv.Encode(0x9F65, []byte{maximumData})
	v = tlv.Append(v, 0xE3, a.information())
	v = tlv.Append(v, 0xE1, a.state(false))
	fci := tlv.Append(tlv.Encode(0x84, a.env.AID()), 0xA5, v)
	return apdu.Response{Data: tlv.Encode(0x6F, fci), SW: apdu.SWOK}
}

// Process answers the commands of §3.
func (a *applet) Process(c apdu.Command) apdu.Response {
	if apdu.BaseClass(c.CLA) != 0x80 {
		return answer(apdu.SWUnknownCLA)
	}
	ch := a.env.SecureChannel(apdu.Channel(c.CLA))
	switch c.INS {
	case apdu.INSInitializeUpdate, apdu.INSExternalAuth:
		a.dropChain(apdu.Channel(c.CLA))
		return ch.Security(c)
	case apdu.INSGetData:
		return a.getData(ch, c)
	case apdu.INSStoreData:
		return a.storeData(ch, c)
	}
	return answer(apdu.SWUnknownINS)
}

func (a *applet) dropChain(path int) {
	if a.chain.path == path {
		a.chain = chain{}
	}
}

// secured unwraps a command that carries the secure-messaging bit and wants a session with C-MAC at least.
func secured(ch plug.SecureChannel, c apdu.Command) (apdu.Command, apdu.SW) {
	plain, err := ch.Unwrap(c)
	if err != nil {
		if sw, ok := err.(apdu.SW); ok {
			return c, sw
		}
		return c, apdu.SWSecurityStatus
	}
	if want := plug.Authenticated | plug.CMAC; ch.Level()&want != want {
		return c, apdu.SWSecurityStatus
	}
	return plain, apdu.SWOK
}

func (a *applet) getData(ch plug.SecureChannel, c apdu.Command) apdu.Response {
	if !apdu.SecureMessaging(c.CLA) {
		return a.object(c, false)
	}
	plain, sw := secured(ch, c)
	if sw != apdu.SWOK {
		return answer(sw)
	}
	return ch.Wrap(a.object(plain, true))
}

// object is one part of an object; what needs a session is 6982 without one (§3).
func (a *applet) object(c apdu.Command, session bool) apdu.Response {
	var template []byte
	switch {
	case len(c.Data) > 0:
		return answer(apdu.SWWrongLength)
	case c.P2 == 0xE1:
		template = tlv.Encode(0xE1, a.state(session))
	case c.P2 == 0xE3:
		template = tlv.Encode(0xE3, a.information())
	case c.P2 != 0xE0 && c.P2 != 0xE4:
		return answer(apdu.SWReferenceNotFound)
	case !session:
		return answer(apdu.SWSecurityStatus)
	case c.P2 == 0xE4:
		template = tlv.Encode(0xE4, a.logObject())
	case !a.configuration().set:
		return answer(apdu.SWReferenceNotFound)
	default:
		template = tlv.Encode(0xE0, a.configuration().encode())
	}
	from := int(c.P1) * partSize
	if from >= len(template) {
		return answer(apdu.SWReferenceNotFound)
	}
	return apdu.Response{Data: template[from:min(from+partSize, len(template))], SW: apdu.SWOK}
}

func (a *applet) storeData(ch plug.SecureChannel, c apdu.Command) apdu.Response {
	if !apdu.SecureMessaging(c.CLA) {
		return answer(apdu.SWSecurityStatus)
	}
	plain, sw := secured(ch, c)
	if sw != apdu.SWOK {
		a.dropChain(apdu.Channel(c.CLA))
		return answer(sw)
	}
	return ch.Wrap(answer(a.block(apdu.Channel(c.CLA), plain)))
}

// ProcessData is STORE DATA through the security domain (§3).
func (a *applet) ProcessData(c apdu.Command) apdu.Response {
	return answer(a.block(personalizing, c))
}

// block takes one STORE DATA of a chain; the last one lets the template take effect (§3).
func (a *applet) block(path int, c apdu.Command) apdu.SW {
	if c.P1&^0x80 != 0x10 {
		a.chain = chain{}
		return apdu.SWWrongP1P2
	}
	if c.P2 == 0 {
		a.chain = chain{open: true, path: path}
	}
	if !a.chain.open || a.chain.path != path || a.chain.next != c.P2 {
		a.chain = chain{}
		return apdu.SWWrongP1P2
	}
	switch {
	case len(c.Data) == 0:
		a.chain = chain{}
		return apdu.SWWrongLength
	case len(a.chain.data)+len(c.Data) > maxTemplate:
		a.chain = chain{}
		return apdu.SWNoMemory
	}
	a.chain.data = append(a.chain.data, c.Data...)
	a.chain.next++
	if c.P1&0x80 == 0 {
		return apdu.SWOK
	}
	template := a.chain.data
	a.chain = chain{}
	return a.apply(template)
}

// apply carries out a template: exactly one, E0 or E2 (§3).
func (a *applet) apply(template []byte) apdu.SW {
	objects, err := tlv.Parse(template)
	if err != nil || len(objects) != 1 {
		return apdu.SWWrongData
	}
	switch objects[0].Tag {
	case 0xE0:
		return a.configure(objects[0].Value)
	case 0xE2:
		return a.action(objects[0].Value)
	}
	return apdu.SWWrongData
}
