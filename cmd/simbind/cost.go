package main

import (
	"time"

	"github.com/simbind/simbind/trace"
)

// phaseCost is what one phase of a verb took: the commands and bytes are exact, the time is this run's.
type phaseCost struct {
	Name          string  `json:"name"`
	APDUs         int     `json:"apdus"`
	BytesSent     int     `json:"bytes_sent"`
	BytesReceived int     `json:"bytes_received"`
	Milliseconds  float64 `json:"ms"`
}

func phaseCosts(c *trace.Counter) []phaseCost {
	out := []phaseCost{}
	for _, p := range c.Phases() {
		out = append(out, phaseCost{p.Name, p.APDUs, p.BytesSent, p.BytesReceived, milliseconds(p.Duration)})
	}
	return out
}

func totalCost(c *trace.Counter) phaseCost {
	total := phaseCost{Name: "total"}
	for _, p := range phaseCosts(c) {
		total.APDUs += p.APDUs
		total.BytesSent += p.BytesSent
		total.BytesReceived += p.BytesReceived
		total.Milliseconds += p.Milliseconds
	}
	return total
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
