package jvm_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/jvm"
)

// life is a card, its first configuration, and what happens to it: "A", "B" a terminal's start, "-" one without IMEI, "issuer" a new
// EF_IMSI in both copies, hex a template under a session at a desk.
type life struct {
	name, image, e0, events string
	last                    binding.Decision // of terminal A behind it all
	denied                  bool
}

const (
	presetA  = "80010281074901542032375" + "1"
	presetB  = "80010281073520990017614" + "8"
	newIMSI  = "082926101160845740"
	unlikely = "080910100000000999" // a plausible denial value
)

var lives = []life{
	{"first insert", "usim-separate", "800101", "A B A", binding.Allowed, false},
	{"linked copies", "usim-linked", "800101", "A B A", binding.Allowed, false},
	{"ADF alone", "usim-only", "800101", "A B A", binding.Allowed, false},
	{"preset, foreign first", "usim-separate", presetA, "B - B", binding.Allowed, false},
	{"preset to another", "usim-separate", presetB, "B A", binding.DeniedOther, true},
	{"plausible denial value", "usim-separate", presetA + "8409" + unlikely, "B A B", binding.Allowed, false},
	{"strict start", "usim-separate", presetA + "830102", "A B A", binding.Allowed, false},
	{"strict start, reset", "usim-separate", presetA + "830102850104", "A B", binding.Allowed, false},
	{"REFRESH by reset", "usim-separate", presetA + "850104", "B A", binding.Allowed, false},
	{"keep location", "usim-separate", presetA + "830110", "B A", binding.Allowed, false},
	{"observe only", "usim-separate", presetB + "830120", "A B", binding.DeniedOther, false},
	{"pairing status", "usim-linked", presetA + "830108", "A B A", binding.Allowed, false},
	{"off", "usim-separate", "800100", "A B", binding.AllowedOff, false},
	{"issuer writes while allowed", "usim-separate", presetA, "A issuer B", binding.Allowed, false},
	{"issuer writes while denied", "usim-separate", presetA, "B issuer B", binding.Allowed, false},
	{"changes at a desk", "usim-separate", presetB, "A E00C" + presetA + " A E203800102 B E003800100 E003800101 A", binding.Allowed, false},
	{"other denial value", "usim-separate", presetB, "A E017" + presetA + "8409" + unlikely + " B E203800106 E203800105", binding.Allowed, false},
	{"bound anew", "usim-separate", "800101860102", "A B E20C8001048107" + "35209900176148" + " B E203800103 A", binding.Allowed, false},
}

// first is the configuration as a template behind the install parameters.
func (l life) first() []byte { return template("E0", l.e0) }

// happen lets one event happen to a side.
func (s *side) happen(event string) {
	switch event {
	case "A", "B", "-":
		profile, err := cat.NamedProfile("phone")
		if err != nil {
			s.note("profile", err)
			return
		}
		imei := map[string]string{"A": imeis[0], "B": imeis[1]}[event]
		s.boot(cat.Config{Profile: profile, ADF: image.USIM(), IMEI: imei})
	case "issuer":
		s.powerOn()
		s.issue(true, true, unhex(newIMSI))
	default:
		s.powerOn()
		s.store(unhex(event), 0x01, 200)
	}
}

// TestLives: every life, step by step, on model and Java applet.
func TestLives(t *testing.T) {
	m := machine(t)
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			p := newPair(t, m, l.image, l.first())
			p.alike(t, "at first", (*side).powerOn)
			for _, e := range append(strings.Fields(l.events), "A") {
				p.both(t, e, func(s *side) { s.happen(e) })
				p.both(t, "soil", (*side).soil)
			}
			l.ends(t, p[1], "")
			p.alike(t, "uninstall", (*side).uninstall)
			sound(t, m)
		})
	}
}

func (s *side) uninstall() {
	s.applet.Uninstall()
	for _, f := range s.card.Files() {
		s.note(fmt.Sprintf("%s %X", f.Path, f.Content), nil)
	}
}

// ends checks what terminal A found.
func (l life) ends(t *testing.T, s *side, when string) {
	t.Helper()
	st := s.state(t)
	if st.Decision != l.last && !(l.last == binding.Allowed && st.Decision == binding.AllowedBoundNow) {
		t.Errorf("%s: terminal A: %s, want %s", when, st.Decision, l.last)
	}
	if want := map[bool]binding.Files{true: binding.FilesDenial, false: binding.FilesBackup}[l.denied]; st.Files != want {
		t.Errorf("%s: EF_IMSI %s, want %s", when, st.Files, want)
	}
}

// state is the full view.
func (s *side) state(t *testing.T) binding.State {
	t.Helper()
	seen, err := s.look()
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	for _, line := range strings.Split(seen, "\n") {
		if hex, ok := strings.CutPrefix(line, "E1 "); ok {
			st, err := binding.ParseState(unhex(strings.Fields(hex)[0]))
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
	}
	t.Fatal("no state")
	return binding.State{}
}

var everyCut = flag.Bool("every-cut", false, "cut the power at every write of every life, not at a sample")

// TestCutsInLives cuts the power at the writes of the Java applet, whose stores are finer than the model's: the IMSI is never lost, no denial
// value becomes a backup, and the next start of terminal A ends as it does without a cut.
func TestCutsInLives(t *testing.T) {
	m := machine(t)
	total := 0
	for i, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			whole := java(t, m, l)
			before := whole.card.NVM().Writes()
			for _, e := range strings.Fields(l.events) {
				whole.happen(e)
			}
			writes := whole.card.NVM().Writes() - before
			step := 23 // a prime, so that the lives are cut at different places
			if *everyCut {
				step = 1
			}
			for n := 1 + i%step; n <= writes; n += step {
				for _, after := range []bool{false, true} {
					total++
					cutLife(t, m, l, n, after)
				}
			}
		})
	}
	sound(t, m)
	t.Logf("%d cuts", total)
	if total < 50 {
		t.Errorf("%d cuts", total)
	}
}

// java is a card with the Java applet alone.
func java(t *testing.T, m *jvm.Machine, l life) *side { return newPair(t, m, l.image, l.first())[1] }

// TestMemoryFailuresInLives lets writes refuse: nothing is lost, and the next start of terminal A repairs.
func TestMemoryFailuresInLives(t *testing.T) {
	m := machine(t)
	for i, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			step := 11
			if *everyCut {
				step = 1
			}
			for n := 1 + i%step; n <= 120; n += step {
				s := java(t, m, l)
				known := map[string]bool{s.content("ADF1/6F07"): true, s.content("3F00/7F20/6F07"): true, newIMSI: true}
				s.card.NVM().FailAt(n)
				for _, e := range strings.Fields(l.events) {
					s.happen(e)
				}
				s.card.NVM().FailAt(0)
				s.happen("A")
				s.holds(t, fmt.Sprintf("write %d refused", n), known)
			}
		})
	}
	sound(t, m)
}

func cutLife(t *testing.T, m *jvm.Machine, l life, n int, after bool) {
	t.Helper()
	s := java(t, m, l)
	s.card.NVM().CutAt(n, after)
	when := fmt.Sprintf("cut at write %d, after %v", n, after)
	known := map[string]bool{s.content("ADF1/6F07"): true, s.content("3F00/7F20/6F07"): true}
	for _, e := range strings.Fields(l.events) {
		if e == "issuer" {
			known[newIMSI] = true
		}
		s.said = nil
		s.happen(e)
		if strings.Contains(strings.Join(s.said, "\n"), errMute.Error()) {
			s.powerOn()
			s.holds(t, when, known)
			s.happen(e)
		}
	}
	s.card.NVM().CutAt(0, false)
	s.happen("A")
	l.ends(t, s, when)
	s.holds(t, when+", at the end", known)
}

func (s *side) content(path string) string {
	for _, f := range s.card.Files() {
		if f.Path == path {
			return fmt.Sprintf("%X", f.Content)
		}
	}
	return ""
}

// holds is I1 and I2: a copy or its backup is the IMSI, and a backup is nothing else.
func (s *side) holds(t *testing.T, when string, known map[string]bool) {
	t.Helper()
	st := s.state(t)
	for _, c := range []struct {
		path   string
		backup *[9]byte
	}{{"ADF1/6F07", st.BackupUSIM}, {"3F00/7F20/6F07", st.BackupGSM}} {
		content := s.content(c.path)
		if content != "" && c.backup == nil && !known[content] && !(s.card.Image().Name == "usim-linked" && c.path == "3F00/7F20/6F07") {
			t.Errorf("%s: I1: %s is %s without a backup", when, c.path, content)
		}
		if c.backup != nil && !known[fmt.Sprintf("%X", *c.backup)] {
			t.Errorf("%s: I2: the backup of %s is %X", when, c.path, *c.backup)
		}
	}
}
