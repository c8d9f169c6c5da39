package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// longest is more looks at the clock than any of these verbs takes.
const longest = 200

// TestInterruptedAnywhere interrupts verbs at every look at the clock, which is every command: what is printed is one JSON object, and a card that
// was being written when the interrupt came is brought to its end and reported.
func TestInterruptedAnywhere(t *testing.T) {
	const iccid = "8988211000000430010"
	dir := t.TempDir()
	start := filepath.Join(dir, "start.json")
	for _, args := range [][]string{
		{"virtual", "new", start, "--iccid", iccid},
		{"personalize", "--first-insert", "--test-keys", "--reader", "virtual:" + start, "--state-dir", filepath.Join(dir, "state")},
	} {
		if code, _, talk := interruptAt(0, args...); code != exitDone {
			t.Fatalf("%v: exit %d\n%s", args, code, talk)
		}
	}
	card, err := os.ReadFile(start)
	if err != nil {
		t.Fatal(err)
	}
	for verb, args := range map[string][]string{
		"personalize": {"--imei", "490154203237518", "--reconfigure"},
		"rebind":      {"490154203237518", "--yes", "--expect-iccid", iccid},
	} {
		var seen []string // of every interrupt, the schema that was printed
		for n := 1; n < longest && !slices.Contains(seen, "whole"); n++ {
			file := filepath.Join(dir, "card.json")
			if err := os.WriteFile(file, card, 0o600); err != nil {
				t.Fatal(err)
			}
			call := append([]string{verb, "--test-keys", "--json", "--reader", "virtual:" + file, "--state-dir", filepath.Join(t.TempDir(), "state")}, args...)
			code, out, talk := interruptAt(n, call...)
			printed := schemas(t, out)
			switch {
			case len(printed) != 1:
				t.Fatalf("%s, %d: %v printed\n%s", verb, n, printed, talk)
			case code == exitDone:
				seen = append(seen, "whole")
			case code != exitInterrupted || !strings.Contains(talk, "interrupted"):
				t.Fatalf("%s, %d: exit %d\n%s", verb, n, code, talk)
			default:
				seen = append(seen, printed[0])
			}
		}
		if seen = slices.Compact(seen); len(seen) != 3 || seen[0] != "simbind/error" || seen[2] != "whole" {
			t.Errorf("%s: %v", verb, seen)
		}
	}
}

// interruptAt runs a verb that is interrupted at a look at the clock; 0: never.
func interruptAt(n int, args ...string) (code int, out, talk string) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	var o, e bytes.Buffer
	looks := 0
	a := &app{in: strings.NewReader(""), out: &o, err: &e, rand: rand.New(rand.NewSource(9)), now: func() time.Time {
		if looks++; looks == n {
			interrupt()
		}
		return time.Now()
	}}
	code = a.execute(ctx, args)
	return code, o.String(), e.String()
}

// schemas are those of the objects in a text.
func schemas(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for in := json.NewDecoder(strings.NewReader(text)); ; {
		var x head
		if err := in.Decode(&x); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		out = append(out, x.Schema)
	}
}
