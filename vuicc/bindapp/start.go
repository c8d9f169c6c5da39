package bindapp

import (
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// session is what one terminal start knows: transient.
type session struct {
	running  bool // TERMINAL PROFILE came
	denied   bool // the last decision of this card session
	busy     int  // "busy" answers so far
	repeated bool // the question was asked anew because the generation changed
	asking   bool // an answer is still owed
	askLater bool // the terminal was busy: ask at the next STATUS
	sending  bool // a proactive command is on its way
	refresh  *refresh
	watching bool // a strict restore was refreshed: a STATUS tells that the terminal came to rest
}

// refresh is a REFRESH that is owed.
type refresh struct {
	qualifier byte
	files     []file
	busy      int
	later     bool // the terminal was busy: at the next STATUS
	strict    bool // follows a strict restore
}

// owes tells whether something is to be sent as soon as the handler is there.
func (s *session) owes() bool {
	return s.asking && !s.askLater || s.refresh != nil && !s.refresh.later
}

// busyRetries is how often a busy terminal is asked in all (§8.4), refreshRetries how often it is asked to refresh (§8.6).
const (
	busyRetries    = 10
	refreshRetries = 3
	pollSeconds    = 30
)

// firstCommand is §8.1: file access only, in any reader.
func (a *applet) firstCommand() {
	a.failure = reasonNone
	_ = a.takeAt(rules.TakeAtFirstCommand) // its failure is noted
	c, left := a.configuration(), a.byteOf(cellPending)
	verified := a.env.Get(cellVerified) != nil
	hide := a.holds(rules.StrictHides) && c.hides() && !verified && differs(a.copies(), targetDenial, c)
	if hide && a.resting() {
		a.fail(reasonResting)
		hide = false
	}
	err := a.transaction(func() {
		resets := a.resets()
		raise(resets)
		a.put(cellResets, resets)
		if a.holds(rules.VerifiedOnce) {
			a.put(cellVerified, nil)
		}
		if hide {
			a.pend(targetDenial)
		}
	})
	if err != nil {
		a.fail(reasonMemory)
	} else if hide {
		a.writeAll(targetDenial, left, c, true)
	}
	a.endStep(false)
}

// terminalProfile is §8.2 and §8.3.
func (a *applet) terminalProfile() {
	a.stopPolling()
	s := &session{running: true}
	a.session, a.failure = s, reasonNone
	_ = a.takeAt(rules.TakeAtProfile) // its failure is noted
	err := a.transaction(func() {
		a.count(countProfiles)
		a.put(cellDecision, []byte{decisionPending})
	})
	if err != nil {
		a.fail(reasonMemory)
	}
	if !a.configuration().enforcing() {
		a.switchedOff()
		return
	}
	s.asking = true
	a.proceed(s)
}

// switchedOff allows: what is denied is restored, and what an issuer wrote since the profile is taken first.
func (a *applet) switchedOff() {
	_ = a.takeAt(rules.TakeBeforeDecision) // its failure is noted
	a.commit(decisionOff, nil, nil)
}

// proceed does what the start still owes, as far as the handler is there.
func (a *applet) proceed(s *session) {
	if s != a.session || s.sending || !s.owes() {
		return
	}
	h, ok := a.env.Proactive()
	if !ok {
		if r := a.env.Registry(); r != nil {
			r.SetEvent(plug.ProactiveHandlerAvailable)
		}
		return
	}
	if s.asking && !s.askLater {
		a.ask(s, h)
	} else {
		a.sendRefresh(s, h)
	}
	a.proceed(s)
}

// tick is STATUS or a timer: what waits is tried again.
func (a *applet) tick(status bool) {
	s := a.session
	if s.sending {
		return
	}
	if status && s.watching && a.holds(rules.StatusEndsRow) {
		s.watching = false
		a.put(cellStrict, nil)
		a.broken = nil // it rests a start too early at worst
	}
	if !s.asking && s.refresh == nil {
		a.stopPolling()
		return
	}
	s.askLater = false
	if s.refresh != nil {
		s.refresh.later = false
	}
	a.proceed(s)
}

// Qualifiers of PROVIDE LOCAL INFORMATION.
const (
	localIMEI   = 0x01
	localIMEISV = 0x08
)

// localInformation builds PROVIDE LOCAL INFORMATION (TS 102 223 clause 6.6.15).
func localInformation(qualifier byte) []byte {
	return []byte{0xD0, 0x09, 0x81, 0x03, 0x01, 0x26, qualifier, 0x82, 0x02, 0x81, 0x82}
}

// reply is a TERMINAL RESPONSE as far as the applet reads it.
type reply struct {
	result     byte
	additional byte
	objects    tlv.CObjects
}

func (a *applet) send(h plug.ProactiveHandler, command []byte) (reply, bool) {
	s := a.session
	s.sending = true
	raw, err := h.Send(command)
	s.sending = false
	if err != nil {
		return reply{}, false
	}
	objects, err := tlv.ParseComprehension(raw)
	if err != nil {
		return reply{}, false
	}
	v, ok := objects.Find(0x03)
	if !ok || len(v) == 0 {
		return reply{}, false
	}
	r := reply{result: v[0], objects: objects}
	if len(v) > 1 {
		r.additional = v[1]
	}
	return r, true
}

// ask is §8.4.
func (a *applet) ask(s *session, h plug.ProactiveHandler) {
	generation := a.generation()
	for _, qualifier := range a.questions() {
		r, ok := a.send(h, localInformation(qualifier))
		if s != a.session {
			return // another TERMINAL PROFILE began anew
		}
		if ok {
			a.noteAnswer(r)
		}
		if a.generation() != generation && !s.repeated && a.holds(rules.AskAgain) {
			s.repeated = true
			a.again(s)
			return // proceed asks anew
		}
		imei, valid := reportedIMEI(r.objects)
		switch {
		case ok && valid && r.result < 0x10:
			s.asking = false
			a.decide(s, imei)
			return
		case ok && r.result >= 0x20 && r.result <= 0x27:
			a.busyAnswer(s)
			return
		case !ok || !fallsBack(r.result):
			s.asking = false
			a.decide(s, nil)
			return
		}
	}
	s.asking = false
	a.decide(s, nil)
}

// questions: IMEISV is asked for when the card offers that.
func (a *applet) questions() []byte {
	if a.features&FeatureIMEISV == 0 {
		return []byte{localIMEI}
	}
	return []byte{localIMEI, localIMEISV}
}

// fallsBack: 02, 3X, or 0X without a valid object are followed by the question for the IMEISV.
func fallsBack(result byte) bool { return result < 0x10 || result>>4 == 3 }

func (a *applet) noteAnswer(r reply) {
	a.put(cellAnswer, []byte{r.result, r.additional})
	if a.stored() != nil {
		a.fail(reasonMemory)
	}
}

// again asks anew under a configuration that changed meanwhile; one that no longer decides ends it.
func (a *applet) again(s *session) {
	if !a.configuration().enforcing() {
		s.asking = false
		a.switchedOff()
	}
}

func (a *applet) busyAnswer(s *session) {
	s.busy++
	if s.busy >= busyRetries {
		s.asking = false
		a.decide(s, nil)
		return
	}
	s.askLater = true
	a.poll()
}

// poll asks for STATUS events while something waits. The registry outlives a reset, so that it alone knows.
func (a *applet) poll() {
	if r := a.env.Registry(); r != nil && !r.IsEventSet(plug.StatusCommand) {
		r.RequestPollInterval(pollSeconds)
	}
}

// stopPolling takes the wish back: it outlives a reset, and would cost every start a command.
func (a *applet) stopPolling() {
	if r := a.env.Registry(); r != nil && r.IsEventSet(plug.StatusCommand) {
		r.RequestPollInterval(0)
	}
}
