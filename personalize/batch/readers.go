package batch

import (
	"context"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/personalize"
)

// Slot is one reader as it stands.
type Slot struct {
	Name    string // what connects to it
	Label   string // for people
	Present bool   // a card is in it
	Events  uint16 // counts cards put in and taken out
}

// Readers is a connection to the readers; one goroutine at a time uses it.
type Readers interface {
	// Wait blocks until ready accepts the readers as they stand, ctx ends, or the service fails. It may ask more than once about the same list.
	Wait(ctx context.Context, ready func([]Slot) bool) ([]Slot, error)
	// Connect takes the card in a reader, for itself alone and as after a reset. A failure is *ReaderError.
	Connect(ctx context.Context, s Slot) (Card, error)
	Close() error
}

// Card is a card that was connected. Close unpowers it.
type Card interface {
	personalize.Card
	Close() error
}

// ReaderError is a reader that failed, or a card in it that does not answer.
type ReaderError struct {
	Busy bool // another program has it
	Err  error
}

func (e *ReaderError) Error() string { return e.Err.Error() }
func (e *ReaderError) Unwrap() error { return e.Err }

// meter is a card whose commands are counted and timed, by the phase they belong to.
type meter struct {
	Card
	now    func() time.Time
	phases []phase
}

// phase is what one part of the work on a card took.
type phase struct {
	name   string
	apdus  int
	began  time.Time
	waited time.Duration // of it, for the card
	last   apdu.SW
}

func (m *meter) begin(name string) {
	m.phases = append(m.phases, phase{name: name, began: m.now()})
}

// Transmit implements apdu.Transmitter.
func (m *meter) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	began := m.now()
	r, err := m.Card.Transmit(ctx, c)
	p := m.current()
	p.waited += m.now().Sub(began)
	p.apdus++
	p.last = r.SW
	return r, err
}

// Reset implements personalize.Card.
func (m *meter) Reset(ctx context.Context, cold bool) error {
	began := m.now()
	err := m.Card.Reset(ctx, cold)
	m.current().waited += m.now().Sub(began)
	if err != nil {
		return &ReaderError{Err: err}
	}
	return nil
}

func (m *meter) current() *phase {
	if len(m.phases) == 0 {
		m.begin("read")
	}
	return &m.phases[len(m.phases)-1]
}

// cost is commands sent, and time spent waiting for the card.
func (m *meter) cost() (apdus int, waited time.Duration) {
	for _, p := range m.phases {
		apdus += p.apdus
		waited += p.waited
	}
	return apdus, waited
}
