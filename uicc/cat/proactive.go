// Package cat plays the terminal of the Card Application Toolkit (ETSI TS 102 223): TERMINAL PROFILE, FETCH, TERMINAL
// RESPONSE, ENVELOPE, the STATUS poll, and REFRESH carried out as a phone would.
package cat

import (
	"errors"
	"fmt"
	"time"

	"github.com/simbind/simbind/tlv"
)

// ErrMalformed is wrapped by every refusal of what a card sent.
var ErrMalformed = errors.New("malformed proactive command")

// Type is the type of a proactive command (clause 9.4).
type Type byte

// Types this package acts on; all others are answered too.
const (
	Refresh                 Type = 0x01
	MoreTime                Type = 0x02
	PollInterval            Type = 0x03
	PollingOff              Type = 0x04
	SetUpEventList          Type = 0x05
	SetUpMenu               Type = 0x25
	ProvideLocalInformation Type = 0x26
	TimerManagement         Type = 0x27
)

var typeNames = map[Type]string{
	Refresh: "REFRESH", MoreTime: "MORE TIME", PollInterval: "POLL INTERVAL", PollingOff: "POLLING OFF", SetUpEventList: "SET UP EVENT LIST",
	0x10: "SET UP CALL", 0x11: "SEND SS", 0x12: "SEND USSD", 0x13: "SEND SHORT MESSAGE", 0x14: "SEND DTMF", 0x15: "LAUNCH BROWSER", 0x16: "GEOGRAPHICAL LOCATION REQUEST",
	0x20: "PLAY TONE", 0x21: "DISPLAY TEXT", 0x22: "GET INKEY", 0x23: "GET INPUT", 0x24: "SELECT ITEM", SetUpMenu: "SET UP MENU",
	ProvideLocalInformation: "PROVIDE LOCAL INFORMATION", TimerManagement: "TIMER MANAGEMENT", 0x28: "SET UP IDLE MODE TEXT",
	0x30: "PERFORM CARD APDU", 0x31: "POWER ON CARD", 0x32: "POWER OFF CARD", 0x33: "GET READER STATUS", 0x34: "RUN AT COMMAND", 0x35: "LANGUAGE NOTIFICATION",
	0x40: "OPEN CHANNEL", 0x41: "CLOSE CHANNEL", 0x42: "RECEIVE DATA", 0x43: "SEND DATA", 0x44: "GET CHANNEL STATUS", 0x45: "SERVICE SEARCH",
	0x60: "RETRIEVE MULTIMEDIA MESSAGE", 0x61: "SUBMIT MULTIMEDIA MESSAGE", 0x62: "DISPLAY MULTIMEDIA MESSAGE", 0x70: "ACTIVATE",
}

func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("command type %02X", byte(t))
}

// Tags of COMPREHENSION-TLV objects (clause 9.3), without the comprehension bit.
const (
	tagCommandDetails = 0x01
	tagDevices        = 0x02
	tagResult         = 0x03
	tagDuration       = 0x04
	tagFileList       = 0x12
	tagIMEI           = 0x14
	tagEventList      = 0x19
	tagTimer          = 0x24
	tagTimerValue     = 0x25
	tagAID            = 0x2F
	tagIMEISV         = 0x62
)

// Device identities (clause 8.7).
const (
	deviceUICC     = 0x81
	deviceTerminal = 0x82
)

// tagProactive is the BER-TLV tag of a proactive command, tagTimerExpiration of the envelope (clause 9.1).
const (
	tagProactive       = 0xD0
	tagTimerExpiration = 0xD7
)

// ProactiveCommand is what a card asks of the terminal.
type ProactiveCommand struct {
	Raw                 []byte
	Number              byte
	Type                Type
	Qualifier           byte
	Source, Destination byte
	Objects             tlv.CObjects
}

// ParseProactive reads `D0 {command details, device identities, …}`.
func ParseProactive(b []byte) (ProactiveCommand, error) {
	p := ProactiveCommand{Raw: append([]byte(nil), b...)}
	outer, err := tlv.Parse(b)
	if err != nil || len(outer) != 1 || outer[0].Tag != tagProactive {
		return p, fmt.Errorf("%w: not one template D0", ErrMalformed)
	}
	if p.Objects, err = tlv.ParseComprehension(outer[0].Value); err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	details, ok := p.Objects.Find(tagCommandDetails)
	if !ok || len(details) != 3 {
		return p, fmt.Errorf("%w: no command details", ErrMalformed)
	}
	p.Number, p.Type, p.Qualifier = details[0], Type(details[1]), details[2]
	devices, ok := p.Objects.Find(tagDevices)
	if !ok || len(devices) != 2 {
		return p, fmt.Errorf("%w: no device identities", ErrMalformed)
	}
	p.Source, p.Destination = devices[0], devices[1]
	return p, nil
}

// String is type and qualifier: "REFRESH 00".
func (p ProactiveCommand) String() string { return fmt.Sprintf("%s %02X", p.Type, p.Qualifier) }

// Duration reads a duration object (clause 8.8): unit 00 minutes, 01 seconds, 02 tenths.
func (p ProactiveCommand) Duration() (time.Duration, bool) {
	v, _ := p.Objects.Find(tagDuration)
	return duration(v)
}

func duration(v []byte) (time.Duration, bool) {
	if len(v) != 2 {
		return 0, false
	}
	unit, known := map[byte]time.Duration{0x00: time.Minute, 0x01: time.Second, 0x02: 100 * time.Millisecond}[v[0]]
	return time.Duration(v[1]) * unit, known
}

// Timer reads timer identifier and value (clauses 8.37, 8.38): hours, minutes, seconds as swapped BCD. A command that
// starts no timer has no value.
func (p ProactiveCommand) Timer() (id byte, value time.Duration, ok bool) {
	v, found := p.Objects.Find(tagTimer)
	if !found || len(v) != 1 || v[0] < 1 || v[0] > 8 {
		return 0, 0, false
	}
	t, found := p.Objects.Find(tagTimerValue)
	if !found {
		return v[0], 0, true
	}
	if len(t) != 3 {
		return 0, 0, false
	}
	return v[0], timerValue(t), true
}

// timerValue reads three bytes.
func timerValue(t []byte) time.Duration {
	n := func(b byte) time.Duration { return time.Duration(b&0x0F)*10 + time.Duration(b>>4) }
	return n(t[0])*time.Hour + n(t[1])*time.Minute + n(t[2])*time.Second
}

// Files reads a file list (clause 8.18): a count, then full paths, each beginning with 3F00.
func (p ProactiveCommand) Files() [][]uint16 {
	v, _ := p.Objects.Find(tagFileList)
	return fileList(v)
}

func fileList(v []byte) [][]uint16 {
	if len(v)%2 != 1 {
		return nil
	}
	var out [][]uint16
	for i := 1; i+1 < len(v); i += 2 {
		fid := uint16(v[i])<<8 | uint16(v[i+1])
		if fid == 0x3F00 || len(out) == 0 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], fid)
	}
	return out
}

// AID reads the application a REFRESH is for; nil means the one on the basic channel.
func (p ProactiveCommand) AID() []byte {
	v, _ := p.Objects.Find(tagAID)
	return v
}
