package explore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// trace is the story of a node as a scenario file: the card, its steps with what the card asks, and how EF_IMSI stands at the end. The
// step that violates something is its last line.
func (s *search) trace(n node) string {
	story := []node{n}
	for p := n.parent; p >= 0; p = s.nodes[p].parent {
		story = append(story, s.nodes[p])
	}
	slices.Reverse(story)
	t := teller{lines: s.world.header()}
	var r *run
	for _, n := range story {
		if n.parent < 0 || r == nil {
			r = begin(s.world, s.before(n))
		}
		if n.parent < 0 {
			continue
		}
		r.perform(n.step)
		t.step(r, n)
		if n.rest != nil {
			r.end()
			r = begin(s.world, *n.rest)
		}
	}
	t.ends(r)
	r.end()
	return strings.Join(t.lines, "\n")
}

// before is the card at rest where a story begins.
func (s *search) before(n node) rest {
	if n.rest != nil {
		return *n.rest
	}
	return *s.nodes[0].rest
}

// teller writes a story down.
type teller struct{ lines []string }

func (t *teller) say(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// step is one step: a cut before it, what it is, and what the card asks after it.
func (t *teller) step(r *run, n node) {
	if n.how != "" && n.how != "off" {
		t.say("%s", n.how)
	}
	if n.step.failsAt > 0 {
		t.say("fail %d", n.step.failsAt)
	}
	line := n.step.text
	if cut := n.how != "" && n.how != "off"; n.step.kind == template && r.sw != apdu.SWOK && !cut {
		line += fmt.Sprintf(" is %04X", int(r.sw))
	}
	t.say("%s", line)
	if n.how == "off" {
		t.asks(r)
		t.say("off")
	}
	if n.how == "" && r.broken == "" {
		t.asks(r)
	}
}

func (t *teller) asks(r *run) {
	switch c := r.command; {
	case c == nil || r.told:
	case c[commandType] == typeRefresh:
		t.say("asks refresh %02X", c[commandQualifier])
	case c[commandQualifier] == 0x08:
		t.say("asks imeisv")
	default:
		t.say("asks imei")
	}
	r.told = true
}

func (t *teller) ends(r *run) {
	if r.broken != "" {
		return
	}
	for i, name := range copyNames[:r.world.Copies] {
		t.say("%s %X", name, r.now.file[i])
	}
}

// header is the card of a world as scenario lines.
func (w *World) header() []string {
	h := []string{"card usim-separate"}
	if w.Copies == 1 {
		h = append(h, "without 3F00/7F20/6F07")
	}
	if w.Blank {
		h = append(h, "content ADF1/6F07 "+blank)
	}
	if w.Blank && w.Copies == 2 {
		h = append(h, "content 3F00/7F20/6F07 "+blank)
	}
	if w.Locked {
		h = append(h, "access usim 02010004")
	}
	if w.First != nil {
		h = append(h, fmt.Sprintf("install %X", w.First))
	}
	return h
}
