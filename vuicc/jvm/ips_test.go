package jvm_test

import (
	"strings"
	"testing"
)

// TestPairingStatusOfOthers: EF_IPS is left alone unless its newest record is empty or one of the applet's two (§8.8).
func TestPairingStatusOfOthers(t *testing.T) {
	m := machine(t)
	for newest, ours := range map[string]bool{"FFFFFFFF": true, "4B4FFFFF": true, "4F4B01FF": false, "4F4BFF00": false, "5858FFFF": false, "4FFFFFFF": false} {
		t.Run(newest, func(t *testing.T) {
			p := newPair(t, m, "usim-linked", template("E0", presetA+"830108"))
			p.alike(t, "at first", (*side).powerOn)
			p.alike(t, "a record", func(s *side) { s.put("ADF1/6FF1", unhex(newest)) })
			p.both(t, "A", func(s *side) { s.happen("A") })
			for _, s := range p {
				if got := strings.HasPrefix(s.content("ADF1/6FF1"), "4F4BFFFF"); got != ours {
					t.Errorf("%s: %s", s.name, s.content("ADF1/6FF1"))
				}
			}
			sound(t, m)
		})
	}
}
