package vuicc

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/image"
)

// codeSize is what every code on the contacts has (TS 102 221 clause 9.5.1).
const codeSize = 8

// pin is one code with its state in memory.
type pin struct {
	c *Card
	image.PIN
}

func (c *Card) pin(ref byte) *pin {
	for _, p := range c.image.PINs {
		if p.Ref == ref {
			return &pin{c, p}
		}
	}
	return nil
}

func (p *pin) cell(name string) string {
	return "pin/" + hex.EncodeToString([]byte{p.Ref}) + "/" + name
}

func (p *pin) number(name string, factory int) int {
	if v := p.c.mem.Get(p.cell(name)); len(v) == 1 {
		return int(v[0])
	}
	return factory
}

func (p *pin) set(name string, v int) error { return p.c.mem.PutNow(p.cell(name), []byte{byte(v)}) }

func (p *pin) left() int     { return p.number("left", p.Tries) }
func (p *pin) pukLeft() int  { return p.number("puk-left", p.PUKTries) }
func (p *pin) enabled() bool { return p.number("enabled", btoi(p.Enabled)) == 1 }

func (p *pin) code() []byte {
	if v := p.c.mem.Get(p.cell("code")); v != nil {
		return v
	}
	return p.Code
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pinEnabled is for the PIN status template.
func (c *Card) pinEnabled(ref byte) bool {
	p := c.pin(ref)
	return p != nil && p.enabled()
}

// satisfied tells whether a key reference opens an access condition now: verified since the reset, or disabled
// (TS 102 221 clause 9.5.1). ADM codes cannot be disabled.
func (c *Card) satisfied(ref byte) bool {
	p := c.pin(ref)
	return p != nil && (c.verified[ref] || !p.enabled())
}

// check compares a code. The counter goes down before the comparison, so that a cut cannot give a free try, and up
// again when the code is right.
func (p *pin) check(offered, want []byte, name string, left, full int) apdu.SW {
	if left == 0 {
		return apdu.SWBlocked
	}
	if p.set(name, left-1) != nil {
		return apdu.SWMemory
	}
	if subtle.ConstantTimeCompare(offered, want) != 1 {
		delete(p.c.verified, p.Ref)
		return 0x63C0 | apdu.SW(left-1)
	}
	if p.set(name, full) != nil {
		return apdu.SWMemory
	}
	return apdu.SWOK
}

func (p *pin) checkCode(offered []byte) apdu.SW {
	return p.check(offered, p.code(), "left", p.left(), p.Tries)
}

// verify compares a code, or tells the counter when there is no data (clause 11.1.9).
func (c *Card) verify(_ *channel, cmd apdu.Command) apdu.Response {
	p := c.pin(cmd.P2)
	switch {
	case cmd.P1 != 0:
		return sw(apdu.SWWrongP1P2)
	case p == nil:
		return sw(apdu.SWReferenceNotFound)
	case len(cmd.Data) == 0 && p.left() == 0:
		return sw(apdu.SWBlocked)
	case len(cmd.Data) == 0 && c.verified[p.Ref]:
		return sw(apdu.SWOK)
	case len(cmd.Data) == 0:
		return sw(0x63C0 | apdu.SW(p.left()))
	case len(cmd.Data) != codeSize:
		return sw(apdu.SWWrongLength)
	}
	c.count.Verify++
	if !p.enabled() {
		return sw(apdu.SWReferencedData)
	}
	s := p.checkCode(cmd.Data)
	if s == apdu.SWOK {
		c.verified[p.Ref] = true
	}
	return sw(s)
}

// withCodes checks reference and length of the commands that carry codes.
func (c *Card) withCodes(cmd apdu.Command, codes int) (*pin, apdu.SW) {
	p := c.pin(cmd.P2)
	switch {
	case p == nil:
		return nil, apdu.SWReferenceNotFound
	case len(cmd.Data) != codes*codeSize:
		return nil, apdu.SWWrongLength
	}
	return p, apdu.SWOK
}

// changePIN takes the old code and the new one (clause 11.1.10).
func (c *Card) changePIN(_ *channel, cmd apdu.Command) apdu.Response {
	p, s := c.withCodes(cmd, 2)
	if s != apdu.SWOK {
		return sw(s)
	}
	if !p.enabled() {
		return sw(apdu.SWReferencedData)
	}
	if s = p.checkCode(cmd.Data[:codeSize]); s == apdu.SWOK {
		c.verified[p.Ref] = true
		s = p.store(cmd.Data[codeSize:])
	}
	return sw(s)
}

func (p *pin) store(code []byte) apdu.SW {
	if p.c.mem.PutNow(p.cell("code"), bytes.Clone(code)) != nil {
		return apdu.SWMemory
	}
	return apdu.SWOK
}

// disablePIN and enablePIN take the code (clauses 11.1.11, 11.1.12); only a PIN with a PUK can be disabled.
func (c *Card) disablePIN(_ *channel, cmd apdu.Command) apdu.Response { return c.enable(cmd, false) }
func (c *Card) enablePIN(_ *channel, cmd apdu.Command) apdu.Response  { return c.enable(cmd, true) }

func (c *Card) enable(cmd apdu.Command, on bool) apdu.Response {
	p, s := c.withCodes(cmd, 1)
	switch {
	case s != apdu.SWOK:
		return sw(s)
	case len(p.PUK) == 0:
		return sw(apdu.SWConditions)
	case p.enabled() == on:
		return sw(apdu.SWReferencedData)
	}
	if s = p.checkCode(cmd.Data); s == apdu.SWOK {
		c.verified[p.Ref] = true
		if p.set("enabled", btoi(on)) != nil {
			s = apdu.SWMemory
		}
	}
	return sw(s)
}

// unblockPIN takes the PUK and the new code, or tells the PUK's counter (clause 11.1.13).
func (c *Card) unblockPIN(_ *channel, cmd apdu.Command) apdu.Response {
	p := c.pin(cmd.P2)
	if p == nil || len(p.PUK) == 0 {
		return sw(apdu.SWReferenceNotFound)
	}
	if len(cmd.Data) == 0 {
		if p.pukLeft() == 0 {
			return sw(apdu.SWBlocked)
		}
		return sw(0x63C0 | apdu.SW(p.pukLeft()))
	}
	if len(cmd.Data) != 2*codeSize {
		return sw(apdu.SWWrongLength)
	}
	s := p.check(cmd.Data[:codeSize], p.PUK, "puk-left", p.pukLeft(), p.PUKTries)
	if s != apdu.SWOK {
		return sw(s)
	}
	if s = p.store(cmd.Data[codeSize:]); s != apdu.SWOK {
		return sw(s)
	}
	if p.set("left", p.Tries) != nil || p.set("enabled", 1) != nil {
		return sw(apdu.SWMemory)
	}
	c.verified[p.Ref] = true
	return sw(apdu.SWOK)
}
