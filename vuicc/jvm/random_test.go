package jvm_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/simbind/simbind/vuicc/jvm"
)

var (
	wanted = flag.Int("steps", 10_000, "how many random steps model and Java applet are compared for, at least")
	first  = flag.Int("first", 1, "seed of the first round; every later round has the next one, so that a run can be had again")
)

// TestModelAndJavaAgree: random sequences of starts, configurations, actions, issuer's writes, resets and nonsense.
func TestModelAndJavaAgree(t *testing.T) {
	m := machine(t)
	total, lives, failing := 0, 0, false
	for seed := *first; total < *wanted && !t.Failed(); seed++ {
		if err := flag.Set("rapid.seed", strconv.Itoa(seed)); err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			if total >= *wanted && !failing {
				return // the rest of the round; one that fails is run again while it is made shorter
			}
			failing = true
			image := rapid.SampledFrom([]string{"usim-linked", "usim-separate", "usim-only", "usim-linked", "usim-separate", "usim-supi"}).Draw(t, "image")
			steps := rapid.SliceOfN(anyStep, 40, 120).Draw(t, "steps")
			p := newPair(t, m, image, nil, anyAlteration(t))
			var done []string
			p.alike(t, "at first", (*side).powerOn)
			for _, s := range steps {
				total++
				if s.do == nil {
					continue
				}
				done = append(done, s.name)
				p.both(told{t, m, done}, s.name, s.do)
			}
			p.alike(told{t, m, done}, "uninstall", (*side).uninstall)
			sound(t, m)
			failing = false
			lives++
		})
	}
	t.Logf("%d steps of %d lives", total, lives)
}

// told adds to a failure what happened before.
type told struct {
	*rapid.T
	m    *jvm.Machine
	done []string
}

func (x told) Fatalf(format string, args ...any) {
	x.T.Helper()
	x.T.Fatalf("%s\nthe machine: %v %q\nafter\n  %s", fmt.Sprintf(format, args...), x.m.Err(), x.m.Remarks(), strings.Join(x.done, "\n  "))
}
