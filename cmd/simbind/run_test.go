package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/scenario"
)

// fewestPlayable is how many scenarios of the folder a terminal can play, at least.
const fewestPlayable = 20

// TestScenariosOnACard plays every scenario of the folder through the terminal's side: on the scenario's own card, and on one with another IMSI.
// What a terminal cannot play is refused line by line, and the card is not touched.
func TestScenariosOnACard(t *testing.T) {
	all, err := scenario.Folder(filepath.Join(repository(), "scenarios"))
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, s := range all {
		var refused []scenario.Line
		for _, l := range s.Steps {
			if whyNot(l) != "" {
				refused = append(refused, l)
			}
		}
		if refused == nil {
			played++
		}
		t.Run(s.Name, func(t *testing.T) { onACard(t, s, "", refused) })
		t.Run(s.Name+", another IMSI, with keys", func(t *testing.T) { onACard(t, s, "262011106487504", refused, "--test-keys") })
	}
	if played < fewestPlayable {
		t.Errorf("%d of %d scenarios can be played", played, len(all))
	}
	t.Logf("%d of %d scenarios played, each on two cards", played, len(all))
}

func onACard(t *testing.T, s scenario.Scenario, imsi string, refused []scenario.Line, flags ...string) {
	img, err := s.Image()
	if err != nil {
		t.Fatal(err)
	}
	if img, err = img.With("", imsi); err != nil {
		t.Fatal(err)
	}
	for i := range img.PINs {
		img.PINs[i].Enabled = flags != nil && img.PINs[i].Enabled // without a PIN at hand, whoever has the card switched it off
	}
	w := admit(t, patient{change: func(to *image.Image) { *to = img }})
	before := w.chip.Counters()
	args := []string{"terminal", "run", filepath.Join(repository(), "scenarios", s.Name), "--use-up-first-insert", "--json"}
	if flags != nil {
		pin := filepath.Join(w.state, "pin")
		if err := os.WriteFile(pin, []byte("1234\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--pin-file", pin)
	}
	code, out, talk := w.call(append(args, flags...)...)
	if refused != nil {
		if code != exitUsage || w.chip.Counters() != before {
			t.Errorf("exit %d, the card saw %+v", code, w.chip.Counters())
		}
		for _, l := range refused {
			if want := whyNot(l); !strings.Contains(talk, want) {
				t.Errorf("line %d: %q is not said:\n%s", l.Number, want, talk)
			}
		}
		return
	}
	if code == exitRefused && flags == nil && strings.Contains(talk, "compares EF_IMSI with the subscriber's") && img.Applets[0].Application != nil {
		return // strict start hides it from everybody without keys
	}
	if err := validate("run", out); code != exitDone || err != nil {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, talk)
	}
	var r runReport
	if err := json.NewDecoder(bytes.NewBufferString(out)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if len(r.Lines) != len(s.Steps) || len(r.Assumed) != len(s.Header) || !r.Passed || slices.ContainsFunc(r.Lines, func(l runLine) bool { return !l.OK }) {
		t.Errorf("%d lines of %d\n%s", len(r.Lines), len(s.Steps), out)
	}
}
