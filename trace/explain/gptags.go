package explain

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/gp"
)

// cardData is template 66 (GPCS annex H.2).
var cardData = grammar{
	0x73: {name: "card recognition data", in: grammar{
		0x06: {name: "object identifier"}, 0x60: {name: "GlobalPlatform version", in: oid}, 0x63: {name: "card identification scheme", in: oid},
		0x64: {name: "secure channel protocol", in: oid}, 0x65: {name: "card configuration", in: oid}, 0x66: {name: "card and chip details", in: oid},
		0x67: {name: "trust point", in: oid}, 0x68: {name: "certificate information", in: oid},
	}},
}

var oid = grammar{0x06: {name: "object identifier"}}

// fci is template 6F: an application's, a security domain's, or the binding applet's.
var fci = grammar{
	0x84: {name: "AID", words: aidWords},
	0xA5: {name: "proprietary", in: merge(applet, grammar{
		0x9F65: {name: "maximum command data", words: decimalWords(" bytes")}, 0x9F6E: {name: "production life cycle"},
		0x73: {name: "security domain management data", in: cardData[0x73].in}, 0x50: {name: "label", words: text},
	})},
	0x50: {name: "label", words: text},
}

// registry is what GET STATUS answers (GPCS clause 11.4.3.1).
var registry = grammar{
	0xE3: {name: "registry entry", in: grammar{
		0x4F: {name: "AID", words: aidWords}, 0x9F70: {name: "life cycle"}, 0xC5: {name: "privileges", words: privilegeWords},
		0xC4: {name: "load file", words: aidWords}, 0xCE: {name: "version"}, 0x84: {name: "module", words: aidWords},
		0xCC: {name: "security domain", words: aidWords}, 0xCF: {name: "implicit selection"},
	}},
}

// dataObjects are what GET DATA answers, by tag (GPCS clause 11.3, TS 102 226 clause 8.2.1.7).
var dataObjects = merge(applet, cardObjects, grammar{
	0x66: {name: "card data", in: cardData}, 0x67: {name: "card capabilities", in: grammar{
		0xA0: {name: "secure channel", in: grammar{
			0x80: {name: "protocol"}, 0x81: {name: "options i"}, 0x82: {name: "AES key sizes"}, 0x83: {name: "further options"},
		}},
		0x81: {name: "privileges of security domains"}, 0x82: {name: "privileges of applications"}, 0x83: {name: "hash algorithms"},
		0x84: {name: "ciphers, load file"}, 0x85: {name: "ciphers, tokens"}, 0x86: {name: "ciphers, receipts"},
		0x87: {name: "ciphers, DAP"}, 0x88: {name: "key parameters"},
	}},
})

var cardObjects = grammar{
	0x9F7F: {name: "card production life cycle"}, 0xFF21: {name: "memory", in: grammar{
		0x81: {name: "applications", words: decimalWords("")}, 0x82: {name: "free non-volatile", words: decimalWords(" bytes")},
		0x83: {name: "free volatile", words: decimalWords(" bytes")},
	}},
	0x42: {name: "issuer identification number"}, 0x45: {name: "card image number"}, 0xC1: {name: "sequence counter", words: decimalWords("")},
	0xCF: {name: "key diversification data"}, 0x2F00: {name: "applications", in: grammar{0x61: {name: "application", in: application}}},
}

// keyInformation is template E0 of a security domain (GPCS clause 11.3.3.1).
var keyInformation = grammar{0xE0: {name: "key information", in: grammar{0xC0: {name: "key", words: keyWords}}}}

// parameters are those of an installation (TS 102 226 clause 8.2.1.3.2).
var parameters = grammar{
	0xC9: {name: "application parameters", in: nil}, 0xEF: {name: "system parameters", in: grammar{
		0xC7: {name: "volatile quota", words: decimalWords(" bytes")}, 0xC8: {name: "non-volatile quota", words: decimalWords(" bytes")},
		0xCA: {name: "SIM toolkit parameters"}, 0xC6: {name: "load file size", words: decimalWords(" bytes")},
	}},
	0xEA: {name: "UICC parameters", in: grammar{0x80: {name: "toolkit"}, 0x81: {name: "access domains"}, 0x82: {name: "administrative access domains"}}},
}

func merge(gs ...grammar) grammar {
	out := grammar{}
	for _, g := range gs {
		for tag, r := range g {
			out[tag] = r
		}
	}
	return out
}

func privilegeWords(v []byte, _ bool) string { return strings.Join(gp.PrivilegeNames(v), ", ") }

// keyWords: identifier, version, then type and length.
func keyWords(v []byte, _ bool) string {
	if len(v) < 4 {
		return ""
	}
	return fmt.Sprintf("identifier %d of version %02X, type %02X, %d bytes", v[0], v[1], v[2], v[3])
}
