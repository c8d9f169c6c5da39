package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/scenario"
)

// means is what a run has beyond a terminal.
type means struct {
	keys bool // the card's key set
	code bool // the issuer's code, or a key file that may hold it
}

func (s *secretFlags) means() means {
	return means{keys: s.given(), code: s.admFile != "" || s.keys != ""}
}

// Why a line is not played, with the flag that would allow it.
const (
	needsKeys = "needs the card's keys: --keys FILE allows it"
	needsCode = "needs the issuer's code: --adm-file FILE, or --keys FILE with adm1, allows it"
)

// keyedVerbs are the lines that need keys.
var keyedVerbs = map[string]bool{"store": true, "block": true, "configuration": true, "log": true}

// changes are the lines that change more of a card than a start does.
var changes = map[string]bool{"store": true, "block": true, "issuer": true, "network": true}

// keyed are the objects of the state that are shown with keys alone: backups of EF_IMSI.
var keyed = map[string]bool{"88": true, "95": true, "96": true, "97": true}

// loadScenario reads a scenario and refuses what cannot be played with the means at hand.
func loadScenario(ctx context.Context, path string, m means) (scenario.Scenario, error) {
	b, err := await(ctx, func() ([]byte, error) { return readScenario(path) }) // a pipe may never say anything
	if err != nil {
		return scenario.Scenario{}, fileError(path, err)
	}
	s, err := scenario.Parse(filepath.Base(path), b)
	if err != nil {
		return s, usagef("%w", err)
	}
	var refused []string
	for _, l := range slices.Concat(s.Header, s.Steps) {
		if why := whyNot(l, m); why != "" {
			refused = append(refused, fmt.Sprintf("%s:%d: %s %s", s.Name, l.Number, l.Verb, why))
		}
	}
	if refused != nil {
		return s, &usageError{err: errors.New(strings.Join(refused, "\n")), hint: "not played on this card as called; 'go test ./vuicc/scenario' runs every scenario on a virtual one"}
	}
	return s, nil
}

// maxScenario is more than the language takes: what is longer is refused by its parser, and not read to an end that may never come.
const maxScenario = 1 << 17

func readScenario(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxScenario))
}

// whyNot says why a line is not played, "" when it is.
func whyNot(l scenario.Line, m means) string {
	switch {
	case len(l.Faults) > 0:
		return "comes after " + l.Faults[0].String() + ": only a virtual card can be made to fail"
	case l.Verb == "content" && nameOf(l.Words[0]) != "":
		return "is about a card without the subscriber's EF_IMSI: no card is emptied for a scenario"
	case keyedVerbs[l.Verb] && !m.keys:
		return needsKeys
	case l.Verb == "issuer" && !m.code:
		return needsCode
	case l.Verb == "state" && !m.keys && slices.ContainsFunc(l.Words, func(w string) bool { return keyed[w[:2]] }):
		return "names backups of EF_IMSI, and " + needsKeys
	}
	return ""
}

// has tells whether a scenario has lines of a kind.
func has(s scenario.Scenario, verbs map[string]bool) bool {
	return slices.ContainsFunc(s.Steps, func(l scenario.Line) bool { return verbs[l.Verb] })
}

// clears tells whether a line is action 05: counters and log begin anew.
func clears(l scenario.Line) bool {
	if l.Verb != "store" {
		return false
	}
	tag, objects := objectsOf(l.Words[0])
	v, ok := objects.Find(0x80)
	return ok && tag == 0xE2 && len(v) == 1 && v[0] == 0x05
}

// objectsOf takes a line's template apart; one that is malformed on purpose has no objects.
func objectsOf(text string) (tlv.Tag, tlv.Objects) {
	outer, err := tlv.Parse(unhexWord(text))
	if err != nil || len(outer) != 1 {
		return 0, nil
	}
	objects, err := tlv.Parse(outer[0].Value)
	if err != nil {
		return outer[0].Tag, nil
	}
	return outer[0].Tag, objects
}

// hideDigits is the line with the identities in it shortened.
func hideDigits(l scenario.Line) string {
	switch l.Verb {
	case "start", "imei", "imeisv":
		return l.Verb + " " + l.Words[0][:8] + "******"
	case "usim", "gsm":
		return l.Verb + " " + l.Words[0][:2] + "…"
	case "state", "information":
		return l.Verb + " " + strings.Join(mapped(l.Words, hideState), " ")
	case "answer":
		return "answer " + l.Words[0]
	case "store", "configuration", "log":
		return hideHex(l, 0)
	case "issuer", "network", "file", "content":
		return hideHex(l, 1)
	case "block":
		return hideHex(l, 2)
	}
	return l.String()
}

// hideHex shows the first byte of the word at i, and how many there are.
func hideHex(l scenario.Line, i int) string {
	words := slices.Clone(l.Words)
	if n := len(words[i]) / 2; n > 1 {
		words[i] = fmt.Sprintf("%s… (%d bytes)", words[i][:2], n)
	}
	return strings.Join(append([]string{l.Verb}, words...), " ")
}

func hideState(word string) string {
	tag, value, _ := strings.Cut(word, "=")
	return tag + "=" + hideIMEI(tag, value)
}

func hideIMEI(tag, value string) string {
	if value == "-" {
		return value
	}
	if keyed[tag] {
		return "…"
	}
	if (tag == "83" || tag == "84") && len(value) >= 8 {
		return value[:8] + "******"
	}
	return value
}

func mapped(words []string, f func(string) string) []string {
	var out []string
	for _, w := range words {
		out = append(out, f(w))
	}
	return out
}
