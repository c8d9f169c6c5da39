package cat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/vuicc/plug"
)

// MaxTimers is how many timers a terminal has (TS 102 223 clause 8.37).
const MaxTimers = 8

// Entry is the toolkit registry entry of one instance: a plug.Registry, and the source of what Env lends to a
// triggered applet.
type Entry struct {
	f         *Framework
	aid       []byte
	priority  byte
	maxTimers int
	applet    plug.Applet
	reg       registrations
	asked     bool // PROACTIVE_HANDLER_AVAILABLE asked for since it was last offered

	// OnChange, when set, is called after every change of the registrations, for the card to store Export.
	OnChange func()
}

var _ plug.Registry = (*Entry)(nil)

// registrations are what outlives a reset.
type registrations struct {
	events []plug.Event
	poll   int // seconds, 0 none
	timers []int
	files  []watched
	menu   []menuItem
}

type watched struct {
	ADF  []byte
	Path []uint16
}

// Proactive gives the proactive handler when it is available to the event this instance is processing (TS 102 241 clause 6.7).
func (e *Entry) Proactive() (plug.ProactiveHandler, bool) {
	if !e.f.available(e) {
		return nil, false
	}
	return handler{e.f, e.f.running}, true
}

// Envelope gives the data of the ENVELOPE behind the event this instance is processing, nil without one.
func (e *Entry) Envelope() []byte {
	if r := e.f.running; r != nil && r.entry == e {
		return bytes.Clone(r.envelope)
	}
	return nil
}

// SetEvent implements plug.Registry. Events that come from another method of the registry are refused
// silently, as TS 102 241 refuses them with EVENT_NOT_ALLOWED.
func (e *Entry) SetEvent(ev plug.Event) {
	switch ev {
	case plug.EnvelopeMenuSelection, plug.TimerExpiration, plug.StatusCommand, plug.ExternalFileUpdate:
		return
	case plug.ProactiveHandlerAvailable:
		e.asked = true
		return
	}
	if !slices.Contains(e.reg.events, ev) {
		e.reg.events = append(e.reg.events, ev)
		e.changed()
	}
}

// ClearEvent implements plug.Registry.
func (e *Entry) ClearEvent(ev plug.Event) {
	if ev == plug.ProactiveHandlerAvailable {
		e.asked = false
		return
	}
	if i := slices.Index(e.reg.events, ev); i >= 0 {
		e.reg.events = slices.Delete(e.reg.events, i, i+1)
		e.changed()
	}
}

// IsEventSet implements plug.Registry.
func (e *Entry) IsEventSet(ev plug.Event) bool {
	switch ev {
	case plug.ProactiveHandlerAvailable:
		return e.asked
	case plug.StatusCommand:
		return e.reg.poll != 0
	case plug.TimerExpiration:
		return len(e.reg.timers) > 0
	case plug.ExternalFileUpdate:
		return len(e.reg.files) > 0
	case plug.EnvelopeMenuSelection:
		return len(e.reg.menu) > 0
	}
	return slices.Contains(e.reg.events, ev)
}

// RequestPollInterval implements plug.Registry: STATUS_COMMAND from now on, and the card asks the
// terminal for the interval when its handler is next free. 0 ends it; at most 15300 s (255 minutes).
func (e *Entry) RequestPollInterval(seconds int) {
	seconds = min(max(seconds, 0), 255*60)
	if e.reg.poll != seconds {
		e.reg.poll = seconds
		e.changed()
	}
}

// AllocateTimer implements plug.Registry: the lowest timer no applet holds.
func (e *Entry) AllocateTimer() (timer int, ok bool) {
	if len(e.reg.timers) >= e.maxTimers {
		return 0, false
	}
	for id := 1; id <= MaxTimers; id++ {
		if e.f.timerOwner(id) == nil {
			e.reg.timers = append(e.reg.timers, id)
			e.changed()
			return id, true
		}
	}
	return 0, false
}

// ReleaseTimer implements plug.Registry.
func (e *Entry) ReleaseTimer(timer int) {
	if i := slices.Index(e.reg.timers, timer); i >= 0 {
		e.reg.timers = slices.Delete(e.reg.timers, i, i+1)
		e.f.timers[timer] = ""
		e.changed()
	}
}

// RegisterFileEvent implements plug.Registry.
func (e *Entry) RegisterFileEvent(adf []byte, path ...uint16) {
	if len(path) == 0 || e.watches(adf, path) {
		return
	}
	e.reg.files = append(e.reg.files, watched{bytes.Clone(adf), slices.Clone(path)})
	e.changed()
}

func (e *Entry) watches(adf []byte, path []uint16) bool {
	return slices.ContainsFunc(e.reg.files, func(w watched) bool {
		return bytes.Equal(w.ADF, adf) && slices.Equal(w.Path, path)
	})
}

func (e *Entry) ownsTimer(id int) bool { return slices.Contains(e.reg.timers, id) }

func (f *Framework) timerOwner(id int) *Entry {
	for _, e := range f.entries {
		if e.ownsTimer(id) {
			return e
		}
	}
	return nil
}

// takeAvailable uses up the wish for PROACTIVE_HANDLER_AVAILABLE: one registration, one event (TS 102 241
// clause 6.2). An applet that asks again while it is being offered the handler waits for the next command.
func (e *Entry) takeAvailable() bool {
	asked := e.asked
	e.asked = false
	return asked
}

func (e *Entry) changed() {
	if e.OnChange != nil {
		e.OnChange()
	}
}

// ErrRegistrations is wrapped by Import for bytes that Export did not write.
var ErrRegistrations = errors.New("not the registrations of a toolkit entry")

// stored is the form of Export.
type stored struct {
	Events []plug.Event `json:"events,omitempty"`
	Poll   int          `json:"poll,omitempty"`
	Timers []int        `json:"timers,omitempty"`
	Files  []watched    `json:"files,omitempty"`
	Menu   []menuItem   `json:"menu,omitempty"`
}

// Export gives the registrations that outlive a reset. The wish for PROACTIVE_HANDLER_AVAILABLE is not among them.
func (e *Entry) Export() []byte {
	r := e.reg
	b, err := json.Marshal(stored{r.events, r.poll, r.timers, r.files, r.menu})
	if err != nil {
		panic(err) // numbers and byte strings always marshal
	}
	return b
}

// Import takes back what Export gave. Nothing changes when it is refused.
func (e *Entry) Import(b []byte) error {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrRegistrations, err)
	}
	if len(s.Timers) > e.maxTimers || s.Poll < 0 || s.Poll > 255*60 {
		return fmt.Errorf("%w: timers or poll interval out of range", ErrRegistrations)
	}
	for _, id := range s.Timers {
		if o := e.f.timerOwner(id); id < 1 || id > MaxTimers || o != nil && o != e {
			return fmt.Errorf("%w: timer %d", ErrRegistrations, id)
		}
	}
	e.reg = registrations{s.Events, s.Poll, s.Timers, s.Files, s.Menu}
	return nil
}
