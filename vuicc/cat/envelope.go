package cat

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// BER-TLV tags of ENVELOPE (TS 101 220 table 7.17).
const (
	tagMenuSelection   = 0xD3
	tagEventDownload   = 0xD6
	tagTimerExpiration = 0xD7
)

// eventLocationStatus is Location status in an event list (TS 102 223 clause 8.25).
const eventLocationStatus = 0x03

// Envelope answers ENVELOPE (TS 102 221 clause 11.2.2). Timer expiration goes to the applet that holds the timer, a menu
// selection to the one with the item, an event to those registered, and what this card does not know to
// those registered for UNRECOGNIZED_ENVELOPE: 6F00 when there are none. Malformed data: 6A80.
func (f *Framework) Envelope(data []byte) apdu.Response {
	o, n, err := tlv.Next(data)
	if err != nil || n != len(data) {
		return apdu.Response{SW: apdu.SWWrongData}
	}
	objects, err := tlv.ParseComprehension(o.Value)
	if err != nil {
		return apdu.Response{SW: apdu.SWWrongData}
	}
	sw := f.envelope(o.Tag, objects, data)
	f.pump()
	return apdu.Response{SW: sw}
}

func (f *Framework) envelope(tag tlv.Tag, objects tlv.CObjects, data []byte) apdu.SW {
	switch tag {
	case tagTimerExpiration:
		return f.timerExpired(objects, data)
	case tagMenuSelection:
		return f.menuSelected(objects, data)
	case tagEventDownload:
		if events, _ := objects.Find(tagEventList); len(events) == 1 && events[0] == eventLocationStatus {
			f.fire(plug.EventDownloadLocation, data)
			return apdu.SWOK
		}
	}
	if !slices.ContainsFunc(f.active(), func(e *Entry) bool { return e.IsEventSet(plug.UnrecognizedEnvelope) }) {
		return apdu.SWNoDiagnosis
	}
	f.fire(plug.UnrecognizedEnvelope, data)
	return apdu.SWOK
}

func (f *Framework) timerExpired(objects tlv.CObjects, data []byte) apdu.SW {
	v, _ := objects.Find(tagTimerIdentifier)
	if len(v) != 1 || v[0] < 1 || v[0] > MaxTimers {
		return apdu.SWWrongData
	}
	id := int(v[0])
	f.timers[id] = ""
	f.fireTo(plug.TimerExpiration, data, func(e *Entry) bool { return e.ownsTimer(id) })
	return apdu.SWOK
}

func (f *Framework) menuSelected(objects tlv.CObjects, data []byte) apdu.SW {
	v, _ := objects.Find(tagItemIdentifier)
	if len(v) != 1 {
		return apdu.SWWrongData
	}
	f.fireTo(plug.EnvelopeMenuSelection, data, func(e *Entry) bool { return e.hasItem(v[0]) })
	return apdu.SWOK
}

// noteTimer keeps what the terminal's timers do after an answered TIMER MANAGEMENT (TS 102 223 clause 6.4.21):
// qualifier 00 start, 01 deactivate, 02 get the value.
func (f *Framework) noteTimer(s *session, result byte) {
	id, ok := s.timer()
	if s.details[1] != typeTimerManagement || !ok || id < 1 || id > MaxTimers || result >= 0x10 {
		return
	}
	switch s.details[2] & 0x03 {
	case 0:
		v, _ := s.objects().Find(tagTimerValue)
		f.timers[id] = fmt.Sprintf("%X", v)
	case 1:
		f.timers[id] = ""
	}
}

// Timer is a timer the terminal runs for the card.
type Timer struct {
	ID    int    // 1 to 8
	Value string // as the applet started it: hour, minute, second, swapped digits, in hex ("000003" is 30 s)
}

// Timers lists the running timers, ascending.
func (f *Framework) Timers() []Timer {
	var out []Timer
	for id, v := range f.timers {
		if v != "" {
			out = append(out, Timer{id, v})
		}
	}
	return out
}

// menuItem is one entry of the card's menu.
type menuItem struct {
	ID   byte
	Text []byte
}

// AddMenuItem gives the instance an entry in the card's menu (initMenuEntry): identifier 1 to 127, not used by another
// applet, and a text of 1 to 32 bytes. It tells whether it was accepted.
func (e *Entry) AddMenuItem(id byte, text string) bool {
	if id == 0 || id > 0x7F || len(text) == 0 || len(text) > 32 {
		return false
	}
	if slices.ContainsFunc(e.f.entries, func(x *Entry) bool { return x.hasItem(id) }) {
		return false
	}
	e.reg.menu = append(e.reg.menu, menuItem{id, []byte(text)})
	e.changed()
	return true
}

func (e *Entry) hasItem(id byte) bool {
	return slices.ContainsFunc(e.reg.menu, func(m menuItem) bool { return m.ID == id })
}

// tellMenu begins SET UP MENU (TS 102 223 clause 6.6.7) when the menu is not what the terminal was told. Items that
// no longer fit into one command are left out.
func (f *Framework) tellMenu() bool {
	const room = 200
	var items []byte
	for _, e := range f.active() {
		for _, m := range e.reg.menu {
			one := tlv.AppendComprehension(nil, tagItem, true, []byte{m.ID}, m.Text)
			if len(items)+len(one) <= room {
				items = append(items, one...)
			}
		}
	}
	if string(items) == f.system.menu || !f.Profile(profileSetUpMenu) {
		return false
	}
	f.system.menu = string(items)
	if len(items) == 0 { // an empty item removes the menu
		items = tlv.AppendComprehension(nil, tagItem, true)
	}
	title := tlv.AppendComprehension(nil, tagAlpha, true, []byte("Card"))
	f.own(typeSetUpMenu, 0, bytes.Join([][]byte{title, items}, nil))
	return true
}
