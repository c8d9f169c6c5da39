// Package cat is the card's side of the toolkit: the Card Application Toolkit
// runtime of the virtual UICC (ETSI TS 102 223, TS 102 221 clause 11.2, TS 102 241).
//
// It triggers applets by event and priority, carries one proactive session at a
// time, and lets an applet wait inside Send as a coroutine until the TERMINAL
// RESPONSE comes or the card is reset. Everything here is volatile but the
// registrations, which the card stores for it: see [Entry.Export].
//
// There is no clock: poll intervals and timers are data, and the terminal's
// STATUS and ENVELOPE (TIMER EXPIRATION) are what makes them pass.
package cat

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/plug"
)

// Framework is the toolkit runtime of one card. It is not safe for concurrent use: a card is single-threaded.
type Framework struct {
	entries []*Entry // the order of triggering: priority, then the most recent first

	profile []byte   // the last TERMINAL PROFILE, nil before one
	first   bool     // the first command after the reset was seen
	running *run     // the applet in hand
	session *session // the proactive session, nil when the handler is free
	waiting []trigger
	system  system
	timers  [MaxTimers + 1]string // value of a timer the terminal runs, by identifier

	// Active, when set, tells which instances take part: one that is not selectable yet, or locked, is neither triggered nor seen by the
	// terminal, and keeps its registrations (TS 102 241: only a selectable applet is triggered). Without it all do.
	Active func(aid []byte) bool
}

// trigger is an event owed to an entry.
type trigger struct {
	entry    *Entry
	event    plug.Event
	envelope []byte
}

// New is a framework without applets, as after a reset.
func New() *Framework { return &Framework{} }

// Register makes the registry entry of an installed instance (TS 102 226 clause 8.2.1.3.2.1):
// priority 01 is highest, timers is how many it may allocate, 0 to 8. An entry registered for the same
// AID before is replaced.
func (f *Framework) Register(aid []byte, priority byte, timers int, applet plug.Applet) *Entry {
	f.Unregister(aid)
	e := &Entry{f: f, aid: bytes.Clone(aid), priority: priority, maxTimers: min(max(timers, 0), MaxTimers), applet: applet}
	at := 0
	for at < len(f.entries) && f.entries[at].priority < priority {
		at++ // of equals the most recent is triggered first (TS 102 241 clause 6.3)
	}
	f.entries = slices.Insert(f.entries, at, e)
	return e
}

// Unregister drops the entry of an instance, and the proactive session it owns.
func (f *Framework) Unregister(aid []byte) {
	i := slices.IndexFunc(f.entries, func(e *Entry) bool { return bytes.Equal(e.aid, aid) })
	if i < 0 {
		return
	}
	f.Abandon(aid)
	f.entries = slices.Delete(f.entries, i, i+1)
}

// Abandon takes back every event owed to an instance. If it waits for the terminal, its proactive session ends and it is unwound, not resumed.
func (f *Framework) Abandon(aid []byte) {
	f.waiting = slices.DeleteFunc(f.waiting, func(t trigger) bool { return bytes.Equal(t.entry.aid, aid) })
	if f.session == nil {
		return
	}
	if e := f.session.owner(); e != nil && bytes.Equal(e.aid, aid) {
		f.endSession()
	}
}

// active lists the entries that take part, in the order of triggering.
func (f *Framework) active() []*Entry {
	return slices.DeleteFunc(slices.Clone(f.entries), func(e *Entry) bool { return !f.takesPart(e) })
}

func (f *Framework) takesPart(e *Entry) bool { return f.Active == nil || f.Active(e.aid) }

// Entry gives the entry of an instance, nil when it has none.
func (f *Framework) Entry(aid []byte) *Entry {
	for _, e := range f.entries {
		if bytes.Equal(e.aid, aid) {
			return e
		}
	}
	return nil
}

// Reset forgets what a reset forgets: profile, proactive session, events still owed, timers the
// terminal ran. An applet that waits in Send is ended without being resumed: its deferred functions
// run, and they must not write. The card aborts an open transaction itself.
func (f *Framework) Reset() {
	f.profile, f.first, f.waiting, f.system = nil, false, nil, system{}
	f.timers = [MaxTimers + 1]string{}
	f.endSession()
	f.running = nil
}

// FirstCommand fires FIRST_COMMAND_AFTER_ATR once per reset; the card calls it before it
// processes the first command (TS 102 241 clause 6.2). The proactive handler is not available to it.
func (f *Framework) FirstCommand() {
	if f.first {
		return
	}
	f.first = true
	f.fire(plug.FirstCommandAfterATR, nil)
}

// TerminalProfile takes the data of TERMINAL PROFILE (TS 102 221 clause 11.2.1) and fires PROFILE_DOWNLOAD. A
// second one starts the session between terminal and card anew: what was pending is dropped.
func (f *Framework) TerminalProfile(data []byte) apdu.SW {
	if len(data) == 0 {
		return apdu.SWWrongLength
	}
	f.endSession()
	f.waiting, f.system = nil, system{}
	f.profile = bytes.Clone(data)
	f.fire(plug.ProfileDownload, nil)
	f.pump()
	return apdu.SWOK
}

// Profile tells whether the terminal announced a facility, by bit index from 0 (byte 1 b1) of
// TERMINAL PROFILE (TS 102 223 clause 5.2). Before a profile it has none.
func (f *Framework) Profile(bit int) bool {
	return bit >= 0 && bit/8 < len(f.profile) && f.profile[bit/8]>>(bit%8)&1 == 1
}

// Status is the terminal's poll: STATUS_COMMAND for every entry that requested a poll interval.
func (f *Framework) Status() {
	f.fireTo(plug.StatusCommand, nil, func(e *Entry) bool { return e.reg.poll != 0 })
	f.pump()
}

// FileChanged fires EXTERNAL_FILE_UPDATE for a file a command has just changed: adf nil and a path
// from MF (without 3F00), or the full AID and a path from the ADF (without 7FFF).
func (f *Framework) FileChanged(adf []byte, path []uint16) {
	f.fireTo(plug.ExternalFileUpdate, nil, func(e *Entry) bool { return e.watches(adf, path) })
	f.pump()
}

// ApplicationDeselected fires APPLICATION_DESELECT after an application session ended.
func (f *Framework) ApplicationDeselected() {
	f.fire(plug.ApplicationDeselect, nil)
	f.pump()
}

// Idle gives a free proactive handler to whoever waits for it: events still owed, the card's own
// commands, PROACTIVE_HANDLER_AVAILABLE. Pending calls it, so that it happens after every command.
func (f *Framework) Idle() { f.pump() }

// Pending tells the length, 1 to 256, of the proactive command that waits to be fetched: the XX of 91XX.
// The card asks after every command.
func (f *Framework) Pending() (length int, ok bool) {
	f.pump()
	if f.session == nil || f.session.fetched {
		return 0, false
	}
	return len(f.session.command), true
}

func (f *Framework) fire(e plug.Event, envelope []byte) {
	f.fireTo(e, envelope, func(x *Entry) bool { return x.IsEventSet(e) })
}

// fireTo triggers the chosen entries in their order. When one begins to wait for the terminal, the
// rest of the list follows after its session, so that each finds the handler free.
func (f *Framework) fireTo(ev plug.Event, envelope []byte, chosen func(*Entry) bool) {
	busy := f.session
	for _, e := range f.active() {
		if !chosen(e) {
			continue
		}
		if f.session != busy {
			f.waiting = append(f.waiting, trigger{e, ev, envelope})
			continue
		}
		f.start(trigger{e, ev, envelope})
	}
}

// pump uses the proactive handler while it is free and wanted. Every round consumes a trigger, begins a command of
// the card's own, or offers the handler to an entry that was not yet offered it: it ends.
func (f *Framework) pump() {
	asked := slices.DeleteFunc(f.active(), func(e *Entry) bool { return !e.asked })
	for f.session == nil && f.profile != nil {
		if len(f.waiting) > 0 {
			t := f.waiting[0]
			f.waiting = f.waiting[1:]
			if f.takesPart(t.entry) {
				f.start(t)
			}
			continue
		}
		if f.ownCommand() {
			continue
		}
		if len(asked) == 0 {
			return
		}
		e := asked[0]
		asked = asked[1:]
		if e.takeAvailable() {
			f.start(trigger{e, plug.ProactiveHandlerAvailable, nil})
		}
	}
}
