package trace

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Masker decides what of a conversation may be shown. It goes along with it, to know which file is read or written, and which
// command a GET RESPONSE collects for. What it does not know to be harmless is masked.
type Masker struct {
	reveal bool
	at     map[int]*whereabouts // by logical channel
	asked  apdu.Command         // the command GET RESPONSE collects for
}

// NewMasker makes one for a conversation that begins with a reset: the MF is current, and 7FFF is taken for a USIM.
func NewMasker(opt Options) *Masker {
	return &Masker{reveal: opt.Reveal, at: map[int]*whereabouts{0: {dir: dirMF, app: dirUSIM}}}
}

// kind is how private some bytes are. Zero is never, so that what stands in no table is not shown.
type kind int

const (
	never    kind = iota // a code, a key, a cryptogram, or not known
	personal             // shown when that was asked for
	public
)

// Instructions of TS 102 221 and TS 31.102 that this tool never sends.
const (
	insAuthenticateOdd = 0x89
	insGetIdentity     = 0x78
	insRetrieveData    = 0xCB
	insSetData         = 0xDB
)

// commandKinds say how private the data of a command is, where its instruction alone tells. Not here are those that reach a file, and those
// whose data may hold a code or a key: VERIFY and its kin, AUTHENTICATE, EXTERNAL AUTHENTICATE, PUT KEY, STORE DATA, and what is not known.
var commandKinds = map[byte]kind{
	apdu.INSSelect: public, apdu.INSStatus: public, apdu.INSManageChannel: public, apdu.INSGetChallenge: public, apdu.INSTerminalCapability: public,
	apdu.INSTerminalProfile: public, apdu.INSInitializeUpdate: public, apdu.INSGetData: public, apdu.INSDelete: public, apdu.INSInstall: public,
	apdu.INSLoad: public, apdu.INSSetStatus: public, apdu.INSActivateFile: public, apdu.INSDeactivateFile: public, apdu.INSIncrease: public,
	insGetIdentity: personal,
}

// answerKinds are the same of the answer.
var answerKinds = map[byte]kind{
	apdu.INSManageChannel: public, apdu.INSGetChallenge: public, apdu.INSTerminalCapability: public, apdu.INSTerminalProfile: public,
	apdu.INSInitializeUpdate: public, apdu.INSDelete: public, apdu.INSInstall: public, apdu.INSLoad: public, apdu.INSSetStatus: public,
	apdu.INSActivateFile: public, apdu.INSDeactivateFile: public, apdu.INSTerminalResponse: public,
	insGetIdentity: personal, // a SUCI, or the SUPI in clear
}

// Exchange gives command and answer as hex, with masks such as [8 BYTES] for what may not be shown.
func (m *Masker) Exchange(c apdu.Command, r apdu.Response) (command, response string) {
	asked := c
	if c.INS == apdu.INSGetResponse {
		asked = m.asked
	}
	file := m.channel(asked).reached(asked)
	command = upper(c.Header())
	if len(c.Data) > 0 {
		command += fmt.Sprintf("%02X", byte(len(c.Data))) + m.shown(dataKind(c, file), c.Data)
	}
	if c.Le > 0 {
		command += fmt.Sprintf("%02X", byte(c.Le))
	}
	response = m.shown(answerKind(asked, r, file), r.Data) + r.SW.String()
	m.asked = asked
	m.channel(c).follow(c, r.SW)
	return command, response
}

func (m *Masker) channel(c apdu.Command) *whereabouts {
	n := apdu.Channel(c.CLA)
	if m.at[n] == nil {
		m.at[n] = &whereabouts{}
	}
	return m.at[n]
}

func upper(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func (m *Masker) shown(k kind, b []byte) string {
	if len(b) > 0 && (k == never || k == personal && !m.reveal) {
		return Mask(len(b))
	}
	return upper(b)
}

// Mask stands in a transcript for n bytes.
func Mask(n int) string { return fmt.Sprintf("[%d BYTES]", n) }

// dataKind is how private the data of a command is; file is the one it reaches.
func dataKind(c apdu.Command, file kind) kind {
	switch c.INS {
	case apdu.INSUpdateBinary, apdu.INSUpdateRecord, apdu.INSSearchRecord, insRetrieveData, insSetData:
		return min(file, personal)
	case apdu.INSEnvelope:
		return envelope(c.Data)
	case apdu.INSInstall:
		return installation(c)
	case apdu.INSTerminalResponse:
		return terminalResponse(c.Data)
	}
	return commandKinds[c.INS]
}

// installation: the application parameters (C9) of the binding applet may hold a first configuration (E0), which names IMEIs (card interface §2).
func installation(c apdu.Command) kind {
	fields := c.Data
	for range 4 { // load file, module, instance, privileges; the parameters follow (GPCS clause 11.5.2.3)
		if len(fields) == 0 || int(fields[0]) >= len(fields) {
			return public
		}
		fields = fields[1+int(fields[0]):]
	}
	if len(fields) == 0 || int(fields[0]) >= len(fields) {
		return public
	}
	for _, tag := range []tlv.Tag{0xC9, 0xE0} {
		objects, err := tlv.ParseLenient(fields[1 : 1+int(fields[0])])
		value, ok := objects.Find(tag)
		if err != nil || !ok {
			return public
		}
		fields = append([]byte{byte(len(value))}, value...)
	}
	return personal
}

// envelope: a download by SMS or cell broadcast may carry any command, PUT KEY among them.
func envelope(b []byte) kind {
	if len(b) == 0 || b[0] == 0xD1 || b[0] == 0xD2 {
		return never
	}
	return personal
}

// tagChannelData is what was received over a channel (TS 102 223 clause 8.53).
const tagChannelData = 0x36

// terminalResponse: so may what the terminal received over a channel.
func terminalResponse(b []byte) kind {
	objects, err := tlv.ParseComprehension(b)
	if _, received := objects.Find(tagChannelData); err == nil && received {
		return never
	}
	return personal
}

// answerKind is how private an answer is.
func answerKind(asked apdu.Command, r apdu.Response, file kind) kind {
	switch asked.INS {
	case apdu.INSReadBinary, apdu.INSReadRecord, apdu.INSSearchRecord, apdu.INSIncrease, insRetrieveData:
		return file
	case apdu.INSEnvelope:
		return envelope(asked.Data)
	case apdu.INSFetch:
		return proactive(r.Data)
	case apdu.INSGetData:
		return objectKind(asked)
	case apdu.INSSelect, apdu.INSStatus:
		ours := asked.P1 == 0x04 && len(asked.Data) > 0 && asked.Data[0] == 0xF0 // as an AID without a registered provider begins
		if ours || holdsState(r.Data) {
			return personal
		}
		return public
	}
	return answerKinds[asked.INS]
}

// objects say how private what GET DATA answers is, by the tag in P1 and P2: issuer and card number, key information, card data, capabilities,
// sequence counter, diversification data, production life cycle, memory, applications (GPCS clause 11.3, TS 102 226 clause 8.2.1.7). Other
// applications have others, and nobody knows what stands in them.
var objects = map[uint16]kind{
	0x0042: public, 0x0045: personal, 0x0066: public, 0x0067: public, 0x00C1: public, 0x00CF: public, 0x2F00: public, 0x9F7F: public,
	0xFF20: public, 0xFF21: public,
}

// objectKind knows the objects of the binding applet too, which come in parts that P1 counts (card interface §3).
func objectKind(c apdu.Command) kind {
	switch {
	case c.P2 == 0xE0, c.P2 == 0xE1, c.P2 == 0xE4:
		return personal
	case c.P2 == 0xE3 && c.P1 <= 0x0F:
		return public
	}
	return objects[uint16(c.P1)<<8|uint16(c.P2)]
}

// holdsState: the binding applet answers its selection with its state, which may name IMEIs (card interface §2).
func holdsState(b []byte) bool {
	for _, tag := range []tlv.Tag{0x6F, 0xA5} {
		objects, err := tlv.ParseLenient(b)
		if err != nil {
			return len(b) > 0 && b[0] == 0x6F // cut or damaged: nobody knows what stands in it
		}
		b, _ = objects.Find(tag)
	}
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return true
	}
	_, ok := objects.Find(0xE1)
	return ok
}

// quiet are proactive commands that carry no message, number or identity: REFRESH, MORE TIME, POLL INTERVAL, POLLING OFF, SET UP EVENT LIST,
// SET UP MENU, PROVIDE LOCAL INFORMATION, TIMER MANAGEMENT (TS 102 223 clause 9.4).
var quiet = map[byte]bool{0x01: true, 0x02: true, 0x03: true, 0x04: true, 0x05: true, 0x25: true, 0x26: true, 0x27: true}

// proactive: a message to be sent, or an address, may name the subscriber.
func proactive(b []byte) kind {
	body, err := tlv.Parse(b)
	if err != nil {
		return personal
	}
	inside, _ := body.Find(0xD0)
	objects, err := tlv.ParseComprehension(inside)
	if err != nil {
		return personal
	}
	if details, _ := objects.Find(0x01); len(details) == 3 && quiet[details[1]] {
		return public
	}
	return personal
}
