package trace

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Masker decides what of a conversation may be shown. It remembers which file is current, and which command a GET RESPONSE
// belongs to, to know an identity or a key when it passes.
type Masker struct {
	reveal bool
	file   uint16       // selected last by identifier; 0: unknown
	in5GS  bool         // the current directory is DF_5GS, whose SFIs mean other files
	asked  apdu.Command // the command GET RESPONSE collects for
}

// NewMasker makes one for a conversation from its beginning.
func NewMasker(opt Options) *Masker { return &Masker{reveal: opt.Reveal} }

// kind is how private some bytes are.
type kind int

const (
	public   kind = iota
	personal      // shown when that was asked for
	never         // a code, a key, a cryptogram
)

// Instructions whose data holds a code, a key or a cryptogram.
var secretINS = map[byte]bool{
	apdu.INSVerifyPIN: true, apdu.INSChangePIN: true, apdu.INSDisablePIN: true, apdu.INSEnablePIN: true, apdu.INSUnblockPIN: true,
	apdu.INSAuthenticate: true, insAuthenticateOdd: true, apdu.INSExternalAuth: true, apdu.INSPutKey: true,
}

// Instructions whose data may hold an identity.
var personalINS = map[byte]bool{
	apdu.INSTerminalResponse: true, apdu.INSUpdateBinary: true, apdu.INSUpdateRecord: true, apdu.INSEnvelope: true, insSetData: true,
	apdu.INSSearchRecord: true,
}

// Instructions of TS 102 221 and TS 31.102 that this tool never sends.
const (
	insAuthenticateOdd = 0x89
	insGetIdentity     = 0x78
	insRetrieveData    = 0xCB
	insSetData         = 0xDB
)

// keyFiles hold session keys: Keys, KeysPS, EPSNSC, Kc, KcGPRS, the NAS contexts and keys of DF_5GS.
var keyFiles = map[uint16]bool{0x6F08: true, 0x6F09: true, 0x6FE4: true, 0x6F20: true, 0x6F52: true, 0x4F03: true, 0x4F04: true, 0x4F05: true}

// personalFiles hold an identity or where somebody was.
var personalFiles = map[uint16]bool{
	0x2FE2: true, 0x6F07: true, 0x6F40: true, 0x6F7E: true, 0x6F73: true, 0x6FE3: true, 0x4F01: true, 0x4F02: true, 0x6F53: true,
	0x6FF0: true, 0x6FF2: true, 0x4F09: true, 0x6F3A: true, 0x6F3C: true, 0x6F02: true, 0x6F04: true,
}

// SFIs of ADF.USIM and MF. publicSFI are read without an identity: EF_DIR, EF_PL, EF_AD, EF_UST, EF_ARR.
var (
	keySFI    = map[byte]bool{0x08: true, 0x09: true, 0x18: true}
	keySFI5GS = map[byte]bool{0x03: true, 0x04: true, 0x05: true}
	publicSFI = map[byte]bool{0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x17: true}
)

// Exchange gives command and answer as hex, with masks such as [8 BYTES] for what may not be shown.
func (m *Masker) Exchange(c apdu.Command, r apdu.Response) (command, response string) {
	asked := c
	if c.INS == apdu.INSGetResponse {
		asked = m.asked
	}
	command = upper(c.Header())
	if len(c.Data) > 0 {
		command += fmt.Sprintf("%02X", byte(len(c.Data))) + m.shown(m.data(c), c.Data)
	}
	if c.Le > 0 {
		command += fmt.Sprintf("%02X", byte(c.Le))
	}
	response = m.shown(m.body(asked, r), r.Data) + r.SW.String()
	m.asked = asked
	m.follow(c)
	return command, response
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

// data is how private the data of a command is.
func (m *Masker) data(c apdu.Command) kind {
	switch {
	case secretINS[c.INS]:
		return never
	case c.INS == apdu.INSStoreData:
		return storeData(c.P1)
	case (c.INS == apdu.INSUpdateBinary || c.INS == apdu.INSUpdateRecord) && m.access(c) == never:
		return never
	case personalINS[c.INS]:
		return personal
	}
	return public
}

// storeData: BER-TLV without encryption is a configuration or an action of the binding applet; any other form may carry keys
// (GPCS clause 11.11.2.1: b7b6 encryption, b5b4 structure).
func storeData(p1 byte) kind {
	if p1&0x60 == 0 && p1&0x18 == 0x10 {
		return personal
	}
	return never
}

// body is how private an answer is.
func (m *Masker) body(asked apdu.Command, r apdu.Response) kind {
	switch asked.INS {
	case apdu.INSAuthenticate, insAuthenticateOdd:
		return never
	case apdu.INSReadBinary, apdu.INSReadRecord, apdu.INSSearchRecord:
		return m.access(asked)
	case apdu.INSGetData:
		if asked.P2 == 0xE0 || asked.P2 == 0xE1 || asked.P2 == 0xE4 {
			return personal
		}
	case apdu.INSSelect, apdu.INSStatus:
		ours := asked.P1 == 0x04 && len(asked.Data) > 0 && asked.Data[0] == 0xF0 // as an AID without a registered provider begins
		if ours || holdsState(r.Data) {
			return personal
		}
	case insGetIdentity, insRetrieveData:
		return personal
	}
	return public
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

// access is how private the file is that a READ or UPDATE reaches, by SFI or as the current file.
func (m *Masker) access(c apdu.Command) kind {
	sfi, named := byte(0), false
	switch c.INS {
	case apdu.INSReadBinary, apdu.INSUpdateBinary:
		sfi, named = c.P1&0x1F, c.P1&0x80 != 0
	default:
		sfi, named = c.P2>>3, c.P2>>3 != 0
	}
	if !named {
		return m.current()
	}
	switch {
	case m.in5GS && keySFI5GS[sfi], !m.in5GS && keySFI[sfi]:
		return never
	case publicSFI[sfi], sfi == 0x1E && c.INS == apdu.INSReadRecord: // EF_DIR; read as BINARY it is EF_EPSLOCI
		return public
	}
	return personal
}

func (m *Masker) current() kind {
	switch {
	case keyFiles[m.file]:
		return never
	case m.file == 0, personalFiles[m.file]:
		return personal
	}
	return public
}

// follow keeps track of what is selected.
func (m *Masker) follow(c apdu.Command) {
	switch {
	case c.INS == apdu.INSSelect && c.P1 == 0x04:
		m.file, m.in5GS = 0, false
	case c.INS == apdu.INSSelect && len(c.Data) >= 2:
		m.enter(c)
	case c.INS == apdu.INSReadBinary && c.P1&0x80 != 0, c.INS == apdu.INSReadRecord && c.P2>>3 != 0:
		m.file = 0 // an SFI makes its file the current one
	}
}

func (m *Masker) enter(c apdu.Command) {
	for i := 0; i+1 < len(c.Data); i += 2 {
		m.file = uint16(c.Data[i])<<8 | uint16(c.Data[i+1])
		switch high := m.file >> 8; {
		case m.file == 0x5FC0:
			m.in5GS = true
		case high == 0x3F || high == 0x7F || high == 0x5F, c.P1 == 0x08 && i == 0:
			m.in5GS = false
		}
	}
}
