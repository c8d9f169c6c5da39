package scenario

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kind of a verb.
type kind int

const (
	header   kind = iota // what the card is made of
	modifier             // a fault in the next step
	step                 // something happens to the card
	expect               // something must be so
)

// verb is one word a line may begin with: its kind, the shape of its words, and what it does.
type verb struct {
	kind  kind
	check func(words []string) error
	do    func(b *bench, l Line) error
}

// verbs is filled at start: the table and the functions in it mention each other.
var verbs map[string]verb

func init() {
	verbs = map[string]verb{
		"card":    {header, shape("word"), nil},
		"without": {header, shape("path"), nil},
		"content": {header, shape("path", "hex"), nil},
		"access":  {header, shape("usim|gsm", "hex"), nil},
		"install": {header, shape("hex"), nil},

		"cut":  {modifier, shape("before|after", "number"), nil},
		"torn": {modifier, shape("number", "number"), nil},
		"fail": {modifier, shape("number"), nil},

		"on":      {step, shape(), (*bench).on},
		"off":     {step, shape(), (*bench).off},
		"reset":   {step, shape(), (*bench).reset},
		"profile": {step, shape(), (*bench).profile},
		"start":   {step, shape("imei"), (*bench).start},
		"imei":    {step, shape("imei"), (*bench).imei},
		"imeisv":  {step, shape("imeisv"), (*bench).imeisv},
		"answer":  {step, either(shape("byte"), shape("byte", "hex")), (*bench).answer},
		"busy":    {step, shape(), (*bench).busy},
		"status":  {step, shape(), (*bench).status},
		"store":   {step, either(shape("hex"), shape("hex", "is", "sw")), (*bench).store},
		"block":   {step, either(shape("byte", "byte", "hex"), shape("byte", "byte", "hex", "is", "sw")), (*bench).block},
		"issuer":  {step, shape("usim|gsm|both", "imsi"), (*bench).issuer},
		"network": {step, shape("path", "hex"), (*bench).network},

		"asks":          {expect, askShape, (*bench).asks},
		"usim":          {expect, shape("imsi"), (*bench).usim},
		"gsm":           {expect, shape("imsi"), (*bench).gsm},
		"file":          {expect, shape("path", "hex"), (*bench).file},
		"state":         {expect, stateShape, (*bench).state},
		"configuration": {expect, shape("hex"), (*bench).configuration},
		"log":           {expect, shape("hex"), (*bench).log},
		"information":   {expect, stateShape, (*bench).information},
	}
}

// shape checks that the words are as many as the kinds named, and each of its kind.
func shape(kinds ...string) func([]string) error {
	return func(words []string) error {
		if len(words) != len(kinds) {
			return fmt.Errorf("%d words, want %d", len(words), len(kinds))
		}
		for i, k := range kinds {
			if !fits(k, words[i]) {
				return fmt.Errorf("%q is no %s", words[i], k)
			}
		}
		return nil
	}
}

func either(shapes ...func([]string) error) func([]string) error {
	return func(words []string) error {
		first := shapes[0](words)
		if first == nil || !slices.ContainsFunc(shapes[1:], func(s func([]string) error) bool { return s(words) == nil }) {
			return first
		}
		return nil
	}
}

func fits(kind, w string) bool {
	switch kind {
	case "word":
		return true
	case "path":
		return isPath(w)
	case "hex":
		return isHex(w, 0)
	case "byte":
		return isHex(w, 1)
	case "sw":
		return isHex(w, 2)
	case "imsi":
		return isHex(w, 9)
	case "imei":
		return len(w) == 15 && digits(w)
	case "imeisv":
		return len(w) == 16 && digits(w)
	case "number":
		return digits(w) && decimal(w) >= 1 && decimal(w) <= 999
	}
	return slices.Contains(strings.Split(kind, "|"), w)
}

// isHex: upper-case hex of n bytes, of at least one when n is 0.
func isHex(w string, n int) bool {
	b, err := hex.DecodeString(w)
	return err == nil && w == strings.ToUpper(w) && len(b) > 0 && (n == 0 || len(b) == n)
}

// isPath: ADF1 or 3F00, then identifiers.
func isPath(w string) bool {
	parts := strings.Split(w, "/")
	if parts[0] != "ADF1" && parts[0] != "3F00" || len(parts) < 2 {
		return false
	}
	return !slices.ContainsFunc(parts[1:], func(p string) bool { return !isHex(p, 2) })
}

func digits(w string) bool { return w != "" && strings.Trim(w, "0123456789") == "" }

// decimal reads a number that was checked; too large is 0.
func decimal(w string) int {
	n, err := strconv.Atoi(w)
	if err != nil {
		return 0
	}
	return n
}

// askShape: imei, imeisv, nothing, or refresh with a qualifier and the files it must list.
func askShape(words []string) error {
	if len(words) == 1 && slices.Contains([]string{"imei", "imeisv", "nothing"}, words[0]) {
		return nil
	}
	if len(words) < 2 || words[0] != "refresh" || !isHex(words[1], 1) || !all(words[2:], func(w string) bool { return isHex(w, 0) }) {
		return fmt.Errorf("one of: imei, imeisv, nothing, refresh QUALIFIER [FILE…]")
	}
	return nil
}

// stateShape: TAG=VALUE in hex, or TAG=- for an object that must be absent.
func stateShape(words []string) error {
	if len(words) == 0 || !all(words, func(w string) bool {
		tag, value, ok := strings.Cut(w, "=")
		return ok && isHex(tag, 1) && (value == "-" || all(strings.Split(value, ","), func(v string) bool { return isHex(v, 0) }))
	}) {
		return fmt.Errorf("TAG=VALUE, TAG=VALUE,VALUE or TAG=- in hex")
	}
	return nil
}

func all(words []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !ok(w) })
}
