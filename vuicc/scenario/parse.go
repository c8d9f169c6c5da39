// Package scenario reads and runs the scenario files of scenarios/: what happens to a card that carries the binding applet, and what
// must come of it, in a language of one line a step (scenarios/README.md). A file runs against a virtual UICC with any
// implementation of the applet plugged in, and once more for every persistent write with the power cut there.
package scenario

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Scenario is one file: the card, then the steps.
type Scenario struct {
	Name   string // of the file
	Header []Line
	Steps  []Line
}

// Line is one line: a verb, its words, and the faults that lines before it announced.
type Line struct {
	Number int
	Verb   string
	Words  []string
	Faults []Fault
}

// String is the line as it was written, without comment.
func (l Line) String() string { return strings.Join(append([]string{l.Verb}, l.Words...), " ") }

// Fault happens within the step of the next line.
type Fault struct {
	Kind  string // cut, torn, fail
	Write int    // the persistent write, from 1
	After bool   // of a cut: after it took effect
	Bytes int    // of a torn write: so many bytes are new
}

// Error is a line that is wrong, or that did not come true.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// ErrSyntax is wrapped by every refusal of a file.
var ErrSyntax = errors.New("not a scenario line")

// Extension of scenario files.
const Extension = ".scenario"

// Folder reads every scenario file of a folder, by name. A folder without one is an error.
func Folder(dir string) ([]Scenario, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+Extension))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no %s file", dir, Extension)
	}
	slices.Sort(names)
	var out []Scenario
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(filepath.Base(name), b)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Limits of a file.
const (
	maxFile  = 1 << 16
	maxLines = 1000
)

// Parse reads a file; the error names file and line.
func Parse(name string, b []byte) (Scenario, error) {
	s := Scenario{Name: name}
	if len(b) > maxFile {
		return s, &Error{name, 0, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, maxFile)}
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxFile+1)
	var faults []Fault
	n := 0
	for lines.Scan() {
		n++
		words := strings.Fields(cutComment(lines.Text()))
		if len(words) == 0 {
			continue
		}
		if err := s.line(Line{Number: n, Verb: words[0], Words: words[1:]}, &faults); err != nil {
			return s, &Error{name, n, err}
		}
	}
	switch {
	case lines.Err() != nil:
		return s, &Error{name, n, lines.Err()}
	case len(s.Header) == 0 || len(s.Steps) == 0:
		return s, &Error{name, n, fmt.Errorf("%w: a scenario begins with a card and has a step", ErrSyntax)}
	case len(faults) > 0:
		return s, &Error{name, n, fmt.Errorf("%w: nothing follows the fault", ErrSyntax)}
	}
	return s, nil
}

func cutComment(s string) string {
	s, _, _ = strings.Cut(s, "#")
	return s
}

// line files one line under header or steps.
func (s *Scenario) line(l Line, faults *[]Fault) error {
	v, ok := verbs[l.Verb]
	if !ok {
		return fmt.Errorf("%w: no verb %q", ErrSyntax, l.Verb)
	}
	if err := v.check(l.Words); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSyntax, l.Verb, err)
	}
	switch {
	case len(s.Header)+len(s.Steps) >= maxLines:
		return fmt.Errorf("%w: more than %d lines", ErrSyntax, maxLines)
	case (l.Verb == "card") != (len(s.Header) == 0):
		return fmt.Errorf("%w: the first line, and no other, names the card", ErrSyntax)
	case v.kind == header && len(s.Steps) > 0:
		return fmt.Errorf("%w: %s stands before the first step", ErrSyntax, l.Verb)
	case v.kind == header:
		s.Header = append(s.Header, l)
		return nil
	case v.kind == modifier:
		return announce(l, faults)
	}
	if len(*faults) > 0 && v.kind != step {
		return fmt.Errorf("%w: a fault stands before a step", ErrSyntax)
	}
	l.Faults, *faults = *faults, nil
	s.Steps = append(s.Steps, l)
	return nil
}

// announce keeps a fault for the next step: the power lost once at most, and one write refused.
func announce(l Line, faults *[]Fault) error {
	f := Fault{Kind: l.Verb, After: l.Words[0] == "after"}
	if slices.ContainsFunc(*faults, func(o Fault) bool { return (o.Kind == "fail") == (f.Kind == "fail") }) {
		return fmt.Errorf("%w: the fault of the next step is announced already", ErrSyntax)
	}
	numbers := l.Words
	if l.Verb == "cut" {
		numbers = l.Words[1:]
	}
	f.Write = decimal(numbers[0])
	if len(numbers) > 1 {
		f.Bytes = decimal(numbers[1])
	}
	*faults = append(*faults, f)
	return nil
}

// String is the line that announces the fault.
func (f Fault) String() string {
	switch f.Kind {
	case "cut":
		return fmt.Sprintf("cut %s %d", side(f), f.Write)
	case "torn":
		return fmt.Sprintf("torn %d %d", f.Write, f.Bytes)
	}
	return fmt.Sprintf("fail %d", f.Write)
}
