package main

import (
	"context"
	"errors"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/personalize/batch"
)

// benchReaders is a connection to PC/SC as the bench wants it.
type benchReaders struct {
	service pcsc.Service
	labels  map[string]string // of slots, by the name of the reader
}

// Wait implements batch.Readers.
func (b benchReaders) Wait(ctx context.Context, ready func([]batch.Slot) bool) (out []batch.Slot, err error) {
	_, err = b.service.Wait(ctx, func(rs []pcsc.Reader) bool {
		out = b.slots(rs)
		return ready(out)
	})
	return out, err
}

func (b benchReaders) slots(rs []pcsc.Reader) []batch.Slot {
	out := make([]batch.Slot, len(rs))
	for i, r := range rs {
		out[i] = batch.Slot{Name: r.Name, Label: first(b.labels[r.Name], r.Label), Present: r.Present, Events: r.Events}
	}
	return out
}

// Connect implements batch.Readers.
func (b benchReaders) Connect(ctx context.Context, s batch.Slot) (batch.Card, error) {
	c, err := b.service.Connect(ctx, s.Name, pcsc.ConnectOptions{})
	if err != nil {
		return nil, &batch.ReaderError{Busy: errors.Is(err, pcsc.ErrInUse), Err: err}
	}
	return &benchCard{Card: c, readers: b, slot: s}, nil
}

// Close implements batch.Readers.
func (b benchReaders) Close() error { return b.service.Close() }

// benchCard is a card that must be the same one after a reset: PC/SC would hand over another that was put in meanwhile.
type benchCard struct {
	pcsc.Card
	readers benchReaders
	slot    batch.Slot
}

// Reset implements personalize.Card.
func (c *benchCard) Reset(ctx context.Context, cold bool) error {
	if err := c.Card.Reset(ctx, cold); err != nil {
		return err
	}
	rs, err := c.readers.service.Readers(ctx)
	if err != nil {
		return err
	}
	for _, s := range c.readers.slots(rs) {
		if s.Name == c.slot.Name && s.Events == c.slot.Events {
			return nil
		}
	}
	return &pcsc.Error{Op: "reset", Reader: c.slot.Name, Err: pcsc.ErrRemoved}
}
