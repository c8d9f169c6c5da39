package jvm_test

import (
	"strings"
	"testing"

	"github.com/simbind/simbind/vuicc/jvm"
)

// TestBudget: the memory the binding applet takes, after every life (docs of the applet state it), and that nothing was allocated after
// installation, left open or thrown away on the way.
func TestBudget(t *testing.T) {
	m := machine(t)
	var most jvm.Usage
	for _, l := range lives {
		s := java(t, m, l)
		for _, e := range strings.Fields(l.events) {
			s.happen(e)
		}
		u, err := jvm.UsageOf(s.applet)
		if err != nil {
			t.Fatal(err)
		}
		most.Persistent, most.Transaction = max(most.Persistent, u.Persistent), max(most.Transaction, u.Transaction)
		most.TransientReset, most.TransientSelect = max(most.TransientReset, u.TransientReset), max(most.TransientSelect, u.TransientSelect)
	}
	t.Logf("%+v", most)
	if most.TransientReset+most.TransientSelect > 256 || most.Persistent > 2048 || most.Transaction > 512 {
		t.Errorf("over budget: %+v", most)
	}
	sound(t, m)
}
