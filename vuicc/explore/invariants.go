package explore

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
)

// Decisions of E1 tag 82 (docs/card-interface.md §5).
const (
	decisionBoundNow     = 0x01
	decisionAllowed      = 0x02
	decisionOther        = 0x03
	decisionNoIMEI       = 0x04
	decisionAllowedBlind = 0x05
	decisionOff          = 0x06
	decisionNotEnforced  = 0x07
	decisionPending      = 0x08
)

var copyNames = []string{"usim", "gsm"}

func (r *run) decision() byte { return first(r.now.of("decision")) }

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// always checks what must hold at every moment, power or not: I1, I2, I5.
func (r *run) always(m *memory, when string) {
	for i, name := range copyNames[:r.world.Copies] {
		content, backup := m.file[i], m.of("backup."+name)
		if truth := r.ghost.truth[i]; truth != raw(blank) && content != truth && backup != truth {
			r.violate(fmt.Sprintf("I1: %sthe %s copy shows %s and its backup is %s: %s is lost", when, name, text(content), text(backup), text(truth)))
		}
		if content != r.last.file[i] && r.last.of("backup."+name) == "" && !r.untorn {
			r.violate(fmt.Sprintf("§1: the %s copy was written without a backup", name))
		}
		if backup != "" && backup == r.configured(m).denial {
			r.violate(fmt.Sprintf("I2: %sthe backup of the %s copy is the denial value", when, name))
		}
		if backup != "" && !slices.Contains(r.world.subscribers(), backup) {
			r.violate(fmt.Sprintf("I2: %sthe backup of the %s copy is %s", when, name, text(backup)))
		}
	}
	if most := r.configured(m).most; len(m.of("bound")) > 7*most {
		r.violate(fmt.Sprintf("I5: %s%d terminals are bound, %d may be", when, len(m.of("bound"))/7, most))
	}
	if m.of("configuration") != r.before.of("configuration") && m.of("generation") == r.before.of("generation") {
		r.violate("I9: " + when + "the configuration changed, the generation did not")
	}
}

// check is what must hold after a step that ran to its end.
func (r *run) check() {
	r.generation()
	r.starts()
	r.decides()
	r.hides()
	r.refreshes()
	switch r.step.kind {
	case template:
		r.changes()
	case remove:
		r.removes()
	}
}

// generation is I9.
func (r *run) generation() {
	raised := r.now.of("generation") != r.before.of("generation")
	due := false
	if r.step.kind == template && r.sw == apdu.SWOK {
		what := r.step.data[4]
		due = r.step.data[0] == 0xE0 && r.now.of("configuration") != r.before.of("configuration") ||
			r.step.data[0] == 0xE2 && (what == 0x03 || what == 0x04)
	}
	if raised != due {
		r.violate(fmt.Sprintf("I9: generation %s after %s, answered %s", text(r.now.of("generation")), text(r.before.of("generation")), r.sw))
	}
}

// starts is the beginning of a start: I8 and I4.
func (r *run) starts() {
	if r.step.kind != powerOn && r.step.kind != reset {
		return
	}
	if r.ghost.chain > 3 {
		r.violate(fmt.Sprintf("I4: reset %d of one start", r.ghost.chain))
	}
	r.ghost.spare = r.story.spare && r.ghost.fault // a memory that refuses cannot use the mark up
	c := r.configured(&r.now)
	if g := &r.ghost; g.chain >= 2 && !g.answered {
		r.violate("I4: a second reset, though no REFRESH was answered")
	}
	r.forgotten(c)
	if !c.strict() || r.story.spare || r.ghost.fault || r.rests() {
		return
	}
	r.ghost.hidden = true
}

// forgotten is I11 at the first command: where the denial value stands, and not only because strict start hides, no place of the
// subscriber is left.
func (r *run) forgotten(c configuration) {
	if c.strict() || c.keeps() || !c.enforcing() || r.ghost.fault || r.ghost.soiled != 'S' {
		return
	}
	if r.now.file[fileLOCI] == raw(lociPristine) {
		r.ghost.soiled = 0
		return
	}
	for i, name := range r.written() {
		if b := r.now.of("backup." + name); b == "" || r.now.file[i] != c.denial {
			return
		}
	}
	r.violate("I11: EF_IMSI is the denial value, and EF_LOCI still is " + text(r.now.file[fileLOCI]))
}

// rests tells whether strict start rests, and that it may.
func (r *run) rests() bool {
	strict := r.now.of("strict")
	if len(strict) != 8 || strict[7] < 3 {
		return false
	}
	if r.ghost.row < 3 {
		r.violate(fmt.Sprintf("I8: strict start rests after %d restores in a row", r.ghost.row))
	}
	return true
}

// everyday: an allowed start that found everything as wanted costs one command; nothing is left to be polled for.
func (r *run) everyday() {
	if r.ghost.events > 0 || r.now.file != r.before.file {
		return
	}
	if r.command != nil && r.command[commandType] == typeRefresh {
		r.violate("I4: REFRESH without a change")
	}
	if r.polled() {
		r.violate("§8.6: nothing changed, and the terminal is asked to poll")
	}
}

// row follows the strict restores in a row, but for their beginning (see spares).
func (r *run) row() {
	g := &r.ghost
	if g.who != g.terminal || g.row < 3 && r.now.file == r.before.file {
		g.row, g.who = 0, g.terminal
	}
}

// hides is I8: under strict start nobody who was not checked reads the IMSI.
func (r *run) hides() {
	if !r.ghost.hidden || r.ghost.fault {
		return
	}
	for i, name := range r.written() {
		if r.now.of("backup."+name) != "" && r.now.file[i] != r.configured(&r.now).denial {
			r.violate(fmt.Sprintf("I8: strict start, and the %s copy shows %s before the terminal is checked", name, text(r.now.file[i])))
		}
	}
}

// refreshes is the rest of I4: no loop within a start.
func (r *run) refreshes() {
	if r.ghost.refreshes > 4 {
		r.violate(fmt.Sprintf("I4: REFRESH %d of one start", r.ghost.refreshes))
	}
}

// decides checks a decision at the moment it is made: the verdict, I3, I5, I6, I7, I11.
func (r *run) decides() {
	running := r.step.kind == profile || r.story.running && !r.story.decided
	d := r.decision()
	if !running || d == decisionPending || r.step.kind == template || r.step.kind == issue || r.ghost.decided {
		return
	}
	r.ghost.decided = true
	r.ghost.denied = d == decisionOther || d == decisionNoIMEI
	c := r.configured(&r.now)
	if r.ghost.fault {
		r.ghost.hidden, r.ghost.row = false, 3 // whatever the card counted now
		return
	}
	if want := r.verdict(c); d != want {
		r.violate(fmt.Sprintf("I3: decision %02X, the page says %02X", d, want))
	}
	r.binds(c, d)
	r.settles()
	if c.observe() && c.enforcing() || d == decisionNotEnforced {
		r.untouched(d)
		return
	}
	r.contents(c)
	r.ghost.hidden = r.ghost.hidden && r.ghost.denied
	r.everyday()
	r.row()
}

// verdict is what S4 to S6 say (§1, §8.5).
func (r *run) verdict(c configuration) byte {
	switch {
	case !c.enforcing():
		return decisionOff
	case r.now.of("backup.usim") == "" && r.now.of("backup.gsm") == "":
		return decisionNotEnforced
	case r.reported == nil && c.blind():
		return decisionAllowedBlind
	case r.reported == nil:
		return decisionNoIMEI
	case c.preset() && c.admits(r.reported):
		return decisionAllowed
	case c.preset():
		return decisionOther
	}
	bound := r.before.of("bound")
	switch {
	case bound == "" && (c.open() || c.admits(r.reported)):
		return decisionBoundNow
	case holdsIMEI(bound, r.reported):
		return decisionAllowed
	}
	return decisionOther
}

func holdsIMEI(bound string, imei []byte) bool {
	for ; len(bound) >= 7; bound = bound[7:] {
		if bound[:7] == string(imei) {
			return true
		}
	}
	return false
}

// binds is I5: who is bound changes in a start only when the first one comes.
func (r *run) binds(c configuration, d byte) {
	want := r.before.of("bound")
	if d == decisionBoundNow {
		want = string(r.reported)
	}
	if got := r.now.of("bound"); got != want {
		r.violate(fmt.Sprintf("I5: decision %02X binds %s, want %s", d, text(got), text(want)))
	}
}

// settles is I6: what the issuer wrote is the backup now.
func (r *run) settles() {
	g := &r.ghost
	for i, name := range copyNames[:r.world.Copies] {
		backup := r.now.of("backup." + name)
		if g.truth[i] != raw(blank) && backup != g.truth[i] {
			r.violate(fmt.Sprintf("I6: the backup of the %s copy is %s, the issuer's IMSI %s", name, text(backup), text(g.truth[i])))
		}
	}
}

// contents is I3, I7 and I11: allowed, every copy shows its backup; denied, the denial value, and location and keys are gone.
func (r *run) contents(c configuration) {
	for i, name := range r.written() {
		want := r.now.of("backup." + name)
		if want == "" {
			continue
		}
		if r.ghost.denied {
			want = c.denial
		}
		if r.now.file[i] != want {
			which := "I3"
			if !c.enforcing() {
				which = "I7"
			}
			r.violate(fmt.Sprintf("%s: decision %02X, and the %s copy shows %s, want %s", which, r.decision(), name, text(r.now.file[i]), text(want)))
		}
	}
	if r.ghost.denied && !c.keeps() && r.now.file[fileLOCI] != raw(lociPristine) {
		r.violate("I11: denied, and EF_LOCI still is " + text(r.now.file[fileLOCI]))
	}
	if r.now.file[fileLOCI] == raw(lociPristine) {
		r.ghost.soiled = 0
	}
	if c.enforcing() && !r.ghost.denied && !c.keeps() && r.ghost.soiled == 'D' {
		r.violate("I11: allowed again, and EF_LOCI still is what was written under the denial value")
	}
}

// written are the copies that the applet may write.
func (r *run) written() map[int]string {
	out := map[int]string{}
	for i, name := range copyNames[:r.world.Copies] {
		if i != fileUSIM || !r.world.Locked {
			out[i] = name
		}
	}
	return out
}

// removes: deleted, every copy shows the subscriber's IMSI (§6).
func (r *run) removes() {
	for i, name := range r.written() {
		if !r.ghost.fault && r.now.file[i] != r.ghost.truth[i] {
			r.violate(fmt.Sprintf("§6: the applet is deleted, and the %s copy shows %s", name, text(r.now.file[i])))
		}
	}
}

// untouched: observe only, and a decision that cannot be enforced, leave EF_IMSI alone but for a write that was pending.
func (r *run) untouched(d byte) {
	r.ghost.hidden = false
	if r.before.of("pending") == "" && r.now.file != r.before.file {
		r.violate(fmt.Sprintf("I3: decision %02X is not enforced, and EF_IMSI changed", d))
	}
}

// changes checks what E0 and E2 did.
func (r *run) changes() {
	if r.sw == apdu.SWOK {
		r.ghost.spare = false
	}
	if r.ghost.fault {
		return
	}
	c, old := r.configured(&r.now), r.configured(&r.before)
	if r.step.data[0] == 0xE0 {
		r.configures(c, old)
		return
	}
	bound := r.before.of("bound")
	switch r.step.data[4] {
	case 0x02:
		r.restores()
	case 0x03:
		if r.sw == apdu.SWOK {
			bound = ""
			r.restores()
		}
	case 0x04:
		if r.sw == apdu.SWOK {
			r.restores()
			bound = bindAt(bound, string(r.step.data[7:14]), c.most)
		}
	}
	if got := r.now.of("bound"); got != bound {
		r.violate(fmt.Sprintf("I5: %s binds %s, want %s", r.step.text, text(got), text(bound)))
	}
	if r.sw != apdu.SWOK && r.sw != apdu.SWConditions {
		r.violate("§3: " + r.step.text + " answers " + r.sw.String())
	}
}

func bindAt(bound, imei string, most int) string {
	switch {
	case holdsIMEI(bound, []byte(imei)):
		return bound
	case len(bound) < 7*most:
		return bound + imei
	}
	return imei
}

// restores is I10.
func (r *run) restores() {
	for i, name := range r.written() {
		if r.sw == apdu.SWOK && r.now.of("backup."+name) != "" && r.now.file[i] != r.ghost.truth[i] {
			r.violate(fmt.Sprintf("I10: restored, and the %s copy shows %s, not %s", name, text(r.now.file[i]), text(r.ghost.truth[i])))
		}
	}
}

// configures checks an accepted or refused E0: I12, the bound IMEIs, and that no copy is left with a denial value nobody knows.
func (r *run) configures(c, old configuration) {
	bound := r.before.of("bound")
	switch {
	case r.sw != apdu.SWOK && r.sw != apdu.SWWrongData:
		r.violate("§3: " + r.step.text + " answers " + r.sw.String())
	case r.sw == apdu.SWWrongData:
		if !r.refusable(r.step.data) {
			r.violate("§3: " + r.step.text + " answers " + r.sw.String())
		}
	case r.now.of("configuration") == r.before.of("configuration"): // I12, the generation is looked at elsewhere
		if r.now.of("access") != r.before.of("access") || r.now.of("bound") != bound {
			r.violate("I12: the same configuration changed something")
		}
		return
	default:
		if !bytes.Equal([]byte{c.scheme, old.scheme}, []byte{0x01, 0x01}) {
			bound = ""
		}
		bound = bound[:min(len(bound), 7*c.most)]
		r.settledFor(c, old)
	}
	if got := r.now.of("bound"); got != bound {
		r.violate(fmt.Sprintf("I5: %s leaves %s bound, want %s", r.step.text, text(got), text(bound)))
	}
}

// settledFor: after a new configuration a copy shows its backup or the new denial value, never the old one.
func (r *run) settledFor(c, old configuration) {
	for i, name := range copyNames[:r.world.Copies] {
		content := r.now.file[i]
		if r.before.file[i] == old.denial && r.now.of("backup."+name) != "" && content != r.now.of("backup."+name) && content != c.denial {
			r.violate(fmt.Sprintf("§4: the %s copy shows %s under a new configuration", name, text(content)))
		}
	}
}

// refusable: a denial value that is the content or the backup of a copy is 6A80 (§4).
func (r *run) refusable(template []byte) bool {
	denial := parse(template[2:]).denial
	return denial == r.now.file[0] || denial == r.now.file[1] || denial == r.now.of("backup.usim") || denial == r.now.of("backup.gsm")
}
