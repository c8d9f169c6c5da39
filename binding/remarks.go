package binding

import "fmt"

// Notes are remarks on a valid configuration that deserve a second look before it goes on a card: entries that say nothing
// new, that open more than one device, or that no valid terminal can meet.
func (c Configuration) Notes() Notes {
	var out Notes
	for i, p := range c.Patterns {
		out = append(out, c.patternNotes(i, p)...)
	}
	for i, r := range c.Ranges {
		out = append(out, c.rangeNotes(i, r)...)
	}
	switch {
	case c.Scheme == Off && c.Entries() > 0:
		out = append(out, "scheme off: patterns and ranges are held, but not used")
	case c.Scheme == Preset && c.MaxTerminals > 1:
		out = append(out, "preset: how many terminals may become bound is not used")
	}
	return out
}

func (c Configuration) patternNotes(i int, p Pattern) (out Notes) {
	imei, full := p.IMEI()
	switch {
	case full && !imei.Valid():
		out = append(out, fmt.Sprintf("pattern %d is all zeros: no terminal has it", i+1))
	case p.OpenTAC():
		out = append(out, fmt.Sprintf("pattern %d is open within the TAC: terminals of many models match", i+1))
	case p.Model():
		out = append(out, fmt.Sprintf("pattern %d: %s", i+1, NoteModel))
	}
	for j, q := range c.Patterns {
		switch {
		case j < i && p == q:
			return append(out, fmt.Sprintf("pattern %d is the same as pattern %d", i+1, j+1))
		case j != i && p != q && q.covers(p):
			return append(out, fmt.Sprintf("pattern %d is covered by pattern %d", i+1, j+1))
		}
	}
	set, ok := p.Range()
	for j, r := range c.Ranges {
		if ok && r.Contains(set.Low) && r.Contains(set.High) {
			return append(out, fmt.Sprintf("pattern %d is covered by range %d", i+1, j+1))
		}
	}
	return out
}

func (c Configuration) rangeNotes(i int, r Range) (out Notes) {
	if r.Low.TAC() != r.High.TAC() {
		out = append(out, fmt.Sprintf("range %d goes over more than one TAC", i+1))
	}
	for j, o := range c.Ranges[:i] {
		if r.overlaps(o) {
			out = append(out, fmt.Sprintf("range %d overlaps range %d", i+1, j+1))
		}
	}
	return out
}
