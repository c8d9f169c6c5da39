package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/tlv"
)

// guide is docs/field.md as a person reads it.
type fieldGuide struct {
	symptoms []symptom
	sections map[string]string // text of the findings, by their headings
	order    []string          // those headings
}

type symptom struct {
	words string
	steps []fieldStep
}

// fieldStep is a command, and what its output may say: the first that fits leads to a section.
type fieldStep struct {
	command string
	leaves  []leaf
}

type leaf struct{ says, section string }

var (
	fieldCommand = regexp.MustCompile("^[0-9]+\\. `(simbind [^`]+)`$")
	fieldLeaf    = regexp.MustCompile("^   - `([^`]+)`: \\[[a-z_0-9]+\\]\\(#([a-z_0-9]+)\\)(: .+)?$")
)

func readFieldGuide(t *testing.T) fieldGuide {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository(), "docs", "field.md"))
	if err != nil {
		t.Fatal(err)
	}
	g := fieldGuide{sections: map[string]string{}}
	chapter := ""
	for n, line := range strings.Split(string(b), "\n") {
		heading, isHeading := strings.CutPrefix(line, "### ")
		switch {
		case strings.HasPrefix(line, "## "):
			chapter = line[3:]
		case isHeading && chapter == "Symptoms":
			g.symptoms = append(g.symptoms, symptom{words: heading})
		case isHeading && chapter == "Findings":
			g.order = append(g.order, heading)
		case chapter == "Findings" && g.order != nil:
			g.sections[g.order[len(g.order)-1]] += line + "\n"
		case chapter == "Symptoms" && g.symptoms != nil && line != "":
			if !g.symptoms[len(g.symptoms)-1].read(line) {
				t.Fatalf("docs/field.md:%d: neither a command nor what it may say: %s", n+1, line)
			}
		}
	}
	return g
}

func (s *symptom) read(line string) bool {
	if m := fieldCommand.FindStringSubmatch(line); m != nil {
		s.steps = append(s.steps, fieldStep{command: m[1]})
		return true
	}
	m := fieldLeaf.FindStringSubmatch(line)
	if m == nil || len(s.steps) == 0 {
		return false
	}
	last := &s.steps[len(s.steps)-1]
	last.leaves = append(last.leaves, leaf{says: m[1], section: m[2]})
	return true
}

func (g fieldGuide) symptom(t *testing.T, words string) symptom {
	t.Helper()
	i := slices.IndexFunc(g.symptoms, func(s symptom) bool { return s.words == words })
	if i < 0 {
		t.Fatalf("docs/field.md has no symptom %q", words)
	}
	return g.symptoms[i]
}

// follow does what the guide says, and gives the section it ends in.
func (s symptom) follow(t *testing.T, w *ward, imei string) string {
	t.Helper()
	said := ""
	for _, step := range s.steps {
		args := strings.Fields(strings.NewReplacer("IMEI", imei, "keys.csv", keysOfTheStation(t, w)).Replace(step.command))[1:]
		_, out, talk := w.call(args...)
		said += out + talk
		for _, l := range step.leaves {
			if says(out, l.says) {
				return l.section
			}
		}
	}
	t.Fatalf("%s: the guide leads nowhere:\n%s", s.words, said)
	return ""
}

// says looks for a finding by its id as it is printed, or for words.
func says(out, what string) bool {
	if slices.Contains(diagnose.IDs(), what) {
		return strings.Contains(out, " "+what+": ")
	}
	return strings.Contains(out, what)
}

func keysOfTheStation(t *testing.T, w *ward) string {
	t.Helper()
	path := filepath.Join(w.state, "keys.csv")
	if err := os.WriteFile(path, []byte(keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGuideAndTable: every finding has a section that begins with what the program says, in the program's order; there is no other section, every
// finding can be reached from a symptom, and every link leads somewhere.
func TestGuideAndTable(t *testing.T) {
	g := readFieldGuide(t)
	var want []string
	for _, f := range diagnose.Table() {
		want = append(want, f.ID)
		text := strings.TrimSpace(g.sections[f.ID])
		first, rest, _ := strings.Cut(text, "\n")
		if says := "**" + f.Severity.String() + "**: " + f.What + "."; first != says {
			t.Errorf("%s begins with %q, want %q", f.ID, first, says)
		}
		if len(strings.Fields(rest)) < 12 {
			t.Errorf("%s says hardly more than the program: %q", f.ID, rest)
		}
	}
	if !slices.Equal(g.order, want) {
		t.Errorf("sections %v\nwant %v", g.order, want)
	}
	reached := map[string]bool{}
	for _, s := range g.symptoms {
		for _, step := range s.steps {
			for _, l := range step.leaves {
				reached[l.section] = true
				if g.sections[l.section] == "" {
					t.Errorf("%s: no section %s", s.words, l.section)
				}
			}
		}
	}
	for _, id := range want {
		if !reached[id] {
			t.Errorf("no symptom leads to %s", id)
		}
	}
}

// TestFromSymptomToCause: somebody with docs/field.md alone gets from what he sees to the cause.
func TestFromSymptomToCause(t *testing.T) {
	g := readFieldGuide(t)
	named := func(id string) patient { return patients(t)[id] }
	for _, row := range []struct {
		symptom string
		card    patient
		faults  mock.Faults
		imei    string
		cause   string
	}{
		{"The device says that there is no SIM, or an invalid one", healthy, mock.Faults{Mute: true}, wrongOne.IMEI, "card_mute"},
		{"The device asks for a PIN, or says that the SIM is blocked", named("pin1_blocked"), mock.Faults{}, wrongOne.IMEI, "pin1_blocked"},
		{"The device sees the card, and finds no network", named("denied_other"), mock.Faults{}, wrongOne.IMEI, "denied_other"},
		{"The device sees the card, and finds no network", named("home_forbidden"), mock.Faults{}, rightOne.IMEI, "home_forbidden"},
		{"It worked, and stopped when the card came into another device", named("refresh_refused"), mock.Faults{}, wrongOne.IMEI, "refresh_refused"},
		{"The card works in a device that should be refused", named("access_domain_small"), mock.Faults{}, wrongOne.IMEI, "access_domain_small"},
		{"It registers, but calls, messages or data do not work", named("services_limited"), mock.Faults{}, rightOne.IMEI, "services_limited"},
		{"The binding is to be written or changed, and that is refused", named("key_attempts"), mock.Faults{}, rightOne.IMEI, "key_attempts"},
		{"The device that should be the right one is refused", healthy, mock.Faults{}, wrongOne.IMEI, "denied_other"},
		{"The device that should be the right one is refused", healthy, mock.Faults{}, rightOne.IMEI, "resets_without_decision"},
		{"The device that should be the right one is refused", healthy, mock.Faults{}, "490154203237517", "denied_other"},
		{"The device that should be the right one is refused", named("armed"), mock.Faults{}, rightOne.IMEI, "armed"},
		{"The reader, or this program, does not get at the card", healthy, mock.Faults{Busy: 9}, rightOne.IMEI, "reader_in_use"},
	} {
		t.Run(row.symptom+", "+row.cause, func(t *testing.T) {
			w := admit(t, row.card)
			before := w.chip.Counters()
			w.reader.SetFaults(row.faults)
			if got := g.symptom(t, row.symptom).follow(t, w, row.imei); got != row.cause {
				t.Errorf("the guide leads to %s, the cause is %s", got, row.cause)
			}
			if after := w.chip.Counters(); after.Updates != before.Updates || after.Verify != before.Verify || after.Proactive != before.Proactive {
				t.Errorf("the card was changed: %+v, before %+v", after, before)
			}
		})
	}
}

// TestEveryLeaf: a card that has a finding is led to it by every symptom that names it.
func TestEveryLeaf(t *testing.T) {
	cards := patients(t)
	// These two without what else such a card has.
	cards["imsi_denial_value"] = patient{says: state(t, map[tlv.Tag]string{0x81: "00"})}
	cards["backup_missing"] = patient{says: state(t, map[tlv.Tag]string{0x82: "07", 0x87: "00"})}
	leaves := 0
	for _, s := range readFieldGuide(t).symptoms {
		for _, l := range s.steps[0].leaves {
			card, ok := cards[l.section]
			if !ok || l.says != l.section {
				continue
			}
			leaves++
			t.Run(s.words+", "+l.section, func(t *testing.T) {
				if got := s.follow(t, admit(t, card), wrongOne.IMEI); got != l.section {
					t.Errorf("the guide leads to %s", got)
				}
			})
		}
	}
	if leaves < 70 {
		t.Errorf("%d leaves", leaves)
	}
}
