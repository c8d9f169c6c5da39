package jvm

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/plug"
)

// status is a status word as an answer begins with it.
func status(sw apdu.SW) writer { return writer(nil).u16(uint16(sw)) }

// secured reads channel, command and Le.
func (a *applet) secured(c *cursor) (plug.SecureChannel, apdu.Command) {
	ch := a.env.SecureChannel(int(c.u8()))
	raw, le := c.bytes(), int(c.u16())
	out := apdu.Command{Le: le}
	if len(raw) >= 4 {
		out.CLA, out.INS, out.P1, out.P2 = raw[0], raw[1], raw[2], raw[3]
	}
	if len(raw) > 5 {
		out.Data = append([]byte(nil), raw[5:]...)
	}
	return ch, out
}

func (a *applet) security(c *cursor) writer {
	ch, command := a.secured(c)
	r := ch.Security(command)
	return status(r.SW).bytes(r.Data)
}

// unwrap gives the command back with its Lc, 00 without data.
func (a *applet) unwrap(c *cursor) writer {
	ch, command := a.secured(c)
	plain, err := ch.Unwrap(command)
	if err != nil {
		sw, ok := err.(apdu.SW)
		if !ok {
			sw = apdu.SWSecurityStatus
		}
		return status(sw)
	}
	b := append(plain.Header(), byte(len(plain.Data)))
	return status(apdu.SWOK).bytes(append(b, plain.Data...))
}

// wrap takes data and status word and gives the data.
func (a *applet) wrap(c *cursor) writer {
	ch := a.env.SecureChannel(int(c.u8()))
	r, err := apdu.ParseResponse(c.bytes())
	if err != nil {
		return status(apdu.SWWrongLength)
	}
	return status(apdu.SWOK).bytes(ch.Wrap(r).Data)
}

func (a *applet) level(c *cursor) writer {
	return status(apdu.SWOK).u8(a.env.SecureChannel(int(c.u8())).Level())
}

func (a *applet) resetSecurity(c *cursor) writer {
	a.env.SecureChannel(int(c.u8())).Reset()
	return status(apdu.SWOK)
}
