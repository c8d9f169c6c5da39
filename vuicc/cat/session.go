package cat

import (
	"bytes"
	"errors"
	"iter"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// Errors of Send, named after the reasons of uicc.toolkit.ToolkitException.
var (
	ErrHandlerNotAvailable = errors.New("proactive handler not available")
	ErrHandlerOverflow     = errors.New("proactive command longer than 256 bytes")
	ErrBadInput            = errors.New("not a proactive command")
	ErrCommandNotAllowed   = errors.New("proactive command reserved to the card")
	ErrInvalidTimer        = errors.New("timer not allocated to the applet")
)

// run is one applet being triggered: a coroutine that yields at every Send.
type run struct {
	trigger
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	answer []byte
	dead   bool
}

// ended is what Send panics with in an applet whose wait was ended by a reset.
type ended struct{}

// session is one proactive command on its way: announced, fetched, answered.
type session struct {
	run     *run // nil: the card's own command
	command []byte
	details [3]byte // number, type, qualifier
	fetched bool
	done    func(response tlv.CObjects) // of the card's own command
}

func (s *session) owner() *Entry {
	if s.run == nil {
		return nil
	}
	return s.run.entry
}

// start triggers an applet and runs it until it returns or waits for the terminal.
func (f *Framework) start(t trigger) {
	r := &run{trigger: t}
	r.resume, r.stop = iter.Pull(func(yield func(struct{}) bool) {
		r.yield = yield
		defer func() {
			if v := recover(); v != nil && v != any(ended{}) {
				panic(v)
			}
		}()
		t.entry.applet.Toolkit(t.event)
	})
	f.enter(r, func() { r.resume() })
}

// enter makes r the applet in hand for the time of do. A panic in the applet (power loss) passes
// through to the caller of the framework.
func (f *Framework) enter(r *run, do func()) {
	outer := f.running
	f.running = r
	defer func() { f.running = outer }()
	do()
}

// endSession drops the proactive session; an applet waiting in it is unwound, not resumed.
func (f *Framework) endSession() {
	s := f.session
	f.session = nil
	if s != nil && s.run != nil {
		s.run.dead = true
		f.enter(s.run, s.run.stop)
	}
}

// handler is the ProactiveHandler lent to a running applet.
type handler struct {
	f *Framework
	r *run
}

// Send implements plug.ProactiveHandler. The command number is always 01: there is one session at a time.
func (h handler) Send(command []byte) ([]byte, error) {
	if h.f.running != h.r || h.f.session != nil || h.r.dead {
		return nil, ErrHandlerNotAvailable
	}
	s, err := newSession(command)
	if err != nil {
		return nil, err
	}
	if err := h.allowed(s); err != nil {
		return nil, err
	}
	s.run, h.f.session = h.r, s
	if !h.r.yield(struct{}{}) {
		panic(ended{})
	}
	return h.r.answer, nil
}

// allowed refuses what TS 102 241 clause 6.6 keeps to the card, and timers of other applets.
func (h handler) allowed(s *session) error {
	switch s.details[1] {
	case typeSetUpMenu, typeSetUpEventList, typePollInterval, typePollingOff:
		return ErrCommandNotAllowed
	case typeTimerManagement:
		id, ok := s.timer()
		if !ok || !h.r.entry.ownsTimer(id) {
			return ErrInvalidTimer
		}
	}
	return nil
}

// newSession checks a proactive command (TS 102 223 clause 6.6): D0 around COMPREHENSION-TLV
// objects, the command details first. It sets the command number.
func newSession(command []byte) (*session, error) {
	c := bytes.Clone(command)
	o, n, err := tlv.Next(c)
	if err != nil || n != len(c) || o.Tag != 0xD0 {
		return nil, ErrBadInput
	}
	if len(c) > apdu.MaxShortLe {
		return nil, ErrHandlerOverflow
	}
	objects, err := tlv.ParseComprehension(o.Value)
	if err != nil || len(objects) == 0 || objects[0].Tag != tagCommandDetails || len(objects[0].Value) != 3 {
		return nil, ErrBadInput
	}
	objects[0].Value[0] = 0x01 // shares memory with c
	return &session{command: c, details: [3]byte(objects[0].Value)}, nil
}

func (s *session) objects() tlv.CObjects {
	o, _, _ := tlv.Next(s.command)
	objects, _ := tlv.ParseComprehension(o.Value)
	return objects
}

// timer is the timer identifier of a TIMER MANAGEMENT command.
func (s *session) timer() (id int, ok bool) {
	v, _ := s.objects().Find(tagTimerIdentifier)
	if len(v) != 1 {
		return 0, false
	}
	return int(v[0]), true
}

// Fetch answers FETCH (TS 102 221 clause 11.2.3): the command that waits, once. 6F00 without one; 6CXX, and the command goes
// on waiting, when le is too small for it. That Le fits exactly is for the T=0 layer to check, by Pending.
func (f *Framework) Fetch(le int) apdu.Response {
	s := f.session
	if s == nil || s.fetched {
		return apdu.Response{SW: apdu.SWNoDiagnosis}
	}
	if le < len(s.command) {
		return apdu.Response{SW: 0x6C00 | apdu.SW(len(s.command)&0xFF)}
	}
	s.fetched = true
	return apdu.Response{Data: bytes.Clone(s.command), SW: apdu.SWOK}
}

// TerminalResponse takes the data of TERMINAL RESPONSE (TS 102 221 clause 11.2.4, TS 102 223 clause 6.8) and resumes the
// applet that waits for it. 6F00 when no command was fetched; 6A80, and the session stays, when the data is
// malformed or does not belong to the command: its details must be the same three bytes and a result must be there.
func (f *Framework) TerminalResponse(data []byte) apdu.SW {
	s := f.session
	if s == nil || !s.fetched {
		return apdu.SWNoDiagnosis
	}
	objects, err := tlv.ParseComprehension(data)
	if err != nil {
		return apdu.SWWrongData
	}
	details, _ := objects.Find(tagCommandDetails)
	result, _ := objects.Find(tagResult)
	if !bytes.Equal(details, s.details[:]) || len(result) == 0 {
		return apdu.SWWrongData
	}
	f.session = nil
	f.noteTimer(s, result[0])
	switch {
	case s.done != nil:
		s.done(objects)
	case s.run != nil:
		s.run.answer = bytes.Clone(data)
		f.enter(s.run, func() { s.run.resume() })
	}
	f.pump()
	return apdu.SWOK
}

// available tells whether the proactive handler is there for the applet in hand (TS 102 241 clause 6.7).
func (f *Framework) available(e *Entry) bool {
	r := f.running
	if r == nil || r.entry != e || r.dead || f.session != nil || f.profile == nil {
		return false
	}
	return r.event != plug.FirstCommandAfterATR && r.event != plug.ApplicationDeselect
}
