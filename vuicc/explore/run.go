package explore

import (
	"fmt"
	"runtime/debug"

	"github.com/simbind/simbind/apdu"
)

// run is a card in use, with what the observer makes of it.
type run struct {
	*card
	ghost    ghost
	command  []byte // the proactive command in the terminal's hands
	told     bool   // the trace has it
	sw       apdu.SW
	reported []byte // the IMEI of the last answer
	untorn   bool   // the write under way is not the applet's

	before  memory // the step
	last    memory // before the write under way
	story   ghost  // before the step
	step    stimulus
	cuts    []cut
	counted bool   // a strict restore of this step
	broken  string // the first violation
	cached  struct {
		raw    string
		parsed configuration
	}
}

// cut is the card after the power went within a step.
type cut struct {
	memory memory
	ghost  ghost
	how    string // in the language of the scenario files
}

// rest is a card at rest: where a run begins.
type rest struct {
	memory memory
	ghost  ghost
}

func begin(w *World, at rest) *run {
	r := &run{card: insert(w, at.memory), ghost: at.ghost}
	r.after = r.wrote
	return r
}

// end ends the coroutine of an applet that still waits.
func (r *run) end() { r.toolkit.Reset() }

// perform carries out one step and checks it. A panic of the model is a violation as well.
func (r *run) perform(s stimulus) {
	r.before, r.last, r.story, r.step, r.cuts = r.now, r.now, r.ghost, s, nil
	r.writes, r.failAt, r.sw, r.counted = 0, s.failsAt, apdu.SWOK, false
	r.ghost.fault = r.ghost.fault || s.failsAt > 0
	defer func() {
		if v := recover(); v != nil {
			r.violate(fmt.Sprintf("the model panics: %v\n%s", v, debug.Stack()))
		}
	}()
	r.do(s)
	r.failAt = 0
	r.check()
}

func (r *run) violate(what string) {
	if r.broken == "" {
		r.broken = what
	}
}

// tears are the places where a write of EF_IMSI may stop: so many bytes are new.
var tears = []int{1, 2, 4, 6, 8}

// wrote sees every persistent write: it checks what must hold at every moment, and keeps where a cut would leave the card.
func (r *run) wrote(file int, old, content string) {
	r.goesBack()
	r.always(&r.now, "")
	defer func() { r.last = r.now }()
	r.spares()
	r.cuts = append(r.cuts, cut{r.now, r.ghost, fmt.Sprintf("cut after %d", r.writes)})
	if !r.world.Torn || r.untorn || file < 0 || file == fileLOCI {
		return
	}
	for _, n := range tears {
		torn := content[:n] + old[n:]
		if torn == old || torn == content {
			continue
		}
		m := r.now
		m.file[file] = torn
		how := fmt.Sprintf("torn %d %d", r.writes, n)
		r.always(&m, how+": ")
		r.cuts = append(r.cuts, cut{m, r.ghost, how})
	}
}

// goesBack follows an action 06: once the backups are exchanged, the replaced one is the subscriber's.
func (r *run) goesBack() {
	for i, name := range copyNames[:r.world.Copies] {
		backup, replaced := r.now.of("backup."+name), r.now.of("replaced."+name)
		if r.step.isAction(0x06) && backup != replaced && backup == r.last.of("replaced."+name) && replaced == r.last.of("backup."+name) {
			r.ghost.truth[i] = backup
		}
	}
}

// spares: a strict restore begins with its decision, and spares the start after it.
func (r *run) spares() {
	d := r.decision()
	allowed := d == decisionBoundNow || d == decisionAllowed || d == decisionAllowedBlind
	if !allowed || r.step.kind != answer || !r.configured(&r.now).strict() {
		return
	}
	g := &r.ghost
	restores := false
	for i, name := range copyNames[:r.world.Copies] {
		b := r.now.of("backup." + name)
		restores = restores || b != "" && r.now.file[i] != b
	}
	if !restores || r.counted {
		return
	}
	r.counted = true
	if g.who != g.terminal {
		g.row, g.who = 0, g.terminal
	}
	g.spare, g.row = true, min(g.row+1, 3)
	if g.fault {
		g.row = 3 // who knows what the card could count
	}
}
