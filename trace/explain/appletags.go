package explain

import (
	"encoding/binary"
	"fmt"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc/usim"
)

// Templates of the binding applet (docs/card-interface.md §4 to §7).
var (
	configuration = grammar{
		0x80: {name: "scheme", words: ofOne(func(b byte) string { return binding.Scheme(b).String() })},
		0x81: {name: "IMEI pattern", words: seven(func(v [7]byte, reveal bool) string { return binding.Pattern(v).Text(reveal) }), private: true},
		0x82: {name: "IMEI range", words: rangeWords, private: true},
		0x83: {name: "policy", words: ofOne(func(b byte) string { return binding.Policy(b).String() })},
		0x84: {name: "denial value of EF_IMSI"},
		0x85: {name: "REFRESH qualifier", words: ofOne(func(b byte) string { return fmt.Sprintf("%02X", b) })},
		0x86: {name: "terminals that may become bound", words: decimalWords("")},
		0x8A: {name: "generation expected", words: decimalWords("")},
	}
	action = grammar{
		0x80: {name: "action", words: ofOne(func(b byte) string { return binding.ActionKind(b).String() })},
		0x81: {name: "IMEI", words: imeiWords, private: true},
		0x8A: {name: "generation expected", words: decimalWords("")},
	}
	state = grammar{
		0x80: {name: "state", words: ofOne(func(b byte) string { return binding.Status(b).String() })},
		0x81: {name: "EF_IMSI", words: ofOne(func(b byte) string { return binding.Files(b).String() })},
		0x82: {name: "last decision", words: ofOne(func(b byte) string { return binding.Decision(b).String() })},
		0x83: {name: "bound IMEI", words: imeiWords, private: true},
		0x84: {name: "last IMEI", words: imeiWords, private: true},
		0x85: {name: "counters", words: counterWords},
		0x86: {name: "generation", words: decimalWords("")},
		0x87: {name: "backups held", words: ofOne(func(b byte) string { return binding.Copies(b).String() })},
		0x88: {name: "backup, ADF.USIM", words: imsiWords, private: true}, 0x95: {name: "backup, DF_GSM", words: imsiWords, private: true},
		0x96: {name: "replaced backup, ADF.USIM", words: imsiWords, private: true}, 0x97: {name: "replaced backup, DF_GSM", words: imsiWords, private: true},
		0x89: {name: "last failure", words: ofOne(func(b byte) string { return binding.Failure(b).String() })},
		0x90: {name: "policy", words: ofOne(func(b byte) string { return binding.Policy(b).String() })},
		0x91: {name: "last answer to PROVIDE LOCAL INFORMATION", words: resultWords},
		0x92: {name: "last REFRESH", words: refreshWords},
		0x93: {name: "resets without decision", words: decimalWords("")},
	}
	information = grammar{
		0x80: {name: "applet version", words: versionWords},
		0x81: {name: "interface version", words: decimalWords("")},
		0x82: {name: "patterns and ranges it holds", words: decimalWords("")},
		0x83: {name: "features", words: ofOne(func(b byte) string { return binding.Features(b).String() })},
		0x84: {name: "ADF in use", words: aidWords},
		0x85: {name: "copies managed", words: ofOne(func(b byte) string { return binding.Copies(b).String() })},
	}
	logEntries = grammar{0x80: {name: "entry", words: logWords, private: true}}
)

// applet is what the binding applet says and is told.
var applet = grammar{
	0xE0: {name: "configuration", in: configuration}, 0xE1: {name: "state", in: state}, 0xE2: {name: "action", in: action},
	0xE3: {name: "information", in: information}, 0xE4: {name: "log", in: logEntries},
}

func seven(f func([7]byte, bool) string) func([]byte, bool) string {
	return func(v []byte, reveal bool) string {
		if len(v) != 7 {
			return ""
		}
		return f([7]byte(v), reveal)
	}
}

var imeiWords = seven(func(v [7]byte, reveal bool) string { return binding.IMEIView(v).Text(reveal) })

func rangeWords(v []byte, reveal bool) string {
	if len(v) != 14 {
		return ""
	}
	return binding.Range{Low: binding.IMEI(v[:7]), High: binding.IMEI(v[7:])}.Text(reveal)
}

func counterWords(v []byte, _ bool) string {
	if len(v) != 8 {
		return ""
	}
	n := func(i int) uint16 { return binary.BigEndian.Uint16(v[i:]) }
	return fmt.Sprintf("starts %d, allowed %d, denied %d, no IMEI %d", n(0), n(2), n(4), n(6))
}

// imsiWords is an EF_IMSI in words; the length of the MNC is not known here.
func imsiWords(v []byte, reveal bool) string {
	i, err := usim.DecodeIMSI(v)
	switch {
	case err != nil:
		return "holds no IMSI"
	case reveal:
		return "IMSI " + i.String()
	}
	return "IMSI " + i.Short(0)
}

func versionWords(v []byte, _ bool) string {
	if len(v) != 2 {
		return ""
	}
	return fmt.Sprintf("%d.%d", v[0], v[1])
}

func logWords(v []byte, reveal bool) string {
	if len(v) != 10 {
		return ""
	}
	return fmt.Sprintf("start %d, %s, terminal %s", binary.BigEndian.Uint16(v[8:]), binding.Decision(v[0]), imeiWords(v[1:8], reveal))
}
