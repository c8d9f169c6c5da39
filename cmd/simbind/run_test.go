package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/scenario"
)

// playable is how many scenarios of the folder are played with which means; the rest is refused line by line.
var playable = []struct {
	name  string
	means means
	want  int
}{
	{"a terminal alone", means{}, 26},
	{"keys", means{keys: true}, 46},
	{"the issuer's code", means{code: true}, 27},
	{"keys and the issuer's code", means{keys: true, code: true}, 53},
}

// neverPlayed are the scenarios that no card in a reader is played: each has a memory that fails, or a card without the subscriber's EF_IMSI.
var neverPlayed = []string{
	"action-without-backup.scenario", "cut-switch.scenario", "found-change-torn.scenario", "found-go-back-cut.scenario",
	"found-half-written.scenario", "found-location-refused.scenario", "found-take-refused.scenario", "found-verified-memory.scenario",
}

func allScenarios(t *testing.T) []scenario.Scenario {
	t.Helper()
	all, err := scenario.Folder(filepath.Join(repository(), "scenarios"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// refusedLines are the lines of a scenario that are not played.
func refusedLines(s scenario.Scenario, m means) []scenario.Line {
	var out []scenario.Line
	for _, l := range slices.Concat(s.Header, s.Steps) {
		if whyNot(l, m) != "" {
			out = append(out, l)
		}
	}
	return out
}

// TestHowManyScenariosArePlayed holds the table against the folder, and scenarios/README.md against the table.
func TestHowManyScenariosArePlayed(t *testing.T) {
	all := allScenarios(t)
	readme, err := os.ReadFile(filepath.Join(repository(), "scenarios", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("Of the %d scenarios of this folder a terminal alone plays %d, with keys %d, with keys and ADM1 %d", len(all), playable[0].want, playable[1].want, playable[3].want)
	if !strings.Contains(string(readme), said) {
		t.Errorf("scenarios/README.md does not say: %s", said)
	}
	for _, p := range playable {
		var not []string
		for _, s := range all {
			if refusedLines(s, p.means) != nil {
				not = append(not, s.Name)
			}
		}
		if got := len(all) - len(not); got != p.want {
			t.Errorf("with %s %d of %d scenarios are played, the table says %d", p.name, got, len(all), p.want)
		}
		if p.means.keys && p.means.code && !slices.Equal(not, neverPlayed) {
			t.Errorf("never played: %q", not)
		}
	}
}

// TestScenariosWithoutKeys plays what a terminal alone can; the card is not touched by the others.
func TestScenariosWithoutKeys(t *testing.T) {
	for _, s := range allScenarios(t) {
		refused := refusedLines(s, means{})
		t.Run(s.Name, func(t *testing.T) {
			w, img := scenarioCard(t, s, "", false)
			before := w.chip.Counters()
			code, out, talk := w.playScenario(s, "--change-card")
			if refused != nil {
				if code != exitUsage || w.chip.Counters() != before {
					t.Errorf("exit %d, the card saw %+v", code, w.chip.Counters())
				}
				saysWhy(t, refused, means{}, talk)
				return
			}
			if code == exitRefused && strings.Contains(talk, "EF_IMSI") && img.Applets[0].Application != nil {
				return // strict start hides it from everybody without keys
			}
			everythingTrue(t, s, code, out, talk)
		})
	}
}

// TestScenariosWithTheCodeAlone: without keys EF_IMSI is put back with ADM1, and the applet takes it at the next reset.
func TestScenariosWithTheCodeAlone(t *testing.T) {
	for _, s := range allScenarios(t) {
		if refusedLines(s, means{code: true}) != nil {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			w, _ := scenarioCard(t, s, "", true)
			before := w.whatStands(t)
			code, out, talk := w.playScenario(s, w.means(t)[1:]...)
			if code == exitRefused && (strings.Contains(talk, "EF_IMSI") || strings.Contains(talk, "no EF_IMSI")) {
				return // nobody knows the subscriber's without keys
			}
			everythingTrue(t, s, code, out, talk)
			after := w.whatStands(t)
			if said := strings.Contains(out, "what changes that takes keys"); said != (after["state"] != before["state"]) {
				t.Errorf("state %s, was %s\n%s", after["state"], before["state"], out)
			}
			for name, v := range before {
				if strings.HasSuffix(name, "6F07") && after[name] != v {
					t.Errorf("%s is %s, was %s\n%s", name, after[name], v, out)
				}
			}
		})
	}
}

func saysWhy(t *testing.T, refused []scenario.Line, m means, talk string) {
	t.Helper()
	for _, l := range refused {
		if want := whyNot(l, m); !strings.Contains(talk, want) {
			t.Errorf("line %d: %q is not said:\n%s", l.Number, want, talk)
		}
	}
}

// TestScenariosOnACard plays every scenario of the folder with keys and codes: on the scenario's own card, on it again, and on one with another
// IMSI. Behind each the card is as it was.
func TestScenariosOnACard(t *testing.T) {
	for _, s := range allScenarios(t) {
		if refusedLines(s, means{keys: true, code: true}) != nil {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { onACard(t, s, "", 2) })
		t.Run(s.Name+", another IMSI", func(t *testing.T) { onACard(t, s, "001010987654321", 1) })
	}
}

// neverConfigured are scenarios of a card that was never configured: it is switched off in the end, and is the scenario's no more.
func neverConfigured(s scenario.Scenario) bool {
	return !slices.ContainsFunc(s.Header, func(l scenario.Line) bool { return l.Verb == "install" })
}

// onceOnly are scenarios that a card is not played a second time, because the applet goes on counting.
var onceOnly = map[string]string{"strict-start-rests.scenario": "the row of strict restores that the first time ended in"}

func onACard(t *testing.T, s scenario.Scenario, imsi string, rounds int) {
	w, _ := scenarioCard(t, s, imsi, true)
	before := w.whatStands(t)
	for round := range rounds {
		code, out, talk := w.playScenario(s, w.means(t)...)
		if round == 0 || !neverConfigured(s) && onceOnly[s.Name] == "" {
			everythingTrue(t, s, code, out, talk)
		}
		if !strings.Contains(out, `"left": [],`) {
			t.Errorf("put back: %s", out)
		}
		after := w.whatStands(t)
		if neverConfigured(s) && after["state"] == "off " {
			before["configuration"], before["state"] = "off", "off "
		}
		if round > 0 && onceOnly[s.Name] != "" {
			if code != exitDoubt || !strings.Contains(out, "strict start rests") {
				t.Errorf("exit %d, %s", code, out)
			}
			return
		}
		for name, v := range before {
			if after[name] != v {
				t.Errorf("round %d: %s is %s, was %s\n%s", round, name, after[name], v, out)
			}
		}
	}
}

// scenarioCard is the card a scenario begins with, and perhaps another IMSI. Without a PIN at hand, whoever has the card switched it off.
func scenarioCard(t *testing.T, s scenario.Scenario, imsi string, pin bool) (*ward, image.Image) {
	t.Helper()
	img, err := s.Image()
	if err != nil {
		t.Fatal(err)
	}
	if img, err = img.With("", imsi); err != nil {
		t.Fatal(err)
	}
	for i := range img.PINs {
		img.PINs[i].Enabled = img.PINs[i].Enabled && (pin || img.PINs[i].Ref != 0x01)
	}
	return admit(t, patient{change: func(to *image.Image) { *to = img }}), img
}

func (w *ward) playScenario(s scenario.Scenario, flags ...string) (code int, out, talk string) {
	args := []string{"terminal", "run", filepath.Join(repository(), "scenarios", s.Name), "--use-up-first-insert", "--json"}
	return w.call(append(args, flags...)...)
}

// means are the flags that give a run everything.
func (w *ward) means(t *testing.T) []string {
	return []string{"--test-keys", "--pin-file", w.secret(t, "pin", "1234"), "--adm-file", w.secret(t, "adm", "88888888"), "--change-card"}
}

func (w *ward) secret(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.state, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func everythingTrue(t *testing.T, s scenario.Scenario, code int, out, talk string) *runReport {
	t.Helper()
	if err := validate("run", out); code != exitDone || err != nil {
		t.Errorf("exit %d, %v\n%s%s", code, err, out, talk)
		return nil
	}
	var r runReport
	if err := json.NewDecoder(bytes.NewBufferString(out)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if len(r.Lines) != len(s.Steps) || len(r.Assumed) != len(s.Header) || !r.Passed || slices.ContainsFunc(r.Lines, func(l runLine) bool { return !l.OK }) {
		t.Errorf("%d lines of %d\n%s", len(r.Lines), len(s.Steps), out)
	}
	return &r
}

// whatStands is what a run has to give back: the files but those that every start writes, and what the applet was told.
func (w *ward) whatStands(t *testing.T) map[string]string {
	t.Helper()
	code, out, talk := w.call("status", "--test-keys", "--json", "--reveal")
	if code != exitDone {
		t.Fatalf("status: exit %d\n%s", code, talk)
	}
	var r statusReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	stands := map[string]string{"state": r.State.Status + " " + strings.Join(r.State.Bound, " "), "configuration": ""}
	if r.Configuration != nil {
		stands["configuration"] = r.Configuration.words()
	}
	for _, f := range w.chip.Files() {
		if strings.HasSuffix(f.Path, "6F07") {
			stands[f.Path] = hexOf(f.Content)
		}
	}
	return stands
}
