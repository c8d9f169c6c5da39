// Package mock is PC/SC in memory: readers that cards are put into and pulled out of, and the faults real ones
// have. It is the same interface as package pcsc.
package mock

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/pcsc"
)

// Chip is a card as its contacts show it. An error of Process is a card that does not answer any more.
type Chip interface {
	PowerOn() (atr []byte, err error)
	Reset() (atr []byte, err error)
	PowerOff()
	Process(command []byte) (response []byte, err error)
}

// Service is a PC/SC service in memory. It may be used by several goroutines.
type Service struct {
	mu      sync.Mutex
	readers []*Reader
	changed chan struct{} // closed and replaced at every change
	down    bool
}

var _ pcsc.Service = (*Service)(nil)

// New is a service without readers.
func New() *Service { return &Service{changed: make(chan struct{})} }

// Reader is one reader.
type Reader struct {
	s      *Service
	name   string
	chip   Chip
	holder *card
	events uint16
	faults Faults
	power  sync.Mutex // held while the card works on a command; taken after the lock of the service
}

// Faults are what a reader may do to those who use it. Numbers count commands through a connection, from 1; 0 is never.
type Faults struct {
	RemoveAt int  // the card is pulled instead of answering this command
	LoseAt   int  // the card carries this command out and is pulled before it answers
	ResetAt  int  // another program resets the card before this command
	Busy     int  // so many connects fail with ErrInUse
	Mute     bool // the card does not answer the reset
}

// AddReader plugs a reader in; names may repeat.
func (s *Service) AddReader(name string) *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Reader{s: s, name: name}
	s.readers = append(s.readers, r)
	s.notify()
	return r
}

// RemoveReader unplugs a reader; its card goes with it.
func (s *Service) RemoveReader(r *Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.readers {
		if x == r {
			s.readers = append(s.readers[:i:i], s.readers[i+1:]...)
		}
	}
	r.pull()
	s.notify()
}

// Stop makes the service answer ErrNoService.
func (s *Service) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
	s.notify()
}

func (s *Service) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Insert puts a card into the reader, pulling one that is there.
func (r *Reader) Insert(chip Chip) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.pull()
	r.chip = chip
	r.events++
	r.s.notify()
}

// Remove pulls the card.
func (r *Reader) Remove() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.pull()
	r.s.notify()
}

// SetFaults replaces the faults.
func (r *Reader) SetFaults(f Faults) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.faults = f
}

func (r *Reader) pull() {
	if r.chip != nil {
		r.power.Lock() // the card finishes its command first
		r.chip.PowerOff()
		r.power.Unlock()
		r.chip = nil
		r.events++
	}
	if r.holder != nil {
		r.holder.state = pcsc.ErrRemoved
		r.holder = nil
	}
}

// Readers implements pcsc.Service.
func (s *Service) Readers(context.Context) ([]pcsc.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.list()
	if err == nil && len(list) == 0 {
		err = &pcsc.Error{Op: "list readers", Err: pcsc.ErrNoReader}
	}
	return list, err
}

func (s *Service) list() ([]pcsc.Reader, error) {
	if s.down {
		return nil, &pcsc.Error{Op: "list readers", Err: pcsc.ErrNoService}
	}
	var out []pcsc.Reader
	for _, r := range s.readers {
		x := pcsc.Reader{Name: r.name, Present: r.chip != nil, InUse: r.holder != nil, Exclusive: r.holder != nil, Events: r.events, Mute: r.chip != nil && r.faults.Mute}
		if r.holder != nil {
			x.ATR = bytes.Clone(r.holder.atr)
		}
		out = append(out, x)
	}
	pcsc.Label(out)
	return out, nil
}

// Wait implements pcsc.Service.
func (s *Service) Wait(ctx context.Context, ready func([]pcsc.Reader) bool) ([]pcsc.Reader, error) {
	for {
		s.mu.Lock()
		list, err := s.list()
		changed := s.changed
		s.mu.Unlock()
		if err != nil || ready(list) {
			return list, err
		}
		select {
		case <-ctx.Done():
			return list, ctx.Err()
		case <-changed:
		}
	}
}

// Connect implements pcsc.Service.
func (s *Service) Connect(_ context.Context, name string, _ pcsc.ConnectOptions) (pcsc.Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(err error) (pcsc.Card, error) { return nil, &pcsc.Error{Op: "connect", Reader: name, Err: err} }
	if s.down {
		return fail(pcsc.ErrNoService)
	}
	r := s.find(name)
	switch {
	case r == nil:
		return fail(pcsc.ErrNoReader)
	case r.chip == nil:
		return fail(pcsc.ErrNoCard)
	case r.faults.Busy > 0:
		r.faults.Busy--
		return fail(pcsc.ErrInUse)
	case r.holder != nil:
		return fail(pcsc.ErrInUse)
	case r.faults.Mute:
		return fail(pcsc.ErrMute)
	}
	atr, err := r.chip.PowerOn()
	if err != nil {
		return fail(fmt.Errorf("%w: %w", pcsc.ErrMute, err))
	}
	c := &card{r: r, atr: atr}
	c.manner = apdu.WithGetResponse(apdu.TransmitterFunc(c.raw), c.Protocol() == pcsc.T0)
	r.holder = c
	s.notify()
	return c, nil
}

// find takes the first of the readers with that name.
func (s *Service) find(name string) *Reader {
	for _, r := range s.readers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// Close implements pcsc.Service.
func (s *Service) Close() error { return nil }

// card is a connection.
type card struct {
	r      *Reader
	atr    []byte
	state  error // why it cannot be used; nil: it can
	sent   int
	manner apdu.Transmitter
}

// Transmit implements pcsc.Card.
func (c *card) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	return c.manner.Transmit(ctx, cmd)
}

func (c *card) fail(op string, err error) error {
	return &pcsc.Error{Op: op, Reader: c.r.name, Err: err}
}

func (c *card) raw(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	c.r.s.mu.Lock()
	defer c.r.s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return apdu.Response{}, err
	}
	b, err := cmd.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	if err := c.befall(); err != nil {
		return apdu.Response{}, err
	}
	out, err := c.process(b)
	if c.state != nil { // pulled meanwhile
		return apdu.Response{}, c.fail("transmit", c.state)
	}
	if err != nil {
		c.state = pcsc.ErrMute
		return apdu.Response{}, c.fail("transmit", fmt.Errorf("%w: %w", pcsc.ErrMute, err))
	}
	if c.sent == c.r.faults.LoseAt {
		c.r.pull()
		c.r.s.notify()
		return apdu.Response{}, c.fail("transmit", pcsc.ErrRemoved)
	}
	return apdu.ParseResponse(out)
}

// process lets the card work while other readers go on; the lock of the service is held before and after.
func (c *card) process(b []byte) ([]byte, error) {
	chip := c.r.chip
	c.r.power.Lock()
	c.r.s.mu.Unlock()
	out, err := chip.Process(b)
	c.r.power.Unlock()
	c.r.s.mu.Lock()
	return out, err
}

// befall lets the faults that are due happen before a command.
func (c *card) befall() error {
	if c.state != nil {
		return c.fail("transmit", c.state)
	}
	c.sent++
	if c.sent == c.r.faults.RemoveAt {
		c.r.pull()
		c.r.s.notify()
		return c.fail("transmit", pcsc.ErrRemoved)
	}
	if c.sent == c.r.faults.ResetAt {
		_, err := c.r.chip.Reset()
		c.state = pcsc.ErrReset
		if err != nil {
			c.state = pcsc.ErrMute
		}
		return c.fail("transmit", c.state)
	}
	return nil
}

// ATR implements pcsc.Card.
func (c *card) ATR() []byte { return c.atr }

// Reader implements pcsc.Card.
func (c *card) Reader() string { return c.r.name }

// Protocol implements pcsc.Card: TD1 names the first protocol offered, without it T=0.
func (c *card) Protocol() pcsc.Protocol {
	if len(c.atr) < 2 || c.atr[1]&0x80 == 0 {
		return pcsc.T0
	}
	at := 2
	for bit := byte(0x10); bit < 0x80; bit <<= 1 {
		if c.atr[1]&bit != 0 {
			at++
		}
	}
	if at < len(c.atr) && c.atr[at]&0x0F == 1 {
		return pcsc.T1
	}
	return pcsc.T0
}

// Reset implements pcsc.Card.
func (c *card) Reset(_ context.Context, cold bool) error {
	c.r.s.mu.Lock()
	defer c.r.s.mu.Unlock()
	if c.r.holder != c || c.r.chip == nil {
		return c.fail("reset", pcsc.ErrRemoved)
	}
	reset := c.r.chip.Reset
	if cold || c.state == pcsc.ErrMute {
		c.r.chip.PowerOff()
		reset = c.r.chip.PowerOn
	}
	atr, err := reset()
	if err != nil {
		return c.fail("reset", fmt.Errorf("%w: %w", pcsc.ErrMute, err))
	}
	c.atr, c.state = atr, nil
	return nil
}

// Begin implements pcsc.Card.
func (c *card) Begin(context.Context) error { return c.state }

// End implements pcsc.Card.
func (c *card) End() error { return nil }

// Close implements pcsc.Card.
func (c *card) Close() error {
	c.r.s.mu.Lock()
	defer c.r.s.mu.Unlock()
	if c.r.holder == c {
		c.r.chip.PowerOff()
		c.r.holder = nil
		c.r.s.notify()
	}
	c.state = pcsc.ErrClosed
	return nil
}
