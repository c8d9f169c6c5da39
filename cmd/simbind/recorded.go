package main

import (
	"context"

	"github.com/simbind/simbind/trace"
)

// recordedCard is a card that only a transcript remembers.
type recordedCard struct {
	*trace.Player
	name string
}

func (recordedCard) ATR() []byte                       { return nil }
func (r recordedCard) Reader() string                  { return r.name }
func (recordedCard) Reset(context.Context, bool) error { return nil }
