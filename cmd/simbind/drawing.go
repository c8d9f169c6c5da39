package main

import (
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/diagnose"
)

// drawing is a card's state as three boxes: what it is bound to, what EF_IMSI holds, which terminal was seen last.
type drawing struct {
	Bound, EFIMSI, Seen string
	Binding             string // what joins the first two
	Joined              bool   // a terminal, or a choice of them, is bound
	Verdict             string // what joins the last two
	Kind                string // allowed, denied or open: how the verdict is drawn
}

func draw(facts *diagnose.Facts, view *diagnose.View) drawing {
	if facts.Applet == nil {
		return drawing{
			Bound: "nothing: no binding applet that is understood", EFIMSI: copiesWords(facts, view), Seen: "not known", Binding: "not bound",
			Verdict: "not decided by the card", Kind: "open",
		}
	}
	s, v := &facts.Applet.State, view.State
	d := drawing{
		Bound: strings.Join(withModels(v.Bound, view.Models), ", "), EFIMSI: s.Files.String() + ": " + copiesWords(facts, view),
		Seen:    strings.Join(withModels([]string{v.LastIMEI}, view.Models), ""),
		Binding: short(s.Status.String()), Joined: s.Status == binding.Bound || s.Status == binding.PresetActive,
		Verdict: s.Decision.String(), Kind: "open",
	}
	if d.Bound == "" {
		d.Bound = boundWords(s.Status)
	}
	if d.Seen == "" {
		d.Seen = "none that told its IMEI"
	}
	switch {
	case s.Decision.Allows():
		d.Kind = "allowed"
	case s.Decision.Denies():
		d.Kind = "denied"
	}
	return d
}

// short is what stands before the colon of a longer explanation.
func short(words string) string {
	head, _, _ := strings.Cut(words, ":")
	return head
}

// copiesWords are the copies of EF_IMSI, one that is like the one before left out.
func copiesWords(facts *diagnose.Facts, v *diagnose.View) string {
	var out []string
	for i, c := range v.EFIMSI {
		if w := copyWords(c, facts.Copies[i].Content); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, "; ")
}

// withModels puts brand and model behind an IMEI whose TAC is known.
func withModels(imeis []string, models map[string]string) []string {
	var out []string
	for _, i := range imeis {
		if len(i) >= 8 && models[i[:8]] != "" {
			i += " " + models[i[:8]]
		}
		out = append(out, i)
	}
	return out
}

// boundWords say what a card without a bound terminal is bound to.
func boundWords(s binding.Status) string {
	switch s {
	case binding.Armed:
		return "nothing yet: the first terminal becomes the bound one"
	case binding.PresetActive:
		return "the terminals of its configuration, which is read with keys"
	}
	return "nothing"
}

// label is a line of text in the drawing; box a box with its lines.
type label struct {
	X, Y int
	Text string
}

type box struct {
	X, Y, W, H int
	Title      label
	Lines      []label
}

// Measures of the drawing.
const (
	boxWidth, boxHeight = 200, 150
	boxTop, boxGap      = 20, 90
	lineHeight          = 18
	lineLength          = 24
	maxLines            = 6
)

// Boxes are the three, left to right.
func (d drawing) Boxes() []box {
	var out []box
	for i, b := range [][2]string{{"Bound to", d.Bound}, {"EF_IMSI holds", d.EFIMSI}, {"Last terminal", d.Seen}} {
		x := 10 + i*(boxWidth+boxGap)
		one := box{X: x, Y: boxTop, W: boxWidth, H: boxHeight, Title: label{x + 12, boxTop + 24, b[0]}}
		for n, text := range wrap(b[1], lineLength) {
			if n < maxLines {
				one.Lines = append(one.Lines, label{x + 12, boxTop + 50 + n*lineHeight, text})
			}
		}
		out = append(out, one)
	}
	return out
}

// Links are the words under the two lines between the boxes.
func (d drawing) Links() [2][]label {
	var out [2][]label
	for i, words := range []string{d.Binding, d.Verdict} {
		x := 10 + boxWidth + boxGap/2 + i*(boxWidth+boxGap)
		for n, text := range wrap(words, 12) {
			out[i] = append(out[i], label{x, boxTop + boxHeight/2 + 24 + n*lineHeight, text})
		}
	}
	return out
}

// wrap breaks text into lines of at most n characters; a word that is longer is cut.
func wrap(text string, n int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		for len([]rune(word)) > n {
			r := []rune(word)
			out, line, word = appendLine(out, line), "", string(r[n:])
			out = append(out, string(r[:n]))
		}
		if line != "" && len([]rune(line))+1+len([]rune(word)) > n {
			out, line = append(out, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return appendLine(out, line)
}

func appendLine(out []string, line string) []string {
	if line == "" {
		return out
	}
	return append(out, line)
}
