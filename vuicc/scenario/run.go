package scenario

import (
	"errors"
	"fmt"
)

// Run lets a scenario happen. The error names the line that did not come true.
func Run(s Scenario, opt Options) error {
	b, err := newBench(s, opt)
	if err != nil {
		return err
	}
	for _, l := range s.Steps {
		if err := b.line(l); err != nil {
			return &Error{s.Name, l.Number, fmt.Errorf("%s: %w", l, err)}
		}
	}
	return nil
}

// line carries out one line. A cut that a fault asked for is no error; a proactive command that no line expected is one.
func (b *bench) line(l Line) error {
	v := verbs[l.Verb]
	if v.kind == expect {
		return v.do(b, l)
	}
	if b.command != nil && !b.asked && !b.lenient {
		return fmt.Errorf("the card asked %s before this, and no line expects it", b.question())
	}
	b.armed = false
	err := v.do(b, l)
	if fault := b.disarm(l.Faults); fault != nil && err == nil {
		err = fault
	}
	if errors.Is(err, errCut) && lost(l.Faults) {
		return nil
	}
	return err
}

func lost(faults []Fault) bool {
	for _, f := range faults {
		if f.Kind != "fail" {
			return true
		}
	}
	return false
}
