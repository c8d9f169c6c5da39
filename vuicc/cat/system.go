package cat

import (
	"fmt"
	"slices"

	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/plug"
)

// Types of proactive commands (TS 102 223 clause 9.4).
const (
	typePollInterval    = 0x03
	typePollingOff      = 0x04
	typeSetUpEventList  = 0x05
	typeSetUpMenu       = 0x25
	typeTimerManagement = 0x27
)

// COMPREHENSION-TLV tags (TS 102 223 clause 9.3).
const (
	tagCommandDetails  = 0x01
	tagDevices         = 0x02
	tagResult          = 0x03
	tagDuration        = 0x04
	tagAlpha           = 0x05
	tagItem            = 0x0F
	tagItemIdentifier  = 0x10
	tagEventList       = 0x19
	tagTimerIdentifier = 0x24
	tagTimerValue      = 0x25
)

// Bits of TERMINAL PROFILE (TS 102 223 clause 5.2), index from byte 1 b1.
const (
	profilePollInterval = 21
	profilePollingOff   = 22
	profileSetUpMenu    = 29
	profileEventList    = 32
)

// system is what the card itself has told the terminal since the profile: its own proactive
// commands follow from the difference to what the registrations ask for.
type system struct {
	poll   int
	events []byte
	menu   string
}

// ownCommand begins the card's own command that the registrations ask for, if any (TS 102 241
// clause 6.6: SET UP EVENT LIST, SET UP MENU, POLL INTERVAL and POLLING OFF belong to the card).
// One refused by the terminal is not asked again before the registrations change.
func (f *Framework) ownCommand() bool {
	return f.tellEvents() || f.tellMenu() || f.tellPoll()
}

func (f *Framework) tellEvents() bool {
	events := f.wantedEvents()
	if slices.Equal(events, f.system.events) || !f.Profile(profileEventList) {
		return false
	}
	f.system.events = events
	f.own(typeSetUpEventList, 0, tlv.AppendComprehension(nil, tagEventList, true, events))
	return true
}

// wantedEvents is the event list, ascending (TS 102 223 clause 8.25).
func (f *Framework) wantedEvents() []byte {
	for _, e := range f.active() {
		if e.IsEventSet(plug.EventDownloadLocation) {
			return []byte{eventLocationStatus}
		}
	}
	return nil
}

func (f *Framework) tellPoll() bool {
	poll := f.PollInterval()
	if poll == f.system.poll {
		return false
	}
	switch {
	case poll == 0 && f.Profile(profilePollingOff):
		f.own(typePollingOff, 0, nil)
	case poll != 0 && f.Profile(profilePollInterval):
		f.own(typePollInterval, 0, tlv.AppendComprehension(nil, tagDuration, true, duration(poll)))
	default:
		return false
	}
	f.system.poll = poll
	return true
}

// PollInterval is the shortest interval an entry asks for, in seconds; 0 when none does.
func (f *Framework) PollInterval() int {
	poll := 0
	for _, e := range f.active() {
		if e.reg.poll != 0 && (poll == 0 || e.reg.poll < poll) {
			poll = e.reg.poll
		}
	}
	return poll
}

// duration codes seconds (TS 102 223 clause 8.8): unit 01 seconds up to 255, else unit 00 minutes, rounded down.
func duration(seconds int) []byte {
	if seconds <= 255 {
		return []byte{0x01, byte(seconds)}
	}
	return []byte{0x00, byte(seconds / 60)}
}

// own starts a proactive session of the card itself.
func (f *Framework) own(kind, qualifier byte, objects []byte) {
	body := tlv.AppendComprehension(nil, tagCommandDetails, true, []byte{0x01, kind, qualifier})
	body = tlv.AppendComprehension(body, tagDevices, true, []byte{0x81, 0x82})
	s, err := newSession(tlv.Encode(0xD0, body, objects))
	if err != nil {
		panic(fmt.Sprintf("own proactive command %02X: %v", kind, err))
	}
	f.session = s
}
