package explain

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc"
)

// commands take apart what a command carries, by instruction.
var commands = map[byte]func(*explainer, question){
	apdu.INSTerminalProfile:  (*explainer).profile,
	apdu.INSTerminalResponse: func(e *explainer, q question) { e.comprehension(q.Data, 0) },
	apdu.INSEnvelope:         func(e *explainer, q question) { e.toolkit(q.Data) },
	apdu.INSStoreData:        (*explainer).storeData,
	apdu.INSInstall:          (*explainer).install,
	apdu.INSDelete: func(e *explainer, q question) {
		e.walk(unsigned(q.Command), grammar{0x4F: {name: "AID", words: aidWords}}, 0)
	},
	apdu.INSLoad:         func(e *explainer, q question) { e.bytes("part of the load file", len(q.Data)) },
	apdu.INSUpdateBinary: (*explainer).written,
	apdu.INSUpdateRecord: (*explainer).written,
	apdu.INSPutKey: func(e *explainer, q question) {
		e.add(Object{Name: "keys", Words: fmt.Sprintf("not shown; the set replaced has version %02X (00: a new one)", q.P1&0x7F)})
	},
	apdu.INSVerifyPIN: (*explainer).code, apdu.INSChangePIN: (*explainer).code, apdu.INSUnblockPIN: (*explainer).code,
	apdu.INSDisablePIN: (*explainer).code, apdu.INSEnablePIN: (*explainer).code,
	apdu.INSAuthenticate: func(e *explainer, q question) { e.bytes("challenge", len(q.Data)) },
	apdu.INSInitializeUpdate: func(e *explainer, q question) {
		e.add(Object{Name: "key version asked for", Words: fmt.Sprintf("%02X (00: the default)", q.P1)})
		e.add(Object{Name: "host challenge", Value: fmt.Sprintf("%X", q.Data)})
	},
	apdu.INSExternalAuth: func(e *explainer, q question) {
		e.add(Object{Name: "cryptogram", Words: fmt.Sprintf("not shown; security level %02X", q.P1)})
	},
}

func (e *explainer) command(q question, c apdu.Command) {
	if f, ok := commands[c.INS]; ok {
		f(e, q)
	}
}

func (e *explainer) bytes(name string, n int) {
	e.add(Object{Name: name, Words: fmt.Sprintf("%d bytes, not shown", n)})
}

func (e *explainer) code(q question) {
	of := uicc.KeyRef(q.P2).String()
	if apdu.BaseClass(q.CLA) == 0xA0 { // 01 CHV1, which UNBLOCK CHV calls 00, and 02 CHV2 (TS 51.011 clauses 9.2.9 to 9.2.13)
		of = fmt.Sprintf("CHV%d", max(q.P2, 1))
	}
	e.add(Object{Name: "code", Words: fmt.Sprintf("of %s, not shown", of)})
}

// unsigned is the data of a command without the C-MAC that a secured one ends with. Data that is encrypted is no TLV, and shown so.
func unsigned(c apdu.Command) []byte {
	if apdu.SecureMessaging(c.CLA) && len(c.Data) > 8 {
		return c.Data[:len(c.Data)-8]
	}
	return c.Data
}

// storeData: templates of the binding applet, or groups of data for personalization, whose values are never shown (GPCS clause 11.11).
func (e *explainer) storeData(q question) {
	data := unsigned(q.Command)
	switch {
	case q.P1&0x60 != 0:
		e.bytes("encrypted data", len(data))
	case q.P1&0x18 == 0x08:
		e.groups(data)
	case q.P1&0x18 == 0x10 && q.P2 == 0:
		e.walk(data, applet, 0)
	default:
		e.bytes("data", len(data))
	}
}

// groups names DGIs: two bytes, a length of one byte or FF and two, the value.
func (e *explainer) groups(b []byte) {
	for len(b) >= 3 {
		id, n, head := uint16(b[0])<<8|uint16(b[1]), int(b[2]), 3
		if n == 0xFF && len(b) >= 5 {
			n, head = int(b[3])<<8|int(b[4]), 5
		}
		e.bytes(fmt.Sprintf("data group %04X", id), n)
		b = b[min(len(b), head+n):]
	}
}

// installFields name the length-value fields of INSTALL (GPCS clause 11.5.2.3), by P1.
var installFields = map[byte][]string{
	0x02: {"load file", "security domain", "hash", "parameters", "token"},
	0x04: {"load file", "module", "instance", "privileges", "parameters", "token"},
	0x20: {"", "", "instance", "", "", ""},
	0x10: {"security domain", "", "instance", "", "", "token"},
	0x40: {"security domain", "", "instance", "privileges", "parameters", "token"},
}

func (e *explainer) install(q question) {
	names, ok := installFields[q.P1&0x62]
	if q.P1&0x0C != 0 {
		names, ok = installFields[0x04], true
	}
	b := unsigned(q.Command)
	for i := 0; ok && i < len(names) && len(b) > 0; i++ {
		n := int(b[0])
		if n > len(b)-1 {
			e.add(Object{Name: "does not read as INSTALL", Value: fmt.Sprintf("%X", b)})
			return
		}
		e.installField(names[i], b[1:1+n])
		b = b[1+n:]
	}
}

func (e *explainer) installField(name string, v []byte) {
	switch {
	case len(v) == 0 || name == "":
	case name == "parameters":
		e.add(Object{Name: name})
		e.walk(v, parameters, 1)
	case name == "privileges":
		e.add(Object{Name: name, Value: fmt.Sprintf("%X", v), Words: privilegeWords(v, false)})
	default:
		e.add(Object{Name: name, Value: fmt.Sprintf("%X", v), Words: aidWords(v, false)})
	}
}

// answer takes apart what the card said.
func (e *explainer) answer(q question, r apdu.Response) {
	switch q.INS {
	case apdu.INSSelect:
		e.selection(q, r.Data)
	case apdu.INSStatus:
		e.status(q, r.Data)
	case apdu.INSReadBinary, apdu.INSReadRecord:
		e.content(q, r.Data)
	case apdu.INSGetData:
		e.dataObject(q, r.Data)
	case apdu.INSFetch:
		e.toolkit(r.Data)
	case apdu.INSInitializeUpdate:
		e.initializeUpdate(r.Data)
	case apdu.INSAuthenticate:
		e.bytes("keys or a response", len(r.Data))
	}
}

func (e *explainer) selection(q question, b []byte) {
	if apdu.BaseClass(q.CLA) == 0xA0 {
		e.simAnswer(b)
		return
	}
	e.walk(b, grammar{0x62: {name: "file control parameters", in: fcp}, 0x6F: {name: "file control information", in: fci}}, 0)
}

// status: GET STATUS has data; STATUS answers as SELECT does, or an AID in tag 84 (TS 102 221 clause 11.1.2).
func (e *explainer) status(q question, b []byte) {
	switch {
	case len(q.Data) > 0 && len(b) > 0 && b[0] == 0xE3:
		e.walk(b, registry, 0)
	case len(q.Data) > 0:
		e.plainRegistry(q, b)
	case q.P2 == 0x01:
		e.walk(b, grammar{0x84: {name: "AID", words: aidWords}}, 0)
	default:
		e.selection(q, b)
	}
}

func (e *explainer) plainRegistry(q question, b []byte) {
	entries, err := gp.ParseStatusPlain(gp.Kind(q.P1), b)
	if err != nil {
		e.add(Object{Name: "does not read as a registry", Value: fmt.Sprintf("%X", b)})
		return
	}
	for _, x := range entries {
		words := []string{gp.StateName(gp.Kind(q.P1), x.State)}
		if p := privilegeWords(x.Privileges, false); p != "" {
			words = append(words, p)
		}
		e.add(Object{Name: "registry entry", Value: fmt.Sprintf("%X", x.AID), Words: strings.TrimSpace(fmt.Sprintf("%X ", x.AID) + strings.Join(words, ", "))})
	}
}

// simAnswer is what a classic SIM says of a file (TS 51.011 clause 9.2.1).
func (e *explainer) simAnswer(b []byte) {
	a, err := uicc.ParseSIMAnswer(b)
	if err != nil {
		e.add(Object{Name: "does not read as an answer of a SIM", Value: fmt.Sprintf("%X", b)})
		return
	}
	words := fmt.Sprintf("%s, %d bytes", a.Structure, a.Size)
	if a.Records > 0 {
		words += fmt.Sprintf(", %d records of %d", a.Records, a.RecordSize)
	}
	if a.Invalidated {
		words += ", invalidated"
	}
	e.add(Object{Name: "file", Value: fmt.Sprintf("%X", b), Words: words})
}

// dataObject: E0 of a security domain is key information, of the binding applet its configuration.
func (e *explainer) dataObject(q question, b []byte) {
	if len(b) > 2 && b[0] == 0xE0 && b[2] == 0xC0 {
		e.walk(b, keyInformation, 0)
		return
	}
	e.walk(b, dataObjects, 0)
}

func (e *explainer) initializeUpdate(b []byte) {
	r, err := gp.ParseInitializeUpdate(b)
	if err != nil {
		e.add(Object{Name: "does not read as an answer to INITIALIZE UPDATE", Value: fmt.Sprintf("%X", b)})
		return
	}
	e.add(Object{Name: "key version", Words: fmt.Sprintf("%02X", r.KVN)})
	e.add(Object{Name: "protocol", Words: r.Protocol.String()})
	e.add(Object{Name: "card challenge", Value: fmt.Sprintf("%X", r.Challenge)})
	e.add(Object{Name: "card cryptogram", Value: fmt.Sprintf("%X", r.Cryptogram)})
}
