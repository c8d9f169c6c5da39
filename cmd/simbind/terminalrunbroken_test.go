package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc/scenario"
)

// brokenStories are played until the card is pulled: configurations and bound terminals, and an issuer's IMSI. The next run is killed at a place
// like this, too: what is on the disk is the same.
var brokenStories = []string{"re-personalization.scenario", "renewal-denied.scenario", "action-unbind-bind.scenario"}

// pulledEvery is a prime, so that the places drift over the commands of a line.
const pulledEvery = 41

func story(t *testing.T, name string) scenario.Scenario {
	t.Helper()
	all := allScenarios(t)
	i := slices.IndexFunc(all, func(s scenario.Scenario) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no %s", name)
	}
	return all[i]
}

// TestScenarioPulledAtAnyCommand: whenever the card goes, in the lines or while it is put back, 'terminal put-back' makes it what it was; until then
// nobody takes it.
func TestScenarioPulledAtAnyCommand(t *testing.T) {
	for _, name := range brokenStories {
		t.Run(name, func(t *testing.T) {
			s := story(t, name)
			n := 1
			for ; !pulled(t, s, n); n += pulledEvery {
			}
			if n < 5*pulledEvery {
				t.Errorf("the card was pulled before command %d alone", n)
			}
		})
	}
}

// pulled plays and pulls the card at a command; done: the run was over before.
func pulled(t *testing.T, s scenario.Scenario, at int) (done bool) {
	w, _ := scenarioCard(t, s, "", true)
	before := w.whatStands(t)
	w.reader.SetFaults(mock.Faults{LoseAt: at})
	code, out, talk := w.playScenario(s, w.means(t)...)
	if code == exitDone {
		return true
	}
	if code != exitNoCard && code != exitDoubt {
		t.Fatalf("pulled at %d: exit %d\n%s%s", at, code, out, talk)
	}
	w.back()
	begun := strings.Contains(talk, "not put back:") || code == exitDoubt
	if begun && code != exitDoubt {
		t.Errorf("pulled at %d: the card is not put back, exit %d\n%s", at, code, talk)
	}
	code, _, talk = w.playScenario(s, w.means(t)...)
	if begun != strings.Contains(talk, "a scenario was played on this card") || begun && code != exitDoubt || !begun && code != exitDone {
		t.Errorf("pulled at %d: played again, exit %d: %s", at, code, talk)
	}
	if begun {
		w.refusedWhilePlayed(t)
	}
	w.reader.SetFaults(mock.Faults{RemoveAt: 1 + at%97})
	w.call(w.putBackArgs(t)...)
	w.back()
	code, out, talk = w.call(w.putBackArgs(t)...)
	if err := validate("put-back", out); code != exitDone || err != nil {
		t.Fatalf("pulled at %d: put back: exit %d, %v\n%s%s", at, code, err, out, talk)
	}
	for name, v := range w.whatStands(t) {
		if before[name] != v {
			t.Errorf("pulled at %d: %s is %s, was %s", at, name, v, before[name])
		}
	}
	return false
}

// back puts a card that was pulled into the reader again.
func (w *ward) back() {
	w.reader.SetFaults(mock.Faults{})
	w.reader.Insert(w.chip)
}

func (w *ward) putBackArgs(t *testing.T) []string {
	return append([]string{"terminal", "put-back", "--json"}, slices.DeleteFunc(w.means(t), func(f string) bool { return f == "--change-card" })...)
}

// refusedWhilePlayed: what reads EF_IMSI as the subscriber's is refused, and the verb is named that helps.
func (w *ward) refusedWhilePlayed(t *testing.T) {
	t.Helper()
	pin := []string{"--pin-file", w.secret(t, "pin", "1234")}
	for _, args := range [][]string{{"personalize", "--off", "--reconfigure", "--test-keys"}, {"backup"}, {"applet", "remove", "--test-keys", "--dry-run"}} {
		code, _, talk := w.call(append(args, pin...)...)
		if code != exitDoubt || !strings.Contains(talk, "'simbind terminal put-back'") {
			t.Errorf("%q: exit %d\n%s", args, code, talk)
		}
	}
	if code, _, talk := w.call("status"); code != exitDone || !strings.Contains(talk, "'simbind terminal put-back'") {
		t.Errorf("status: exit %d\n%s", code, talk)
	}
	release := []string{"personalize", "--off", "--reconfigure", "--test-keys", "--release", "looked at", "--dry-run"}
	if code, _, talk := w.call(append(release, pin...)...); code != exitUsage {
		t.Errorf("%q: exit %d\n%s", release, code, talk)
	}
	unbind := []string{"unbind", "--test-keys", "--yes", "--expect-iccid", w.iccid(t)}
	if code, _, talk := w.call(unbind...); code != exitDoubt || !strings.Contains(talk, "'simbind terminal put-back'") {
		t.Errorf("unbind: exit %d\n%s", code, talk)
	}
	if code, _, talk := w.call("terminal", "put-back"); code != exitAuth {
		t.Errorf("without keys: exit %d\n%s", code, talk)
	}
}

// iccid is that of the card, whole.
func (w *ward) iccid(t *testing.T) string {
	t.Helper()
	var r statusReport
	if _, out, talk := w.call("status", "--json", "--reveal"); json.Unmarshal([]byte(out), &r) != nil {
		t.Fatal(talk)
	}
	return r.ICCID
}

// hurried is a card at which somebody presses Ctrl-C.
type hurried struct {
	mock.Chip
	left   int
	cancel func()
}

func (h *hurried) Process(command []byte) ([]byte, error) {
	if h.left--; h.left == 0 {
		h.cancel()
	}
	return h.Chip.Process(command)
}

// TestScenarioInterrupted: an interrupt ends the lines, and what they changed is put back before the program ends.
func TestScenarioInterrupted(t *testing.T) {
	s := story(t, "renewal-denied.scenario")
	for _, at := range []int{60, 100, 140, 180, 220} {
		w, _ := scenarioCard(t, s, "", true)
		before := w.whatStands(t)
		ctx, cancel := context.WithCancel(context.Background())
		w.reader.Insert(&hurried{w.chip, at, cancel})
		code, talk := w.callUnder(ctx, append([]string{"terminal", "run", repository() + "/scenarios/" + s.Name}, w.means(t)...)...)
		cancel()
		if code != exitInterrupted || !strings.Contains(talk, "interrupted") || strings.Contains(talk, "not put back") {
			t.Errorf("at %d: exit %d\n%s", at, code, talk)
		}
		w.reader.Insert(w.chip)
		for name, v := range w.whatStands(t) {
			if before[name] != v {
				t.Errorf("at %d: %s is %s, was %s", at, name, v, before[name])
			}
		}
	}
}

func (w *ward) callUnder(ctx context.Context, args ...string) (code int, talk string) {
	var stdout, stderr bytes.Buffer
	a := &app{
		in: strings.NewReader(""), out: &stdout, err: &stderr, now: time.Now, rand: rand.New(rand.NewSource(9)), proc: w.state,
		readers: func() (pcsc.Service, error) { return w.service, nil },
	}
	code = a.execute(ctx, append([]string{"--state-dir", w.state}, args...))
	return code, stderr.String()
}
