package explore

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/plug"
)

// kind of a stimulus.
type kind byte

const (
	powerOn kind = iota // and the first command
	profile             // TERMINAL PROFILE
	answer              // TERMINAL RESPONSE to PROVIDE LOCAL INFORMATION
	refresh             // TERMINAL RESPONSE to REFRESH
	reset               // the terminal resets the card because of a REFRESH, and the first command
	status
	template // STORE DATA
	issue    // the issuer writes EF_IMSI
	camp     // the terminal writes where it is
	remove   // DELETE of the applet
)

// stimulus is one thing that happens to the card from outside.
type stimulus struct {
	kind    kind
	text    string // in the language of the scenario files
	data    []byte
	answer  Answer
	issue   Issue
	outcome byte
	failsAt int // the write that is refused, 0 none
}

// isAction tells an E2 with this action.
func (s stimulus) isAction(which byte) bool {
	return s.kind == template && s.data[0] == 0xE2 && s.data[4] == which
}

// stimuli are what may happen next, in this order.
func (r *run) stimuli() []stimulus {
	g := &r.ghost
	if g.removed {
		return nil
	}
	if !g.on {
		return []stimulus{{kind: powerOn, text: "on"}}
	}
	var out []stimulus
	switch {
	case !g.running:
		out = append(out, stimulus{kind: profile, text: "profile"})
	case r.command != nil:
		out = append(out, r.responses()...)
	default:
		out = append(out, r.idle()...)
	}
	if g.running && r.world.Twice && !g.twice {
		out = append(out, stimulus{kind: profile, text: "profile"})
	}
	if g.refreshed && !g.status && g.chain < maxChain {
		out = append(out, stimulus{kind: reset, text: "reset"})
	}
	if g.events >= r.world.Events {
		return out
	}
	if r.world.Remove {
		out = append(out, stimulus{kind: remove, text: "delete"})
	}
	for _, t := range r.world.Templates {
		out = append(out, stimulus{kind: template, text: fmt.Sprintf("store %X", t), data: t})
	}
	for _, i := range r.world.Issues {
		if !r.shows(i) {
			out = append(out, stimulus{kind: issue, text: "issuer " + i.Copies + " " + i.Content, issue: i})
		}
	}
	return out
}

// maxChain is one more than I4 allows.
const maxChain = 4

// polled tells that the applet sees STATUS.
func (r *run) polled() bool { return r.entry.IsEventSet(plug.StatusCommand) }

// idle is what a terminal does of its own accord.
func (r *run) idle() []stimulus {
	var out []stimulus
	if r.ghost.decided && (!r.ghost.status || r.ghost.owed) {
		out = append(out, stimulus{kind: status, text: "status"})
	}
	if r.ghost.busy && !r.ghost.decided {
		out = append(out, stimulus{kind: status, text: "status"})
	}
	if shown := r.now.file[fileUSIM]; !r.world.Locked && !r.ghost.camped && r.ghost.decided && (shown == r.ghost.truth[0] || shown == raw(denialYes)) {
		out = append(out, stimulus{kind: camp, text: "network ADF1/6F7E " + lociSoiled})
	}
	return out
}

// responses are what the terminal may answer to the command that waits.
func (r *run) responses() []stimulus {
	var out []stimulus
	if r.command[commandType] == typeRefresh {
		for _, result := range r.world.Refresh {
			out = append(out, stimulus{kind: refresh, text: fmt.Sprintf("answer %02X", result), outcome: result})
		}
		return out
	}
	for _, a := range r.world.Answers {
		again := a.Result == 0x20 && r.ghost.busy
		other := r.ghost.back && r.ghost.terminal != 0 && a.Terminal != 0 && a.Terminal != r.ghost.terminal
		if !again && !other && !r.ghost.decided {
			out = append(out, stimulus{kind: answer, text: a.Text, answer: a})
		}
	}
	return out
}

// shows tells that the issuer's write would change nothing. Nor does he write what the card cannot tell from its own: a
// denial value, present or former, and what an unfinished action 06 is replacing.
func (r *run) shows(i Issue) bool {
	for _, name := range copyNames {
		if c := r.configured(&r.now); c.denial == raw(i.Content) || r.holdsValue("retired", raw(i.Content)) {
			return true
		}
		if first(r.now.of("pending"))&0x04 != 0 && r.now.of("replaced."+name) == raw(i.Content) {
			return true
		}
	}
	usim, gsm := r.now.file[fileUSIM] == raw(i.Content), r.now.file[fileGSM] == raw(i.Content)
	switch i.Copies {
	case "usim":
		return usim
	case "gsm":
		return gsm
	}
	return usim && (gsm || r.world.Copies == 1)
}

// Places and types in a proactive command of the applet: D0 LL 81 03 number type qualifier.
const (
	commandType      = 5
	commandQualifier = 6
	typeRefresh      = 0x01
)

// do carries a stimulus out.
func (r *run) do(s stimulus) {
	g := &r.ghost
	switch s.kind {
	case powerOn, reset:
		if s.kind == reset {
			*g = g.reset()
			g.fault = s.failsAt > 0
		}
		r.powerOn()
		g.on, r.command = true, nil
		r.toolkit.FirstCommand()
	case profile:
		g.twice, r.command, r.reported = g.running, nil, nil
		g.running, g.decided, g.denied, g.status, g.busy, g.camped = true, false, false, false, false, false
		g.refreshes, g.refreshed = 0, false
		r.sw = r.toolkit.TerminalProfile([]byte{0x01})
	case answer:
		r.identify(s.answer)
	case refresh:
		g.owed = s.outcome>>4 == 2
		if s.outcome < 0x10 {
			g.answered = true
			g.spare = g.spare && (g.fault || r.command[commandQualifier] == 0x04)
		}
		r.respond(s.outcome, nil)
	case status:
		g.status = g.decided
		g.refreshed = g.refreshed && !g.status
		switch {
		case g.fault:
			g.row = 3
		case r.polled() && !g.owed:
			g.row = 0
		}
		r.toolkit.Status()
	case template:
		g.interfere()
		r.sw = r.storeData(s.data)
	case issue:
		g.interfere()
		r.issuer(s.issue)
	case remove:
		g.interfere()
		r.applet.Uninstall()
		g.removed = true
	case camp:
		g.camped, g.soiled = true, 'S'
		if r.now.file[fileUSIM] != g.truth[0] {
			g.soiled = 'D'
		}
		r.sw = r.external(fileLOCI, raw(lociSoiled))
	}
	if s.kind != remove {
		r.fetch()
	}
}

// identify answers PROVIDE LOCAL INFORMATION; a terminal busy to the end is asked ten times.
func (r *run) identify(a Answer) {
	g := &r.ghost
	if a.Terminal != 0 {
		g.terminal = a.Terminal
	}
	g.busy = g.busy || a.Result == 0x20
	r.reported = a.IMEI
	if !a.Busy {
		r.respond(a.Result, identity(a))
		return
	}
	for range 20 {
		r.fetch()
		if r.command == nil {
			r.toolkit.Status()
			r.fetch()
		}
		if r.command == nil || r.command[commandType] == typeRefresh || r.decision() != decisionPending {
			return
		}
		r.respond(0x20, nil)
	}
}

func identity(a Answer) []byte {
	if a.IMEI == nil {
		return nil
	}
	// 94 08: digit 1 above A, then pairs low first, spare 0 above the last.
	v := []byte{0x94, 0x08, a.IMEI[0]&0xF0 | 0x0A}
	for i := range 7 {
		next := byte(0)
		if i < 6 {
			next = a.IMEI[i+1] & 0xF0
		}
		v = append(v, next|a.IMEI[i]&0x0F)
	}
	return v
}

// respond sends TERMINAL RESPONSE to the command that waits.
func (r *run) respond(result byte, object []byte) {
	d := append([]byte{0x81, 0x03}, r.command[4:7]...)
	d = append(d, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result)
	r.command = nil
	if sw := r.toolkit.TerminalResponse(append(d, object...)); sw != apdu.SWOK {
		r.violate("TERMINAL RESPONSE answers " + sw.String())
	}
}

// fetch takes the proactive command that waits, if none is in hand.
func (r *run) fetch() {
	c := r.waiting()
	if c == nil {
		return
	}
	r.command, r.told = c, false
	if c[commandType] == typeRefresh {
		r.ghost.refreshes++
		r.ghost.refreshed = true
		return
	}
	r.ghost.asked = string(r.now.cell[cellOf("generation")])
}

// issuer writes the copies one after the other.
func (r *run) issuer(i Issue) {
	for file, name := range []string{"usim", "gsm"}[:r.world.Copies] {
		if i.Copies == name || i.Copies == "both" {
			r.ghost.truth[file] = raw(i.Content)
			r.sw = r.external(file, raw(i.Content))
		}
	}
}

// external writes a file by a command, as one write that is never torn.
func (r *run) external(file int, content string) apdu.SW {
	r.untorn = true
	err := r.writeFile(file, content)
	r.untorn = false
	if err != nil {
		return apdu.SWMemory
	}
	return apdu.SWOK
}

// holdsValue tells whether a cell of 9-byte values holds one.
func (r *run) holdsValue(cell, value string) bool {
	for v := r.now.of(cell); len(v) >= len(value); v = v[len(value):] {
		if v[:len(value)] == value {
			return true
		}
	}
	return false
}
