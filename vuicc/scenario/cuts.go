package scenario

import (
	"errors"
	"fmt"
	"slices"
)

// Cuts lets a scenario happen again for every persistent write of every step that is not cut already, with the power lost right before
// and right after it. After each cut the invariants hold that need no start, and the next start of the same terminal
// repairs the card. It tells how many cuts there were.
func Cuts(s Scenario, opt Options) (int, error) {
	s = expanded(s)
	writes, err := writesOf(s, opt)
	if err != nil {
		return 0, err
	}
	total := 0
	for i, n := range writes {
		for w := 0; w <= n; w++ { // before write w+1 is after write w: one cut serves both
			if w == 0 && n == 0 {
				continue
			}
			f := Fault{Kind: "cut", Write: max(w, 1), After: w > 0}
			if err := cutAt(s, opt, i, f); err != nil {
				return total, &Error{s.Name, s.Steps[i].Number, fmt.Errorf("%s, cut %s write %d: %w", s.Steps[i], side(f), f.Write, err)}
			}
			total++
		}
	}
	return total, nil
}

// expanded writes every start out, so that each of its steps is cut.
func expanded(s Scenario) Scenario {
	steps := s.Steps
	s.Steps = nil
	for _, l := range steps {
		if l.Verb != "start" {
			s.Steps = append(s.Steps, l)
			continue
		}
		for _, part := range []Line{{Verb: "on"}, {Verb: "profile"}, {Verb: "asks", Words: []string{"imei"}}, {Verb: "imei", Words: l.Words, Faults: l.Faults}} {
			part.Number = l.Number
			s.Steps = append(s.Steps, part)
		}
	}
	return s
}

func side(f Fault) string {
	if f.After {
		return "after"
	}
	return "before"
}

// writesOf counts the persistent writes of every step.
func writesOf(s Scenario, opt Options) ([]int, error) {
	b, err := newBench(s, opt)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(s.Steps))
	for i, l := range s.Steps {
		if err := b.line(l); err != nil {
			return nil, &Error{s.Name, l.Number, err}
		}
		if verbs[l.Verb].kind == step && !lost(l.Faults) {
			out[i] = b.writes
		}
	}
	return out, nil
}

// cutAt runs to step i, cuts it, and lets the next start repair what it left.
func cutAt(s Scenario, opt Options, i int, f Fault) error {
	b, err := newBench(s, opt)
	if err != nil {
		return err
	}
	for _, l := range s.Steps[:i] {
		if verbs[l.Verb].kind != step {
			b.asked = true
			continue
		}
		if err := b.line(l); err != nil {
			return err
		}
	}
	b.lenient = true
	l := s.Steps[i]
	l.Faults = append(slices.Clone(l.Faults), f)
	if err := b.line(l); err != nil {
		return err
	}
	if err := b.repair(s); err != nil {
		return err
	}
	return b.kept()
}

// repair is the next start, by the terminal the scenario names first: to its decision, with every REFRESH performed.
func (b *bench) repair(s Scenario) error {
	for _, l := range []Line{{Verb: "on"}, {Verb: "profile"}} {
		if err := b.line(l); err != nil {
			return err
		}
	}
	for range 2 * busyAnswers {
		var l Line
		switch {
		case b.command == nil:
			return nil
		case b.command[placeOfType] == typeLocal:
			l = Line{Verb: "imei", Words: []string{terminalOf(s)}}
		default:
			l = Line{Verb: "answer", Words: []string{"00"}}
		}
		if err := b.line(l); err != nil {
			return err
		}
	}
	return errors.New("the next start does not end")
}

// terminalOf is the first IMEI of a scenario; one without gets any.
func terminalOf(s Scenario) string {
	for _, l := range s.Steps {
		if l.Verb == "imei" || l.Verb == "start" {
			return l.Words[0]
		}
	}
	return "490154203237518"
}

// kept checks the invariants after the repair: the IMSI is in a copy or its backup (I1), and EF_IMSI stands as the decision says (I3, I7).
func (b *bench) kept() error {
	state, err := b.values(0xE1)
	if err != nil {
		return err
	}
	for name, tags := range map[string][2]string{"usim": {"88", "96"}, "gsm": {"95", "97"}} {
		truth := b.truth[name]
		backups := append(state[tags[0]], state[tags[1]]...) // an action 06 that was cut may have gone back, or not
		if truth == "" || text(b.content(copies[name])) == truth || slices.Contains(backups, truth) {
			continue
		}
		if name == "gsm" && state["95"] == nil && slices.Contains(append(state["88"], state["96"]...), truth) {
			continue // one file under two names: its backup is the USIM's
		}
		return fmt.Errorf("I1: the %s copy shows %s, its backups are %v: %s is lost", name, text(b.content(copies[name])), backups, truth)
	}
	return b.stands(state)
}

// stands compares tag 81 with the decision.
func (b *bench) stands(state map[string][]string) error {
	decision, files, policy := state["82"], state["81"], state["90"]
	if len(decision) != 1 || len(policy) != 1 {
		return fmt.Errorf("E1 is %v", state)
	}
	if len(files) == 0 || decision[0] == "07" || unhex(policy[0])[0]&0x20 != 0 && decision[0] != "06" {
		return nil // nothing to read, nothing to enforce
	}
	want := "01"
	if decision[0] == "03" || decision[0] == "04" {
		want = "00"
	}
	if failure := state["89"]; files[0] != want && !slices.Contains([]string{"02", "05"}, failure[0]) {
		return fmt.Errorf("I3: decision %s, and EF_IMSI stands as %s", decision[0], files[0])
	}
	return nil
}
