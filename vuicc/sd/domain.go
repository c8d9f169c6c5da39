// Package sd is the card's side of GlobalPlatform: the issuer security domain of the virtual UICC with its key sets, secure
// channels, registry and card content management (GPCS 2.3.1, Amendment D 1.2, TS 102 226). It is written apart from the host's
// packages; published vectors pin both.
//
// Commands come in T=1 manner and are answered in one piece. Everything a reset must not lose is in Memory; what is
// volatile (sessions, a load under way) ends with Reset.
package sd

import (
	"fmt"
	"io"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// Config is a domain on the day it leaves the factory. Of everything but Rand the memory's word counts once it has been
// written.
type Config struct {
	AID        []byte // 5 to 16 bytes; nil: A000000151000000
	Privileges []byte // 3 bytes; nil: 9EFE80
	KDD        []byte // key diversification data, 10 bytes; nil: zeros
	CPLC       []byte // 42 bytes; nil: GET DATA 9F7F answers 6A88
	IIN, CIN   []byte // nil: not there
	State      byte   // card life cycle; 00: SECURED
	Keys       []KeySet
	Velocity   int // failed authentications until a key set is blocked; 0: 10
	MaxData    int // command data taken, told in tag 9F65; 0: 255
	// Preinstalled is content that no command put there.
	Preinstalled Content
	// Rand is where random card challenges come from.
	Rand io.Reader
}

// DefaultAID is the AID of an issuer security domain since GlobalPlatform 2.1.1; older cards have A000000003000000.
var DefaultAID = []byte{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00}

// Life cycle of the card (GPCS table 11-6).
const (
	OPReady     byte = 0x01
	Initialized byte = 0x07
	Secured     byte = 0x0F
	CardLocked  byte = 0x7F
	terminated  byte = 0xFF
)

// Domain is the issuer security domain. It is not safe for concurrent use: a card is single-threaded.
type Domain struct {
	mem  Memory
	rt   Runtime
	rand io.Reader

	// what the memory holds; read again at Reset, so that a power cut inside a write leaves no second truth
	fixed identity
	keys  []keySet
	reg   registry

	// volatile, by logical channel
	sessions map[int]*session
	targets  map[int]*personalization
	loads    map[int]*load
	pages    map[int]*listing

	challenge func(*Domain, keySet, []byte, []byte) (protocol, error) // begin, but for tests of recorded sessions
}

// New opens the domain over its memory. What the memory lacks is written there from the configuration, in one transaction.
func New(mem Memory, cfg Config, rt Runtime) (*Domain, error) {
	d := &Domain{mem: mem, rt: rt, rand: cfg.Rand, challenge: (*Domain).begin}
	if err := d.create(cfg); err != nil {
		return nil, fmt.Errorf("security domain: %w", err)
	}
	if err := d.read(); err != nil {
		return nil, fmt.Errorf("security domain: %w", err)
	}
	d.forget()
	return d, nil
}

// Reset is a reset of the card: every session ends, and what is known comes from the memory again.
func (d *Domain) Reset() {
	d.forget()
	if err := d.read(); err != nil { // a memory that was replaced by something else: a domain without keys and content
		d.keys, d.reg = nil, registry{State: CardLocked}
	}
}

func (d *Domain) forget() {
	d.sessions = map[int]*session{}
	d.targets = map[int]*personalization{}
	d.loads = map[int]*load{}
	d.pages = map[int]*listing{}
}

// EndSession ends the session of a logical channel with all that hangs on it: another application was selected, or the
// channel was closed.
func (d *Domain) EndSession(channel int) {
	delete(d.sessions, channel)
	delete(d.targets, channel)
	delete(d.loads, channel)
	delete(d.pages, channel)
}

// AID of the domain.
func (d *Domain) AID() []byte { return d.fixed.AID }

// Select answers SELECT of the domain (GPCS clause 11.9): FCI 6F { 84 AID, A5 { 9F65 maximum command data } }. A locked card
// answers the same with 6283.
func (d *Domain) Select(apdu.Command) apdu.Response {
	v := tlv.Encode(0x84, d.fixed.AID)
	v = tlv.Append(v, 0xA5, tlv.Encode(0x9F65, []byte{byte(d.fixed.MaxData)}))
	r := apdu.Response{Data: tlv.Encode(0x6F, v), SW: apdu.SWOK}
	if d.reg.State == CardLocked {
		r.SW = apdu.SWFileDeactivated
	}
	return r
}

// Deselect ends the session of the channel.
func (d *Domain) Deselect(channel int) { d.EndSession(channel) }

// Channel is the domain's secure channel on a logical channel.
func (d *Domain) Channel(n int) plug.SecureChannel { return d.ChannelFor(n, d.fixed.AID) }

// ChannelFor is the channel the applet of that AID hands its commands to: the AID goes into pseudo-random challenges.
func (d *Domain) ChannelFor(n int, applet []byte) plug.SecureChannel {
	return &channel{d: d, n: n, aid: applet}
}

// Process answers every command but SELECT on a channel where the domain is selected.
func (d *Domain) Process(c apdu.Command) apdu.Response {
	if sw := d.acceptable(c); sw != apdu.SWOK {
		return apdu.Response{SW: sw}
	}
	switch {
	case c.INS == apdu.INSInitializeUpdate, c.INS == apdu.INSExternalAuth:
		return d.Channel(apdu.Channel(c.CLA)).Security(c)
	case c.INS == apdu.INSGetData && !apdu.SecureMessaging(c.CLA):
		return d.getData(c)
	}
	return d.secured(c)
}

// acceptable looks at class, instruction and length alone (GPCS table 11-1, clause 11.1.4).
func (d *Domain) acceptable(c apdu.Command) apdu.SW {
	_, known := commands[c.INS]
	base := apdu.BaseClass(c.CLA)
	switch {
	case base != 0x80 && base != 0x00:
		return apdu.SWUnknownCLA
	case !known:
		return apdu.SWUnknownINS
	case base == 0x00 && c.INS != apdu.INSGetData:
		return apdu.SWUnknownCLA
	case len(c.Data) > d.fixed.MaxData:
		return apdu.SWWrongLength
	}
	return apdu.SWOK
}

// commands are the instructions of the domain (GPCS table 11-1): which need a session, and which a locked card still takes.
var commands = map[byte]struct {
	run    func(*Domain, apdu.Command) apdu.Response // inside a session, unwrapped
	locked bool
}{
	apdu.INSInitializeUpdate: {nil, true},
	apdu.INSExternalAuth:     {nil, true},
	apdu.INSGetData:          {(*Domain).getData, true},
	apdu.INSStatus:           {(*Domain).getStatus, true},
	apdu.INSSetStatus:        {(*Domain).setStatus, true},
	apdu.INSInstall:          {(*Domain).install, false},
	apdu.INSLoad:             {(*Domain).load, false},
	apdu.INSDelete:           {(*Domain).delete, false},
	apdu.INSPutKey:           {(*Domain).putKey, false},
	apdu.INSStoreData:        {(*Domain).storeData, false},
}

// secured unwraps, carries out, and wraps the answer.
func (d *Domain) secured(c apdu.Command) apdu.Response {
	ch := d.Channel(apdu.Channel(c.CLA))
	plain, err := ch.Unwrap(c)
	if err != nil {
		return apdu.Response{SW: statusOf(err)}
	}
	return ch.Wrap(d.manage(plain))
}

// manage carries out one command of an authenticated session. Whatever changes something ends a load under way, and
// whatever is not GET STATUS ends a listing.
func (d *Domain) manage(c apdu.Command) apdu.Response {
	ch := apdu.Channel(c.CLA)
	if c.INS != apdu.INSStatus {
		delete(d.pages, ch)
	}
	if c.INS != apdu.INSLoad && c.INS != apdu.INSStatus && c.INS != apdu.INSGetData {
		delete(d.loads, ch)
	}
	row, ok := commands[c.INS]
	switch {
	case !ok || row.run == nil:
		return apdu.Response{SW: apdu.SWUnknownINS}
	case d.reg.State == CardLocked && !row.locked: // only here, behind the C-MAC: the host counts the command too
		return apdu.Response{SW: apdu.SWConditions}
	}
	return row.run(d, c)
}

// done is the answer of content management without a confirmation: its length, 00 (GPCS clause 11.1.6).
func done() apdu.Response { return apdu.Response{Data: []byte{0x00}, SW: apdu.SWOK} }

func refuse(sw apdu.SW) apdu.Response { return apdu.Response{SW: sw} }

// statusOf is the status word of an error: itself when it is one.
func statusOf(err error) apdu.SW {
	if sw, ok := err.(apdu.SW); ok {
		return sw
	}
	return apdu.SWNoDiagnosis
}
