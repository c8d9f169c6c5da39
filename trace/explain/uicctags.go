package explain

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
)

// fcp is template 62 (TS 102 221 clause 11.1.1.3).
var fcp = grammar{
	0x80: {name: "file size", words: decimalWords(" bytes")},
	0x81: {name: "total file size", words: decimalWords(" bytes")},
	0x82: {name: "file descriptor", words: descriptorWords},
	0x83: {name: "file identifier", words: fileWords},
	0x84: {name: "AID", words: aidWords},
	0x88: {name: "short file identifier", words: sfiWords},
	0x8A: {name: "life cycle", words: ofOne(func(b byte) string { return uicc.LifeCycle(b).String() })},
	0x8B: {name: "access rules", words: arrWords},
	0x8C: {name: "access rules, compact"},
	0xAB: {name: "access rules, expanded", words: func(v []byte, _ bool) string { return ruleWords(v) }},
	0xA5: {name: "proprietary", in: fcpProprietary},
	0xC6: {name: "PIN status", in: grammar{
		0x90: {name: "enabled, one bit a code"},
		0x95: {name: "usage", words: ofOne(usageWords)},
		0x83: {name: "code", words: ofOne(func(b byte) string { return uicc.KeyRef(b).String() })},
	}},
}

var fcpProprietary = grammar{
	0x80: {name: "UICC characteristics"}, 0x81: {name: "power consumption"}, 0x82: {name: "minimum clock frequency"},
	0x83: {name: "memory available", words: decimalWords(" bytes")}, 0x84: {name: "file details"},
	0x85: {name: "reserved file size", words: decimalWords(" bytes")}, 0x86: {name: "maximum file size", words: decimalWords(" bytes")},
	0x87: {name: "system commands supported"}, 0x88: {name: "environmental conditions"}, 0x9B: {name: "linked to", words: pathWords},
	0xC0: {name: "special file information"},
}

// application is a record of EF_DIR (clause 13.1).
var application = grammar{
	0x4F: {name: "AID", words: aidWords}, 0x50: {name: "label", words: text}, 0x73: {name: "discretionary data"},
	0x51: {name: "path"}, 0x52: {name: "command to perform"},
}

func descriptorWords(v []byte, _ bool) string {
	f, err := uicc.ParseFCP(tlv.Encode(0x62, tlv.Encode(0x82, v)))
	switch {
	case err != nil:
		return ""
	case f.Records > 0:
		return fmt.Sprintf("%s, %d records of %d bytes", f.Structure, f.Records, f.RecordSize)
	}
	return f.Structure.String()
}

func fileWords(v []byte, _ bool) string {
	if len(v) != 2 {
		return ""
	}
	return trace.FileName(uint16(v[0])<<8 | uint16(v[1]))
}

func pathWords(v []byte, _ bool) string {
	var out []string
	for _, fid := range identifiers(v) {
		out = append(out, trace.FileName(uint16(fid)))
	}
	return strings.Join(out, "/")
}

func sfiWords(v []byte, _ bool) string {
	switch len(v) {
	case 0:
		return "none"
	case 1:
		return fmt.Sprintf("%02X", v[0]>>3)
	}
	return ""
}

func arrWords(v []byte, _ bool) string {
	if len(v) != 3 {
		return ""
	}
	return fmt.Sprintf("record %d of %s", v[2], trace.FileName(uint16(v[0])<<8|uint16(v[1])))
}

func usageWords(b byte) string {
	return map[bool]string{true: "used", false: "not used"}[b&0x08 != 0]
}

// ruleWords is an EF_ARR record in words.
func ruleWords(b []byte) string {
	rules, err := uicc.ParseARR(b)
	if err != nil {
		return ""
	}
	var out []string
	for _, r := range rules {
		what := strings.Join(r.Operations(), ", ")
		if r.INS != 0 {
			what = fmt.Sprintf("INS %02X", r.INS)
		}
		out = append(out, what+" "+r.Condition)
	}
	return strings.Join(out, "; ")
}

// AIDs by their beginnings (TS 101 220 annex E, GPCS, and the interface of the binding applet).
var aidNames = []struct{ head, name string }{
	{"A0000000871002", "USIM"}, {"A0000000871004", "ISIM"}, {"A000000009", "ETSI"}, {"A0000000871005", "3GPP UICC toolkit"},
	{"A000000151000000", "issuer security domain"}, {"A000000003000000", "issuer security domain"}, {"A0000001510000", "GlobalPlatform"},
	{"A000000559", "GSMA eUICC"}, {"A00000015141434C", "access rule application"}, {"F053494D42494E4401", "binding applet"},
	{"F053494D42494E44", "binding applet's load file"}, {"A000000063", "PKCS#15"},
}

// applicationName names an application by its AID, as far as known.
func applicationName(aid []byte) string {
	hex := fmt.Sprintf("%X", aid)
	best := ""
	for _, n := range aidNames {
		if strings.HasPrefix(hex, n.head) && best == "" {
			best = n.name
		}
	}
	return best
}

func aidWords(v []byte, _ bool) string {
	if n := applicationName(v); n != "" {
		return fmt.Sprintf("%X (%s)", v, n)
	}
	return ""
}
