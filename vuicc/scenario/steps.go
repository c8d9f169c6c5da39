package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/image"
)

// terminalProfile is the one of a phone (TS 102 223 clause 5.2).
const terminalProfile = "FFFFFFFF7F9D00DFBF00001FE2000000C36B0007"

// Types of proactive commands (TS 102 223 clause 9.4).
const (
	typeRefresh       = 0x01
	typePollInterval  = 0x03
	typePollingOff    = 0x04
	typeEventList     = 0x05
	typeMenu          = 0x25
	typeLocal         = 0x26
	qualifierIMEI     = 0x01
	qualifierIMEISV   = 0x08
	placeOfType       = 5
	placeOfQualifier  = 6
	proactiveMinimum  = 7
	busyAnswers       = 20
	generalResultBusy = 0x20
)

// on powers the card and sends the first command.
func (b *bench) on(l Line) error {
	b.card.PowerOff()
	if _, err := b.card.PowerOn(); err != nil {
		return err
	}
	return b.first(l)
}

// reset is a warm reset and the first command.
func (b *bench) reset(l Line) error {
	if _, err := b.card.Reset(); err != nil {
		return err
	}
	return b.first(l)
}

func (b *bench) first(l Line) error {
	b.powered, b.command, b.chain = true, nil, nil
	b.arm(l.Faults)
	_, err := b.must("SELECT", apdu.Command{INS: 0xA4, P2: 0x0C, Data: []byte{0x3F, 0x00}})
	return err
}

func (b *bench) off(Line) error {
	b.card.PowerOff()
	b.powered, b.command = false, nil
	return nil
}

// profile sends TERMINAL PROFILE.
func (b *bench) profile(l Line) error {
	b.command = nil
	b.arm(l.Faults)
	_, err := b.must("TERMINAL PROFILE", apdu.Command{CLA: 0x80, INS: 0x10, Data: unhex(terminalProfile)})
	return b.fetched(err)
}

// start is a whole everyday start: on, profile, the question for the IMEI, and its answer.
func (b *bench) start(l Line) error {
	faults := l.Faults
	l.Faults = nil
	if err := b.on(l); err != nil {
		return err
	}
	if err := b.profile(l); err != nil {
		return err
	}
	if err := b.asks(Line{Words: []string{"imei"}}); err != nil {
		return err
	}
	l.Faults = faults
	return b.imei(l)
}

// imei answers PROVIDE LOCAL INFORMATION: 14 digits and the spare digit 0 (TS 102 223 clause 8.20).
func (b *bench) imei(l Line) error {
	return b.respond(l, 0x00, identity(0x94, 0x0A, l.Words[0][:14]+"0"))
}

// imeisv answers with an IMEISV (clause 8.74).
func (b *bench) imeisv(l Line) error {
	return b.respond(l, 0x00, identity(0xE2, 0x03, l.Words[0]))
}

// identity codes a mobile identity (TS 24.008 clause 10.5.1.4): digit 1 over the type, then pairs low first, F at an even end.
func identity(tag, kind byte, digits string) []byte {
	v := []byte{digits[0]<<4 | kind}
	for rest := digits[1:]; rest != ""; {
		low, high := rest[0]&0x0F, byte(0x0F)
		rest = rest[1:]
		if rest != "" {
			high = rest[0] & 0x0F
			rest = rest[1:]
		}
		v = append(v, high<<4|low)
	}
	return append([]byte{tag, byte(len(v))}, v...)
}

// answer is any TERMINAL RESPONSE: the general result, and objects behind it.
func (b *bench) answer(l Line) error {
	var objects []byte
	if len(l.Words) > 1 {
		objects = unhex(l.Words[1])
	}
	return b.respond(l, unhex(l.Words[0])[0], objects)
}

// busy answers 20 to every question for the identity, with a STATUS between, until it is asked no more.
func (b *bench) busy(l Line) error {
	if err := b.leave(); err != nil {
		return err
	}
	b.arm(l.Faults)
	for range busyAnswers {
		if b.command == nil {
			if err := b.poll(); err != nil {
				return err
			}
		}
		if b.command == nil || b.command[placeOfType] != typeLocal {
			return nil
		}
		if err := b.terminalResponse(generalResultBusy, nil); err != nil {
			return err
		}
	}
	return errors.New("the card asks on and on")
}

// status is the terminal's poll. STATUS and VERIFY belong to the UICC, not to the applet that may be selected: leave it first.
func (b *bench) status(l Line) error {
	if err := b.leave(); err != nil {
		return err
	}
	b.arm(l.Faults)
	return b.poll()
}

func (b *bench) leave() error {
	_, err := b.must("SELECT", apdu.Command{INS: 0xA4, P1: 0x04, P2: 0x0C, Data: image.USIM()})
	return err
}

func (b *bench) poll() error {
	_, err := b.must("STATUS", apdu.Command{CLA: 0x80, INS: 0xF2, P2: 0x0C})
	return b.fetched(err)
}

func (b *bench) respond(l Line, result byte, objects []byte) error {
	if b.command == nil {
		return errors.New("no proactive command waits for an answer")
	}
	b.arm(l.Faults)
	return b.terminalResponse(result, objects)
}

func (b *bench) terminalResponse(result byte, objects []byte) error {
	d := append([]byte{0x81, 0x03}, b.command[4:7]...)
	d = append(d, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result)
	b.command = nil
	_, err := b.must("TERMINAL RESPONSE", apdu.Command{CLA: 0x80, INS: 0x14, Data: append(d, objects...)})
	return b.fetched(err)
}

// fetched takes the proactive command that waits. The card's own (poll interval, event list, menu) are answered at once: they
// are no business of the applet.
func (b *bench) fetched(err error) error {
	for err == nil && b.command == nil {
		var c []byte
		if c, err = b.fetch(); err != nil || c == nil {
			return err
		}
		b.command, b.asked = c, false
		switch c[placeOfType] {
		case typePollInterval, typePollingOff, typeEventList, typeMenu:
			err = b.own()
		}
	}
	return err
}

func (b *bench) own() error {
	d := append([]byte{0x81, 0x03}, b.command[4:7]...)
	b.command = nil
	_, err := b.must("TERMINAL RESPONSE", apdu.Command{CLA: 0x80, INS: 0x14, Data: append(d, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, 0x00)})
	return err
}

// fetch sends a STATUS-free question whether a command waits: FETCH answers 6F00 without one. On T=0 the length comes as 6CXX.
func (b *bench) fetch() ([]byte, error) {
	r, err := b.send(apdu.Command{CLA: 0x80, INS: 0x12, Le: 256})
	if err != nil {
		return nil, err
	}
	switch {
	case r.SW == apdu.SWNoDiagnosis:
		return nil, nil
	case !r.SW.OK() || len(r.Data) < proactiveMinimum:
		return nil, fmt.Errorf("FETCH answers %X %04X", r.Data, int(r.SW))
	}
	return r.Data, nil
}

// issuer writes EF_IMSI with ADM1, one copy after the other.
func (b *bench) issuer(l Line) error {
	if err := b.verify(); err != nil {
		return err
	}
	armed := false
	for _, name := range []string{"usim", "gsm"} {
		if b.truth[name] == "" || l.Words[0] != "both" && l.Words[0] != name {
			continue
		}
		if err := b.selectFile(copies[name]); err != nil {
			return err
		}
		if !armed {
			b.arm(l.Faults)
			armed = true
		}
		old := b.content(copies[name])
		_, err := b.must("UPDATE BINARY", apdu.Command{INS: 0xD6, Data: unhex(l.Words[1])})
		if err == nil || text(b.content(copies[name])) != text(old) {
			b.truth[name] = l.Words[1]
		}
		if err != nil {
			return err
		}
	}
	return b.fetched(nil)
}

// network writes a transparent file as the terminal does, with the rights of PIN1 and ADM1.
func (b *bench) network(l Line) error {
	if err := b.verify(); err != nil {
		return err
	}
	if err := b.selectFile(l.Words[0]); err != nil {
		return err
	}
	b.arm(l.Faults)
	_, err := b.must("UPDATE BINARY", apdu.Command{INS: 0xD6, Data: unhex(l.Words[1])})
	return b.fetched(err)
}

// verify presents PIN1, where it is enabled, and ADM1: the codes of every image.
func (b *bench) verify() error {
	if err := b.leave(); err != nil {
		return err
	}
	if _, err := b.send(apdu.Command{INS: 0x20, P2: 0x01, Data: []byte("1234\xFF\xFF\xFF\xFF")}); err != nil {
		return err
	}
	_, err := b.must("VERIFY ADM1", apdu.Command{INS: 0x20, P2: 0x0A, Data: []byte("88888888")})
	return err
}

func (b *bench) selectFile(path string) error {
	parts := strings.Split(path, "/")
	root := apdu.Command{INS: 0xA4, P2: 0x0C, Data: []byte{0x3F, 0x00}}
	if parts[0] == "ADF1" {
		root = apdu.Command{INS: 0xA4, P1: 0x04, P2: 0x0C, Data: image.USIM()}
	}
	if _, err := b.must("SELECT", root); err != nil {
		return err
	}
	for _, fid := range parts[1:] {
		if _, err := b.must("SELECT "+fid, apdu.Command{INS: 0xA4, P2: 0x0C, Data: unhex(fid)}); err != nil {
			return err
		}
	}
	return nil
}

// session selects the applet and opens a secure channel with it.
func (b *bench) session() (apdu.Transmitter, error) {
	if !b.powered {
		return nil, errors.New("the card is off")
	}
	if _, err := b.selected(); err != nil {
		return nil, err
	}
	return b.opt.Open(b.link())
}

func (b *bench) selected() ([]byte, error) {
	return b.must("SELECT", apdu.Command{INS: 0xA4, P1: 0x04, Data: module, Le: 256})
}

// store sends a template as one STORE DATA, or as many as it needs, over a fresh session.
func (b *bench) store(l Line) error {
	const most = 200
	s, err := b.session()
	if err != nil {
		return err
	}
	b.arm(l.Faults)
	data := unhex(l.Words[0])
	sw := apdu.SWOK
	for n := 0; len(data) > 0 && sw == apdu.SWOK; n++ {
		c := apdu.Command{CLA: 0x80, INS: 0xE2, P1: 0x10, P2: byte(n), Data: data[:min(len(data), most)]}
		data = data[len(c.Data):]
		if len(data) == 0 {
			c.P1 |= 0x80
		}
		r, err := s.Transmit(context.Background(), c)
		if err != nil {
			return err
		}
		sw = plain(r.SW)
	}
	return b.answered(sw, l.Words[1:])
}

// block sends one STORE DATA with P1 and P2 of its own; the first of a chain (P2 00) opens the session that the others go on in.
func (b *bench) block(l Line) error {
	p1, p2 := unhex(l.Words[0])[0], unhex(l.Words[1])[0]
	if p2 == 0 || b.chain == nil {
		s, err := b.session()
		if err != nil {
			return err
		}
		b.chain = s
	}
	b.arm(l.Faults)
	r, err := b.chain.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: 0xE2, P1: p1, P2: p2, Data: unhex(l.Words[2])})
	if err != nil {
		return err
	}
	return b.answered(plain(r.SW), l.Words[3:])
}

// plain takes 91XX for 9000: a proactive command waits.
func plain(sw apdu.SW) apdu.SW {
	if sw>>8 == 0x91 {
		return apdu.SWOK
	}
	return sw
}

// answered compares a status word with "is SW", 9000 without it.
func (b *bench) answered(sw apdu.SW, is []string) error {
	want := "9000"
	if len(is) == 2 {
		want = is[1]
	}
	if got := fmt.Sprintf("%04X", int(sw)); got != want && !b.lenient {
		return fmt.Errorf("the card answers %s, want %s", got, want)
	}
	return b.fetched(nil)
}
