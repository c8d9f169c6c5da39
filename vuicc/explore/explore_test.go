package explore

import (
	"flag"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/vuicc/internal/rules"
)

var (
	states = flag.Int("states", bounded, "states of each world, at most; 0: search every world to its end")
	whole  = flag.Bool("whole", false, "search the larger worlds as well")
)

// TestWorlds: in every state of every world the invariants of docs/card-interface.md §10 hold.
func TestWorlds(t *testing.T) {
	worlds := Worlds()
	if *whole {
		worlds = append(worlds, More()...)
	}
	total := Result{}
	for _, w := range worlds {
		r, err := Explore(w, *states)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
		if r.Violation != "" {
			t.Errorf("%s: %s\n%s", w.Name, r.Violation, r.Trace)
		}
		total.States += r.States
		total.Transitions += r.Transitions
	}
	if total.States < 10*len(worlds) {
		t.Errorf("%d states in %d worlds", total.States, len(worlds))
	}
	t.Logf("%d worlds, %d states, %d transitions", len(worlds), total.States, total.Transitions)
}

// protects says for each protective rule in which world it is missed first, and what breaks without it.
var protects = map[rules.Rule]struct{ world, breaks string }{
	rules.TakeAtFirstCommand:        {"strict start", "I8"},
	rules.TakeBeforeDecision:        {"preset", "I6"},
	rules.TakeBeforeChange:          {"denial values", "I1"},
	rules.TakePlausibleOnly:         {"EF_IMSI blank", "I2"},
	rules.TakeNoDenialValue:         {"preset", "I3"},
	rules.RememberDenialValues:      {"denial values torn", "I1"},
	rules.PendingMark:               {"denial values torn", "I1"},
	rules.PendingFinished:           {"denial values torn", "§3"},
	rules.PendingLocation:           {"preset", "I11"},
	rules.PendingKeptOnFailure:      {"preset", "I11"},
	rules.HalfWritten:               {"denial values torn", "I1"},
	rules.MarkBeforeChange:          {"denial values torn", "I1"},
	rules.MarkClearedLast:           {"denial values torn", "I1"},
	rules.IssuersNotOverwritten:     {"preset", "I1"},
	rules.OthersNotWaiting:          {"one copy locked", "I3"},
	rules.BackupBeforeWrite:         {"EF_IMSI blank", "§1"},
	rules.NothingWithoutBackup:      {"EF_IMSI blank", "I3"},
	rules.DenialValueNotSubscribers: {"a denial value to come", "I2"},
	rules.RestoreBeforeChange:       {"denial values torn", "§4"},
	rules.InvalidNeverBound:         {"preset", "I3"},
	rules.BoundOnlyEqual:            {"first-insert", "I3"},
	rules.StrictHides:               {"strict start in a loop", "I8"},
	rules.VerifiedBeforeRestore:     {"strict start in a loop", "I4"},
	rules.VerifiedOnce:              {"strict start in a loop", "I8"},
	rules.VerifiedClearedByAnswer:   {"strict start in a loop", "I8"},
	rules.VerifiedClearedByChange:   {"strict start", "I8"},
	rules.StrictRests:               {"strict start in a loop", "I4"},
	rules.StrictRestEnds:            {"strict start in a loop", "I8"},
	rules.StrictRowEnds:             {"strict start in a loop, by reset", "I8"},
	rules.StatusEndsRow:             {"strict start in a loop", "I8"},
	rules.LocationAtDenial:          {"preset", "I11"},
	rules.LocationAtReturn:          {"location under a denial value", "I11"},
	rules.RefreshOnlyOnChange:       {"preset", "I4"},
	rules.ResetOnce:                 {"preset", "I4"},
	rules.BusyBounded:               {"a terminal busy at REFRESH", "I4"},
	rules.SameChangesNothing:        {"preset", "I9"},
	rules.ObserveOnly:               {"observe, keep location", "I3"},
}

// TestRules: each protective rule of §8, taken out alone, makes an invariant fail. The others are in unneeded.
func TestRules(t *testing.T) {
	for _, rule := range rules.All() {
		p, ok := protects[rule]
		if !ok {
			if unneeded[rule] == "" {
				t.Errorf("nobody says what %q protects", rule)
			}
			continue
		}
		w, ok := world(p.world)
		if !ok {
			t.Fatalf("no world %q", p.world)
		}
		w.Without = rule
		r, err := Explore(w, 10000)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(r.Violation, p.breaks) {
			t.Errorf("without %q in %q: %q, want %s", rule, p.world, r.Violation, p.breaks)
		}
		t.Logf("%s\t%s\t%s\n%s", rule, p.world, r.Violation, r.Trace)
	}
}

// unneeded are rules whose absence no invariant shows in these worlds, and why they stay.
var unneeded = map[rules.Rule]string{
	rules.TakeAtProfile: "the first command took already, and the decision takes again",
	rules.AskAgain:      "the decision uses the configuration in force when it is made",
	rules.OffRestores:   "E0 restored every copy it could read; this is for one that could not be read then",
}

func world(name string) (World, bool) {
	for _, w := range append(Worlds(), More()...) {
		if w.Name == name {
			return w, true
		}
	}
	return World{}, false
}

// TestUnneeded searches on for an invariant that a rule of unneeded protects: one that is found moves it to protects.
func TestUnneeded(t *testing.T) {
	for rule := range unneeded {
		for _, w := range Worlds() {
			w.Without = rule
			r, err := Explore(w, *states/4)
			if err != nil {
				t.Fatal(err)
			}
			if r.Violation != "" {
				t.Errorf("without %q in %q: %s\n%s", rule, w.Name, r.Violation, r.Trace)
			}
		}
	}
}

// TestShownCells: what stands in the cells that are shown alone changes nothing of what the card does.
func TestShownCells(t *testing.T) {
	chance := rand.New(rand.NewSource(1))
	scrambled := map[string]string{"decision": raw("03"), "imei": raw(imeiB), "counters": raw("0001000200030004"), "reason": raw("05"),
		"answer": raw("2001"), "refresh": raw("0430"), "resets": raw("0007"), "generation": raw("0105")}
	for _, w := range Worlds()[:4] {
		s, err := searched(w, 1500)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			n := chance.Intn(len(s.nodes))
			at, steps := s.path(n)
			if slices.ContainsFunc(steps, func(s stimulus) bool { return s.failsAt > 0 }) {
				continue // which write is the nth depends on whether a shown cell is written again
			}
			other := at
			for cell, v := range scrambled {
				if other.memory.of(cell) != "" || cell != "generation" {
					other.memory.cell[cellOf(cell)] = v
				}
			}
			a, b := play(&w, at, steps), play(&w, other, steps)
			if a != b {
				t.Fatalf("%s: the cells that are shown alone matter:\n%s", w.Name, s.trace(s.nodes[n]))
			}
		}
	}
}

// searched is a search that was carried out.
func searched(w World, limit int) (*search, error) {
	m, err := newCard(&w)
	if err != nil {
		return nil, err
	}
	s := &search{world: &w, seen: map[key]bool{}}
	s.begin(m)
	s.to(limit)
	return s, nil
}

// play gives the memory that is kept after steps, and what the terminal holds.
func play(w *World, at rest, steps []stimulus) string {
	r := begin(w, at)
	defer r.end()
	for _, s := range steps {
		r.perform(s)
	}
	kept := r.now.kept()
	return strings.Join(kept.cell[:], "|") + strings.Join(kept.file[:], "|") + kept.registrations + string(r.command)
}
