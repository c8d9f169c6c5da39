package jvm_test

import (
	"context"
	"flag"
	"path/filepath"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/jvm"
	"github.com/simbind/simbind/vuicc/scenario"
)

// writes are the faults that count persistent writes of one step beyond its decision: the Java applet stages what it
// receives in persistent memory, so the write the story is about has another number.
var writes = map[string]int{
	"found-change-torn.scenario": 95,
	"found-go-back-cut.scenario": 6,
}

// asJava gives the story with its faults where the Java applet has that write.
func asJava(s scenario.Scenario) scenario.Scenario {
	for _, line := range s.Steps {
		for i := range line.Faults {
			if n, ok := writes[s.Name]; ok {
				line.Faults[i].Write = n
			}
		}
	}
	return s
}

var cut = flag.String("cut", "found-*", "stories of scenarios/ whose writes are cut on the Java applet; '*' is all of them, some minutes")

// onJava plays scenarios on the Java applet.
func onJava(m *jvm.Machine) scenario.Options {
	return scenario.Options{Module: m.Applet(classes.applet, jvm.BindingClass), Open: func(link apdu.Transmitter) (apdu.Transmitter, error) {
		keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
		return gp.Open(context.Background(), link, keys, gp.Options{Level: gp.LevelCMAC})
	}}
}

func stories(t *testing.T) []scenario.Scenario {
	all, err := scenario.Folder("../../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestScenarios: the stories of scenarios/, which the model passes, on the Java applet.
func TestScenarios(t *testing.T) {
	m := machine(t)
	for _, s := range stories(t) {
		t.Run(s.Name, func(t *testing.T) {
			if err := scenario.Run(asJava(s), onJava(m)); err != nil {
				t.Error(err)
			}
			sound(t, m)
		})
	}
}

// TestCutsInScenarios cuts the power before and after every persistent write of these stories.
func TestCutsInScenarios(t *testing.T) {
	m := machine(t)
	total := 0
	for _, s := range stories(t) {
		if chosen, err := filepath.Match(*cut, s.Name); err != nil || !chosen {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			n, err := scenario.Cuts(asJava(s), onJava(m))
			if err != nil {
				t.Error(err)
			}
			sound(t, m)
			total += n
		})
	}
	if total == 0 {
		t.Errorf("-cut %s: no cut", *cut)
	}
	t.Logf("%d cuts", total)
}
