// Package trace watches a conversation with a card: it counts, records, replays and explains it. What it writes is
// redacted: codes and keys always, identities of subscribers and terminals unless asked for.
package trace

import (
	"context"
	"time"

	"github.com/simbind/simbind/apdu"
)

// Phase is what one phase of a task cost.
type Phase struct {
	Name          string
	APDUs         int // commands sent
	BytesSent     int
	BytesReceived int
	Duration      time.Duration // spent waiting for the card
}

// Counter is a Transmitter that counts what passes.
type Counter struct {
	t      apdu.Transmitter
	now    func() time.Time
	phases []Phase
}

// Count wraps a card; now is the clock.
func Count(t apdu.Transmitter, now func() time.Time) *Counter {
	return &Counter{t: t, now: now}
}

// Phase begins a phase; what was counted so far belongs to the one before.
func (c *Counter) Phase(name string) {
	if n := len(c.phases); n > 0 && c.phases[n-1].Name == name {
		return
	}
	c.phases = append(c.phases, Phase{Name: name})
}

// Phases are the phases so far that sent a command.
func (c *Counter) Phases() []Phase {
	var out []Phase
	for _, p := range c.phases {
		if p.APDUs > 0 {
			out = append(out, p)
		}
	}
	return out
}

// Transmit implements apdu.Transmitter.
func (c *Counter) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	if len(c.phases) == 0 {
		c.Phase("talk")
	}
	began := c.now()
	r, err := c.t.Transmit(ctx, cmd)
	p := &c.phases[len(c.phases)-1]
	p.Duration += c.now().Sub(began)
	p.APDUs++
	if b, err := cmd.Bytes(); err == nil {
		p.BytesSent += len(b)
	}
	if err == nil {
		p.BytesReceived += len(r.Data) + 2
	}
	return r, err
}
