package vuicc

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/fs"
	"github.com/simbind/simbind/vuicc/sd"
)

// channel is what one logical channel knows (TS 102 221 clause 8.7).
type channel struct {
	dir    *fs.Node    // current directory
	ef     *fs.Node    // current EF, nil: none
	record int         // record pointer, 0: none
	app    application // selected by AID; nil: the file system
}

// application is what can be selected by AID besides an ADF: a security domain, or an applet.
type application interface {
	Select(c apdu.Command) apdu.Response
	Process(c apdu.Command) apdu.Response
	Deselect(channel int)
}

func (c *Card) newChannel() *channel { return &channel{dir: c.files.MF} }

// handler carries out one command on a channel.
type handler func(c *Card, ch *channel, cmd apdu.Command) apdu.Response

// key is how a command is recognized: base class and instruction.
type key struct{ cla, ins byte }

// platform are the commands the card itself answers, whatever application a channel has.
var platform = map[key]handler{
	{0x00, apdu.INSManageChannel}:      (*Card).manageChannel,
	{0x80, apdu.INSTerminalProfile}:    (*Card).terminalProfile,
	{0x80, apdu.INSFetch}:              (*Card).fetch,
	{0x80, apdu.INSTerminalResponse}:   (*Card).terminalResponse,
	{0x80, apdu.INSEnvelope}:           (*Card).envelope,
	{0x80, apdu.INSTerminalCapability}: (*Card).terminalCapability,
}

// filing are the commands of the file system (TS 102 221 table 10.5).
var filing = map[key]handler{
	{0x00, apdu.INSSelect}:         (*Card).selectFile,
	{0x80, apdu.INSStatus}:         (*Card).status,
	{0x00, apdu.INSReadBinary}:     (*Card).readBinary,
	{0x00, apdu.INSUpdateBinary}:   (*Card).updateBinary,
	{0x00, apdu.INSReadRecord}:     (*Card).readRecord,
	{0x00, apdu.INSUpdateRecord}:   (*Card).updateRecord,
	{0x00, apdu.INSSearchRecord}:   (*Card).searchRecord,
	{0x80, apdu.INSIncrease}:       (*Card).increase,
	{0x00, apdu.INSVerifyPIN}:      (*Card).verify,
	{0x00, apdu.INSChangePIN}:      (*Card).changePIN,
	{0x00, apdu.INSDisablePIN}:     (*Card).disablePIN,
	{0x00, apdu.INSEnablePIN}:      (*Card).enablePIN,
	{0x00, apdu.INSUnblockPIN}:     (*Card).unblockPIN,
	{0x00, apdu.INSDeactivateFile}: (*Card).deactivateFile,
	{0x00, apdu.INSActivateFile}:   (*Card).activateFile,
	{0x00, apdu.INSGetChallenge}:   (*Card).getChallenge,
	{0x00, apdu.INSAuthenticate}:   (*Card).authenticate,
	{0x80, apdu.INSSuspendUICC}:    (*Card).suspend,
}

func (c *Card) dispatch(cmd apdu.Command) apdu.Response {
	ch, sw := c.channelOf(cmd.CLA)
	if sw != apdu.SWOK {
		return apdu.Response{SW: sw}
	}
	k := key{apdu.BaseClass(cmd.CLA), cmd.INS}
	if h, ok := platform[k]; ok && !apdu.SecureMessaging(cmd.CLA) {
		return h(c, ch, cmd)
	}
	if k.cla == 0x00 && cmd.INS == apdu.INSSelect && cmd.P1 == 0x04 {
		return c.selectAID(ch, cmd)
	}
	if ch.app != nil {
		return ch.app.Process(cmd)
	}
	if apdu.SecureMessaging(cmd.CLA) {
		return apdu.Response{SW: apdu.SWSMUnsupported}
	}
	if h, ok := filing[k]; ok {
		return h(c, ch, cmd)
	}
	return apdu.Response{SW: c.unknown(k)}
}

// unknown: 6E00 for a class no command has, 6D00 for an instruction.
func (c *Card) unknown(k key) apdu.SW {
	if k.cla != 0x00 && k.cla != 0x80 {
		return apdu.SWUnknownCLA
	}
	for known := range filing {
		if known.ins == k.ins {
			return apdu.SWUnknownCLA
		}
	}
	return apdu.SWUnknownINS
}

func (c *Card) channelOf(cla byte) (*channel, apdu.SW) {
	if apdu.BaseClass(cla) == 0xA0 || cla&0x90 == 0x90 || cla&0x10 != 0 {
		return nil, apdu.SWUnknownCLA
	}
	n := apdu.Channel(cla)
	if n >= maxChannels || c.channels[n] == nil {
		return nil, apdu.SWChannelUnsupported
	}
	return c.channels[n], apdu.SWOK
}

// manageChannel opens and closes (clause 11.1.17).
func (c *Card) manageChannel(_ *channel, cmd apdu.Command) apdu.Response {
	switch {
	case cmd.P1 == 0x00 && cmd.P2 == 0x00:
		return c.openChannel(cmd)
	case cmd.P1 == 0x80 && cmd.P2 > 0 && cmd.P2 < maxChannels:
		return c.closeChannel(int(cmd.P2))
	}
	return apdu.Response{SW: apdu.SWWrongP1P2}
}

func (c *Card) openChannel(cmd apdu.Command) apdu.Response {
	if c.locked() {
		return apdu.Response{SW: apdu.SWFunctionUnsupported}
	}
	if cmd.Le != 1 && c.t0 {
		return apdu.Response{SW: wrongLe(1)}
	}
	for n := 1; n < maxChannels; n++ {
		if c.channels[n] == nil {
			c.channels[n] = c.newChannel()
			return apdu.Response{Data: []byte{byte(n)}, SW: apdu.SWOK}
		}
	}
	return apdu.Response{SW: apdu.SWFunctionUnsupported}
}

func (c *Card) closeChannel(n int) apdu.Response {
	ch := c.channels[n]
	if ch == nil {
		return apdu.Response{SW: apdu.SWChannelUnsupported}
	}
	c.leave(n, ch)
	c.channels[n] = nil
	return apdu.Response{SW: apdu.SWOK}
}

// leave ends the application session of a channel.
func (c *Card) leave(n int, ch *channel) {
	if ch.app != nil {
		ch.app.Deselect(n)
	}
	c.domain.EndSession(n)
	ch.app = nil
}

// selectAID selects an ADF, the security domain or an applet. Without data it is the issuer security domain.
func (c *Card) selectAID(ch *channel, cmd apdu.Command) apdu.Response {
	n := apdu.Channel(cmd.CLA)
	app := c.application(cmd.Data)
	if c.locked() && app != application(c.domain) {
		return apdu.Response{SW: apdu.SWFunctionUnsupported}
	}
	if app != nil {
		r := app.Select(cmd)
		if r.SW != apdu.SWOK && !r.SW.Warning() {
			return r
		}
		if ch.app != app {
			c.leave(n, ch)
		}
		c.domain.EndSession(n)
		ch.app, ch.ef, ch.record = app, nil, 0
		return withoutFCI(cmd, r)
	}
	var after *fs.Node
	if cmd.P2&0x03 == 0x02 {
		after = ch.dir.ADF()
	}
	node := c.files.FindADF(cmd.Data, after)
	if len(cmd.Data) < 5 || node == nil {
		return apdu.Response{SW: apdu.SWFileNotFound}
	}
	c.leave(n, ch)
	return c.enter(ch, node, cmd)
}

// withoutFCI: P2 0C asks for no answer.
func withoutFCI(cmd apdu.Command, r apdu.Response) apdu.Response {
	if cmd.P2&0x0C == 0x0C {
		r.Data = nil
	}
	return r
}

// locked: the domain alone can be selected (GPCS clause 5.1.1.4). A session that is open goes on until the next selection.
func (c *Card) locked() bool { return c.domain.State() == sd.CardLocked }

// application finds an instance by its full AID or, as GPCS clause 6.4.1.1 allows, by the first bytes of it. One that is not
// selectable yet, or locked, is passed over as if it were not there; locking ends no session that is open (clause 5.3.1).
func (c *Card) application(aid []byte) application {
	if app := c.domainFor(aid); app != nil {
		return app
	}
	if len(aid) < 5 {
		return nil
	}
	for _, full := range []bool{true, false} {
		for _, a := range c.applets {
			if i, _ := c.domain.Instance(a.aid); a.matches(aid, full) && i.CanBeSelected() {
				return a
			}
		}
	}
	return nil
}

func (c *Card) terminalProfile(_ *channel, cmd apdu.Command) apdu.Response {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return apdu.Response{SW: apdu.SWWrongP1P2}
	}
	return apdu.Response{SW: c.toolkit.TerminalProfile(cmd.Data)}
}

func (c *Card) fetch(_ *channel, cmd apdu.Command) apdu.Response {
	n, ok := c.toolkit.Pending()
	if ok && c.t0 && cmd.Le != n {
		return apdu.Response{SW: wrongLe(n)}
	}
	r := c.toolkit.Fetch(cmd.Le)
	if r.SW == apdu.SWOK {
		c.count.Proactive++
	}
	return r
}

func (c *Card) terminalResponse(_ *channel, cmd apdu.Command) apdu.Response {
	return apdu.Response{SW: c.toolkit.TerminalResponse(cmd.Data)}
}

func (c *Card) envelope(_ *channel, cmd apdu.Command) apdu.Response {
	return c.toolkit.Envelope(cmd.Data)
}

func (c *Card) terminalCapability(_ *channel, cmd apdu.Command) apdu.Response {
	if len(cmd.Data) == 0 {
		return apdu.Response{SW: apdu.SWWrongLength}
	}
	return apdu.Response{SW: apdu.SWOK}
}
