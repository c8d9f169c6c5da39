package explore

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync"
)

// Result is what a search found.
type Result struct {
	World       string
	States      int // distinct, at rest and in the middle of a card session
	AtRest      int
	Transitions int
	Depth       int    // steps of the longest shortest path
	Complete    bool   // nothing was left to look at
	Violation   string // "": every invariant holds in every state
	Trace       string // how it comes about, in the language of the scenario files
}

// String is the verdict in one line.
func (r Result) String() string {
	verdict := "every invariant holds"
	if r.Violation != "" {
		verdict = r.Violation
	}
	if !r.Complete {
		verdict += ", bounded"
	}
	return fmt.Sprintf("%-28s %7d states %7d at rest %9d transitions depth %2d: %s", r.World, r.States, r.AtRest, r.Transitions, r.Depth, verdict)
}

// node is a state and how it was reached first.
type node struct {
	parent int
	step   stimulus
	how    string // the cut that ended the step; "": it ran to its end
	rest   *rest  // of a state at rest
	depth  int
}

type key [16]byte

// search is one exploration, breadth first.
type search struct {
	world *World
	nodes []node
	seen  map[key]bool
	out   Result
}

// found is a successor before it is known whether it is new.
type found struct {
	key key
	node
	broken string
}

// Explore searches a world until nothing is left, a violation is found, or limit states were seen (0: no limit).
func Explore(w World, limit int) (Result, error) {
	m, err := newCard(&w)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	s := &search{world: &w, seen: map[key]bool{}, out: Result{World: w.Name}}
	s.begin(m)
	s.to(limit)
	s.out.States = len(s.nodes)
	s.out.Depth = s.nodes[len(s.nodes)-1].depth
	return s.out, nil
}

// begin is the new card, at rest.
func (s *search) begin(m memory) {
	g := ghost{truth: [2]string{m.file[0], m.file[1]}}
	s.add(found{key: restKey(m, g), node: node{parent: -1, rest: &rest{m, g}}})
}

// to searches until limit states were seen, or there is nothing left.
func (s *search) to(limit int) {
	for from := 0; from < len(s.nodes); {
		to := len(s.nodes)
		if limit > 0 {
			to = min(to, from+batch)
		}
		if s.level(from, to) {
			return
		}
		from = to
		if s.out.Complete = from == len(s.nodes); limit > 0 && len(s.nodes) >= limit {
			return
		}
	}
}

const batch = 256

// level expands the nodes from..to on every processor; the order of what is found stays that of the nodes.
func (s *search) level(from, to int) (violated bool) {
	workers := runtime.GOMAXPROCS(0)
	results := make([][]found, to-from)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := from + w; n < to; n += workers {
				results[n-from] = s.expand(n)
			}
		}()
	}
	wg.Wait()
	for _, list := range results {
		for _, f := range list {
			s.out.Transitions++
			if f.broken != "" {
				s.out.Violation, s.out.Trace = f.broken, s.trace(f.node)
				return true
			}
			s.add(f)
		}
	}
	return false
}

func (s *search) add(f found) {
	if s.seen[f.key] {
		return
	}
	s.seen[f.key] = true
	if f.rest != nil {
		s.out.AtRest++
	}
	s.nodes = append(s.nodes, f.node)
}

// path gives the state at rest before a node, and the steps since.
func (s *search) path(n int) (rest, []stimulus) {
	var steps []stimulus
	for ; s.nodes[n].rest == nil; n = s.nodes[n].parent {
		steps = append(steps, s.nodes[n].step)
	}
	for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
		steps[i], steps[j] = steps[j], steps[i]
	}
	return *s.nodes[n].rest, steps
}

func (s *search) replay(n int) *run {
	at, steps := s.path(n)
	r := begin(s.world, at)
	for _, step := range steps {
		r.perform(step)
	}
	return r
}

// expand gives every successor of a node: each stimulus, and each with every write refused in turn.
func (s *search) expand(n int) []found {
	var out []found
	r := s.replay(n)
	stimuli := r.stimuli()
	for _, st := range stimuli {
		if r == nil {
			r = s.replay(n)
		}
		fault := r.ghost.fault
		r.perform(st)
		writes := r.writes
		out = append(out, s.successors(n, r)...)
		r.end()
		r = nil
		if !s.world.Faults || fault || st.kind == issue || st.kind == camp {
			continue
		}
		for f := 1; f <= writes; f++ {
			refused := s.replay(n)
			st.failsAt = f
			refused.perform(st)
			out = append(out, s.successors(n, refused)...)
			refused.end()
		}
	}
	if r != nil {
		r.end()
	}
	return out
}

// successors are where a step leads: to its end, and to a card at rest for every cut within it.
func (s *search) successors(n int, r *run) []found {
	depth := s.nodes[n].depth + 1
	if r.broken != "" {
		return []found{{node: node{parent: n, step: r.step, depth: depth}, broken: r.broken}}
	}
	out := []found{{key: liveKey(r), node: node{parent: n, step: r.step, depth: depth}}}
	cuts := r.cuts
	if len(cuts) == 0 || s.world.Uncut {
		cuts = []cut{{r.now, r.ghost, "off"}}
	}
	for _, c := range cuts {
		at := rest{c.memory, c.ghost.rest()}
		out = append(out, found{key: restKey(at.memory, at.ghost), node: node{parent: n, step: r.step, how: c.how, rest: &at, depth: depth}})
	}
	return out
}

func restKey(m memory, g ghost) key { return hash(m, g, "") }

func liveKey(r *run) key {
	g := r.ghost
	g.changed = r.command != nil && g.asked != r.now.of("generation")
	g.asked = ""
	return hash(r.now, g, fmt.Sprintf("%s %X %X", r.transient(), r.command, r.reported))
}

func hash(m memory, g ghost, rest string) key {
	kept := m.kept()
	h := sha256.New()
	for _, v := range kept.cell {
		h.Write([]byte{byte(len(v)), byte(len(v) >> 8)})
		h.Write([]byte(v))
	}
	for _, v := range kept.file {
		h.Write([]byte(v))
	}
	fmt.Fprintf(h, "%s|%+v|%s", kept.registrations, g, rest)
	return key(h.Sum(nil)[:16])
}
