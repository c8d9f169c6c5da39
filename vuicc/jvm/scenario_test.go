package jvm_test

import (
	"context"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/jvm"
	"github.com/simbind/simbind/vuicc/scenario"
)

// writes are the faults that count persistent writes of one step beyond its decision: the Java applet stages what it
// receives in persistent memory, so the write the story is about has another number.
var writes = map[string]int{
	"found-change-torn.scenario": 102,
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

// TestScenarios: the stories of scenarios/, which the model passes, on the Java applet.
func TestScenarios(t *testing.T) {
	m := machine(t)
	options := scenario.Options{Module: m.Applet(classes.applet, jvm.BindingClass), Open: func(link apdu.Transmitter) (apdu.Transmitter, error) {
		keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
		return gp.Open(context.Background(), link, keys, gp.Options{Level: gp.LevelCMAC})
	}}
	all, err := scenario.Folder("../../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			if err := scenario.Run(asJava(s), options); err != nil {
				t.Error(err)
			}
			sound(t, m)
		})
	}
}
