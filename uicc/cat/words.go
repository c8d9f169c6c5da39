package cat

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// resultWords are the general results (clause 8.12).
var resultWords = map[Result]string{
	0x00: "performed", 0x01: "performed, partly understood", 0x02: "performed, information missing", 0x03: "performed, further files read",
	0x04: "performed, icon not shown", 0x05: "performed, changed by call control", 0x06: "performed, limited service", 0x07: "performed, with modification",
	0x08: "REFRESH performed, the application was not active", 0x09: "performed, tone not played",
	0x10: "ended by the user", 0x11: "the user went back", 0x12: "no answer from the user", 0x13: "the user asked for help", 0x14: "ended by the user (USSD)",
	0x20: "terminal busy", 0x21: "network busy", 0x22: "refused by the user", 0x23: "cleared down before it was released", 0x24: "timer in contradictory state",
	0x25: "call control in contradictory state", 0x26: "navigation error", 0x27: "MMS error",
	0x30: "beyond the terminal's capabilities", 0x31: "type not understood", 0x32: "data not understood", 0x33: "command number not known",
	0x34: "SS error", 0x35: "SMS error", 0x36: "values missing", 0x37: "USSD error", 0x38: "MultipleCard error", 0x39: "call control error",
	0x3A: "bearer independent protocol error", 0x3B: "access technology cannot carry it out", 0x3C: "frames error", 0x3D: "MMS error",
}

// String is the result in words.
func (r Result) String() string {
	if w, ok := resultWords[r]; ok {
		return w
	}
	return fmt.Sprintf("result %02X", byte(r))
}

// qualifierWords tell what a qualifier asks for (clause 8.6); types without a row give it no meaning, or a bit field.
var qualifierWords = map[Type]map[byte]string{
	Refresh: {
		0x00: "application initialization and full file change", 0x01: "file change", 0x02: "application initialization and file change",
		0x03: "application initialization", 0x04: "UICC reset", 0x05: "application reset", 0x06: "application session reset",
		0x07: "steering of roaming", 0x08: "steering of roaming for I-WLAN", 0x09: "eUICC profile state change",
	},
	ProvideLocalInformation: {
		0x00: "location", 0x01: "IMEI", 0x02: "network measurement results", 0x03: "date, time and time zone", 0x04: "language", 0x05: "timing advance",
		0x06: "access technology", 0x07: "ESN", 0x08: "IMEISV", 0x09: "search mode", 0x0A: "battery state", 0x0B: "MEID",
	},
	TimerManagement: {0x00: "start", 0x01: "stop", 0x02: "current value"},
}

// Words is the command in words: "PROVIDE LOCAL INFORMATION (IMEI)".
func (p ProactiveCommand) Words() string {
	if w, ok := qualifierWords[p.Type][p.Qualifier]; ok {
		return fmt.Sprintf("%s (%s)", p.Type, w)
	}
	if p.Qualifier == 0 {
		return p.Type.String()
	}
	return p.String()
}

// objectNames are the COMPREHENSION-TLV objects (clause 9.3; TS 31.111 clause 9.3; TS 101 220 clause 7.2), by tag without the comprehension bit.
var objectNames = map[uint16]string{
	0x01: "command details", 0x02: "device identities", 0x03: "result", 0x04: "duration", 0x05: "alpha identifier", 0x06: "address",
	0x07: "capability configuration parameters", 0x08: "subaddress", 0x09: "SS string", 0x0A: "USSD string", 0x0B: "SMS TPDU", 0x0C: "cell broadcast page",
	0x0D: "text string", 0x0E: "tone", 0x0F: "item", 0x10: "item identifier", 0x11: "response length", 0x12: "file list", 0x13: "location information",
	0x14: "IMEI", 0x15: "help request", 0x16: "network measurement results", 0x17: "default text", 0x18: "items next action indicator", 0x19: "event list",
	0x1A: "cause", 0x1B: "location status", 0x1C: "transaction identifier", 0x1D: "BCCH channel list", 0x1E: "icon identifier", 0x1F: "item icon identifier list",
	0x20: "card reader status", 0x21: "card ATR", 0x22: "C-APDU", 0x23: "R-APDU", 0x24: "timer identifier", 0x25: "timer value",
	0x26: "date, time and time zone", 0x27: "call control requested action", 0x28: "AT command", 0x29: "AT response", 0x2A: "BC repeat indicator",
	0x2B: "immediate response", 0x2C: "DTMF string", 0x2D: "language", 0x2E: "timing advance", 0x2F: "AID", 0x30: "browser identity", 0x31: "URL",
	0x32: "bearer", 0x33: "provisioning file reference", 0x34: "browser termination cause", 0x35: "bearer description", 0x36: "channel data",
	0x37: "channel data length", 0x38: "channel status", 0x39: "buffer size", 0x3A: "card reader identifier", 0x3B: "file update information",
	0x3C: "UICC/terminal interface transport level", 0x3E: "other address", 0x3F: "access technology", 0x40: "display parameters", 0x41: "service record",
	0x42: "device filter", 0x43: "service search", 0x44: "attribute information", 0x45: "service availability", 0x46: "ESN", 0x47: "network access name",
	0x48: "CDMA SMS TPDU", 0x49: "remote entity address", 0x50: "text attribute", 0x51: "item text attribute list", 0x52: "PDP context activation parameters", 0x62: "IMEISV", 0x63: "battery state",
	0x64: "browsing status", 0x65: "network search mode", 0x66: "frame layout", 0x67: "frames information", 0x68: "frame identifier",
	0x69: "UTRAN measurement qualifier", 0x6D: "MEID", 0x72: "PLMNwAcT list", 0x73: "routing area identification", 0x74: "update, attach or registration type",
	0x75: "rejection cause code", 0x76: "geographical location parameters", 0x77: "GAD shapes", 0x78: "NMEA sentence", 0x79: "PLMN list",
	0x7C: "EPS PDN connection activation parameters", 0x7D: "tracking area identification",
}

// ObjectName names an object by its tag, without the comprehension bit.
func ObjectName(tag uint16) string {
	if n, ok := objectNames[tag]; ok {
		return n
	}
	return "unknown object"
}

// PersonalObject tells whether an object may hold an identity, a number or somebody's words or whereabouts.
func PersonalObject(tag uint16) bool {
	switch tag {
	case 0x06, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x13, tagIMEI, 0x16, 0x1D, 0x22, 0x23, 0x28, 0x29, 0x2C, 0x36, 0x46, 0x48, tagIMEISV, 0x6D, 0x73, 0x77, 0x78, 0x7D:
		return true
	}
	return false
}

var deviceNames = map[byte]string{0x01: "keypad", 0x02: "display", 0x03: "earpiece", deviceUICC: "UICC", deviceTerminal: "terminal", 0x83: "network"}

// eventNames are the events of an event list (clause 8.25).
var eventNames = map[byte]string{
	0x00: "MT call", 0x01: "call connected", 0x02: "call disconnected", 0x03: "location status", 0x04: "user activity", 0x05: "idle screen available",
	0x06: "card reader status", 0x07: "language selection", 0x08: "browser termination", 0x09: "data available", 0x0A: "channel status",
	0x0B: "access technology change", 0x0C: "display parameters changed", 0x0D: "local connection", 0x0E: "network search mode change",
	0x0F: "browsing status", 0x10: "frames information change", 0x11: "I-WLAN access status", 0x12: "network rejection", 0x13: "HCI connectivity",
}

// envelopeNames are the templates an ENVELOPE carries (clause 9.1; TS 31.111 clause 9.1).
var envelopeNames = map[byte]string{
	0xD0: "proactive command", 0xD1: "SMS-PP download", 0xD2: "cell broadcast download", 0xD3: "menu selection", 0xD4: "call control",
	0xD5: "MO short message control", 0xD6: "event download", 0xD7: "timer expiration", 0xD9: "USSD download", 0xDA: "MMS transfer status",
	0xDB: "MMS notification download", 0xDC: "terminal applications", 0xDD: "geographical location reporting", 0xDF: "ProSe report",
}

// TemplateName names the outer template of FETCH's answer and of ENVELOPE.
func TemplateName(tag byte) (string, bool) {
	n, ok := envelopeNames[tag]
	return n, ok
}

// objectWords read the value of an object, by tag; what does not read gives no words.
var objectWords = map[uint16]func([]byte) string{
	tagCommandDetails: func(v []byte) string {
		if len(v) != 3 {
			return ""
		}
		return fmt.Sprintf("number %d, %s", v[0], ProactiveCommand{Type: Type(v[1]), Qualifier: v[2]}.Words())
	},
	tagDevices: func(v []byte) string {
		if len(v) != 2 {
			return ""
		}
		return nameOf(deviceNames, v[0], "device") + " to " + nameOf(deviceNames, v[1], "device")
	},
	tagResult: func(v []byte) string {
		if len(v) == 0 {
			return ""
		}
		return Result(v[0]).String()
	},
	tagDuration: func(v []byte) string {
		d, ok := duration(v)
		if !ok {
			return ""
		}
		return d.String()
	},
	tagFileList:  fileListWords,
	tagEventList: func(v []byte) string { return listWords(v, eventNames, "event") },
	tagTimer: func(v []byte) string {
		if len(v) != 1 {
			return ""
		}
		return fmt.Sprintf("timer %d", v[0])
	},
	tagTimerValue: func(v []byte) string {
		if len(v) != 3 {
			return ""
		}
		return timerValue(v).String()
	},
	tagItem: func(v []byte) string {
		if len(v) != 1 {
			return ""
		}
		return fmt.Sprintf("item %d", v[0])
	},
	0x1B: func(v []byte) string {
		return listWords(v, map[byte]string{0: "normal service", 1: "limited service", 2: "no service"}, "status")
	},
	0x3F: func(v []byte) string { return listWords(v, accessTechnologies, "technology") },
	0x21: upperHex, tagAID: upperHex,
}

// accessTechnologies (clause 8.61).
var accessTechnologies = map[byte]string{0: "GSM", 3: "UTRAN", 8: "E-UTRAN", 10: "NG-RAN"}

// ObjectWords reads the value of an object; empty: nothing is known of it. Objects for which PersonalObject is true give none.
func ObjectWords(tag uint16, value []byte) string {
	if f, ok := objectWords[tag]; ok && !PersonalObject(tag) {
		return f(value)
	}
	return ""
}

func upperHex(v []byte) string { return strings.ToUpper(hex.EncodeToString(v)) }

func nameOf(table map[byte]string, v byte, kind string) string {
	if n, ok := table[v]; ok {
		return n
	}
	return fmt.Sprintf("%s %02X", kind, v)
}

func listWords(v []byte, table map[byte]string, kind string) string {
	var out []string
	for _, b := range v {
		out = append(out, nameOf(table, b, kind))
	}
	return strings.Join(out, ", ")
}

func fileListWords(v []byte) string {
	var out []string
	for _, path := range fileList(v) {
		text := ""
		for _, fid := range path {
			text += fmt.Sprintf("/%04X", fid)
		}
		out = append(out, strings.TrimPrefix(text, "/"))
	}
	return strings.Join(out, ", ")
}
