// Package vuicc is the virtual UICC: a whole (U)SIM in memory or in one file, strict where a card is strict. It is
// written from the standards and from docs/card-interface.md, never from the host's coders, so that it can
// catch their mistakes.
//
// Raw bytes go in and come out, as through contacts: see Card.Process. What a power cut must not lose lives in
// package nvm alone.
package vuicc

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/cat"
	"github.com/simbind/simbind/vuicc/fs"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
	"github.com/simbind/simbind/vuicc/sd"
)

// ErrMute is a card without power: never powered, powered off, or cut.
var ErrMute = errors.New("the card does not answer")

// Card is one virtual UICC. It is not safe for concurrent use: a card is single-threaded.
type Card struct {
	mem     *nvm.Store
	image   image.Image
	files   *fs.FS
	domain  *sd.Domain
	toolkit *cat.Framework
	applets []*instance
	modules map[string]plug.New // by module AID
	rand    io.Reader
	clock   *clock
	count   Counters

	// volatile
	powered  bool
	t0       bool
	channels [maxChannels]*channel
	verified map[byte]bool
	waiting  []byte // data for GET RESPONSE
	waitCh   int
	waitSW   apdu.SW
}

const maxChannels = 4

// Counters is what a test may want to know of a card's life since it was made or opened.
type Counters struct {
	Commands  int `json:"commands"`  // processed, GET RESPONSE included
	Writes    int `json:"writes"`    // persistent writes of the memory
	Updates   int `json:"updates"`   // UPDATE commands that changed a file
	Verify    int `json:"verify"`    // VERIFY with a code
	Proactive int `json:"proactive"` // proactive commands fetched
	Resets    int `json:"resets"`
}

// Option changes how a card is made.
type Option func(*Card)

// WithRand sets the source of challenges.
func WithRand(r io.Reader) Option { return func(c *Card) { c.rand = r } }

// WithModule adds, or replaces, what a module AID runs as: the place where an applet is plugged in.
func WithModule(aid []byte, n plug.New) Option { return func(c *Card) { c.modules[string(aid)] = n } }

const imageCell = "image"

// New makes a card in memory.
func New(img image.Image, opts ...Option) (*Card, error) { return build(nvm.New(), &img, opts) }

// Create makes a card in a file, which must not exist.
func Create(path string, img image.Image, opts ...Option) (*Card, error) {
	mem, err := nvm.Open(path)
	if err != nil {
		return nil, err
	}
	if !mem.Empty() {
		return nil, fmt.Errorf("%s: a card is there already", path)
	}
	c, err := build(mem, &img, opts)
	if err != nil {
		return nil, err
	}
	return c, mem.Flush()
}

// Open takes a card out of its file: the file alone is the card.
func Open(path string, opts ...Option) (*Card, error) {
	mem, err := nvm.Open(path)
	if err != nil {
		return nil, err
	}
	return build(mem, nil, opts)
}

// FromMemory makes a card of a memory that holds one, such as a restored snapshot.
func FromMemory(mem *nvm.Store, opts ...Option) (*Card, error) { return build(mem, nil, opts) }

func build(mem *nvm.Store, img *image.Image, opts []Option) (*Card, error) {
	c := &Card{mem: mem, modules: defaultModules(), rand: rand.Reader, clock: &clock{}, verified: map[byte]bool{}}
	for _, o := range opts {
		o(c)
	}
	if img != nil {
		raw, err := json.Marshal(img)
		if err != nil {
			return nil, err
		}
		if err := mem.PutNow(imageCell, raw); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(mem.Get(imageCell), &c.image); err != nil {
		return nil, fmt.Errorf("not the memory of a virtual card: its image: %w", err)
	}
	if err := c.image.Check(); err != nil {
		return nil, err
	}
	mem.OnWrite = func(n int) {
		c.count.Writes++
		c.clock.write(n)
	}
	return c, c.assemble(img != nil)
}

func (c *Card) assemble(fresh bool) error {
	var err error
	if c.files, err = fs.New(c.image.Files, c.mem); err != nil {
		return err
	}
	c.files.PINEnabled = c.pinEnabled
	if c.domain, err = c.openDomain(); err != nil {
		return err
	}
	return c.openApplets(fresh)
}

// NVM is the memory, for tests that cut the power or look inside.
func (c *Card) NVM() *nvm.Store { return c.mem }

// Counters tells what happened so far.
func (c *Card) Counters() Counters { return c.count }

// Image is what the card was made of.
func (c *Card) Image() image.Image { return c.image }

// T0 tells whether the card speaks T=0 since it was powered.
func (c *Card) T0() bool { return c.t0 }

// PowerOn is a cold reset; it answers the ATR.
func (c *Card) PowerOn() ([]byte, error) {
	c.powered = true
	return c.restart()
}

// Reset is a warm reset; it answers the ATR.
func (c *Card) Reset() ([]byte, error) {
	if !c.powered {
		return nil, ErrMute
	}
	return c.restart()
}

// PowerOff takes the power away.
func (c *Card) PowerOff() {
	c.forget()
	c.powered = false
}

func (c *Card) restart() ([]byte, error) {
	c.count.Resets++
	c.forget()
	c.t0 = !offersT1(c.image.ATR)
	if err := c.openApplets(false); err != nil {
		return nil, err
	}
	c.channels[0] = c.newChannel()
	if c.locked() {
		c.channels[0].app = c.domain // GPCS clause 6.4.2.1.1: the Final Application
	}
	for _, a := range c.applets {
		a.applet.PoweredUp()
	}
	return append([]byte(nil), c.image.ATR...), nil
}

// offersT1: TD1 names the first protocol offered; without it the card speaks T=0 (ISO/IEC 7816-3 clause 8.2.3).
func offersT1(atr []byte) bool {
	at := 2
	for bit := byte(0x10); bit < 0x80; bit <<= 1 {
		if atr[1]&bit != 0 {
			at++
		}
	}
	return atr[1]&0x80 != 0 && atr[at]&0x0F == 1
}

// forget drops everything volatile.
func (c *Card) forget() {
	c.mem.Abort()
	c.toolkit.Reset()
	c.domain.Reset()
	c.channels = [maxChannels]*channel{}
	c.verified = map[byte]bool{}
	c.waiting = nil
}

// Process takes one command as it comes over the contacts and gives the response: data, SW1, SW2. An
// error means that there is no response: the card has no power, or lost it inside the command.
func (c *Card) Process(command []byte) (response []byte, err error) {
	if !c.powered {
		return nil, ErrMute
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case nvm.PowerLoss:
			c.PowerOff()
			response, err = nil, errors.Join(fmt.Errorf("%w: power lost", ErrMute), c.mem.Flush())
		default:
			panic(p)
		}
	}()
	c.count.Commands++
	c.clock.begin(len(command))
	r := c.answer(command)
	out := r.Bytes()
	c.clock.end(len(out))
	return out, c.mem.Flush()
}

// answer decodes and dispatches, then adds what waits: 91XX, and the T=0 manner.
func (c *Card) answer(raw []byte) apdu.Response {
	cmd, err := apdu.Parse(raw)
	if err != nil {
		return apdu.Response{SW: apdu.SWWrongLength}
	}
	if cmd.INS == apdu.INSGetResponse && c.t0 {
		return c.getResponse(cmd)
	}
	c.waiting = nil
	c.toolkit.FirstCommand()
	r := c.dispatch(cmd)
	r = c.announce(r)
	if c.t0 {
		return c.manner(cmd, r)
	}
	if cmd.Le == 0 && len(r.Data) > 0 && (r.SW.OK() || r.SW.Warning()) {
		r.Data = nil // a T=1 card answers no data to a command without Le
	}
	if cmd.Le > 0 && len(r.Data) > cmd.Le {
		r.Data = r.Data[:cmd.Le]
	}
	return r
}

// announce turns 9000 into 91XX when a proactive command waits (TS 102 221 clause 7.4.2).
func (c *Card) announce(r apdu.Response) apdu.Response {
	n, ok := c.toolkit.Pending()
	if ok && r.SW == apdu.SWOK {
		r.SW = 0x9100 | apdu.SW(byte(n))
	}
	return r
}

// manner is how a T=0 card answers (ISO/IEC 7816-3 clause 12.2, TS 102 221 clause 7.3.1): data of a case 4 command
// waits behind 61XX, and a wrong Le of case 2 is told by 6CXX.
func (c *Card) manner(cmd apdu.Command, r apdu.Response) apdu.Response {
	switch {
	case len(r.Data) == 0:
		return r
	case len(cmd.Data) > 0 || cmd.Le == 0:
		c.waiting, c.waitCh = r.Data, apdu.Channel(cmd.CLA)
		c.waitSW = r.SW
		if r.SW.Warning() && (r.SW != apdu.SWMoreData || c.image.Domain.MoreDataFirst) { // told at once; the data waits all the same
			c.waitSW = apdu.SWOK
			return apdu.Response{SW: r.SW}
		}
		return apdu.Response{SW: 0x6100 | apdu.SW(byte(min(len(r.Data), apdu.MaxShortLe)))}
	case cmd.Le != len(r.Data):
		if cmd.Le > len(r.Data) || cmd.INS == apdu.INSGetData {
			return apdu.Response{SW: wrongLe(len(r.Data))}
		}
		r.Data = r.Data[:cmd.Le]
	}
	return r
}

// wrongLe is 6CXX. The command had its effect only if it is repeated: commands with data out and none in are
// reads, and those that are not (FETCH, MANAGE CHANNEL, STATUS) look at Le before they act.
func wrongLe(n int) apdu.SW { return 0x6C00 | apdu.SW(byte(n)) }

// getResponse hands out what waits, at most Le bytes; the rest keeps waiting (TS 102 221 clause 7.3.1.1.2).
func (c *Card) getResponse(cmd apdu.Command) apdu.Response {
	if len(c.waiting) == 0 || apdu.Channel(cmd.CLA) != c.waitCh {
		c.waiting = nil
		return apdu.Response{SW: apdu.SWConditions}
	}
	if cmd.P1 != 0 || cmd.P2 != 0 || cmd.Le == 0 {
		return apdu.Response{SW: apdu.SWWrongP1P2}
	}
	if cmd.Le > len(c.waiting) {
		return apdu.Response{SW: wrongLe(len(c.waiting))}
	}
	out := c.waiting[:cmd.Le]
	c.waiting = c.waiting[cmd.Le:]
	if len(c.waiting) > 0 {
		return apdu.Response{Data: out, SW: 0x6100 | apdu.SW(byte(min(len(c.waiting), apdu.MaxShortLe)))}
	}
	return apdu.Response{Data: out, SW: c.waitSW}
}
