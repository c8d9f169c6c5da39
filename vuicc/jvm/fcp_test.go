package jvm_test

import (
	"slices"
	"testing"

	"github.com/simbind/simbind/tlv"
)

// otherFCPs are FCPs of the same content as cards differ in them (TS 102 221 clause 11.1.1.3 and 11.1.1.4: the size has two bytes or more).
var otherFCPs = map[string]func(o tlv.Objects) []byte{
	"length in two bytes": func(o tlv.Objects) []byte { return long(encode(o)) },
	"the other way round": func(o tlv.Objects) []byte { slices.Reverse(o); return tlv.Encode(0x62, encode(o)) },
	"size of four bytes": func(o tlv.Objects) []byte {
		for i := range o {
			if o[i].Tag == 0x80 {
				o[i].Value = append([]byte{0, 0}, o[i].Value...)
			}
		}
		return tlv.Encode(0x62, encode(o))
	},
	"total size in front": func(o tlv.Objects) []byte {
		return tlv.Encode(0x62, append(tlv.Encode(0x81, []byte{0x00, 0xFF}), encode(o)...))
	},
	"longer than what is looked at": func(o tlv.Objects) []byte {
		return long(append(encode(o), tlv.Encode(0xAB, make([]byte, 90))...))
	},
	"with proprietary objects": func(o tlv.Objects) []byte {
		return tlv.Encode(0x62, append(tlv.Encode(0xA5, unhex("800111 9B0411223344")), encode(o)...))
	},
}

func encode(o tlv.Objects) []byte {
	var b []byte
	for _, x := range o {
		b = tlv.Append(b, x.Tag, x.Value)
	}
	return b
}

// long is 62 with its length in two bytes, which it may need or not.
func long(v []byte) []byte { return append([]byte{0x62, 0x81, byte(len(v))}, v...) }

// TestFCPOfOtherCards: the applet finds what it wants to know in any of them.
func TestFCPOfOtherCards(t *testing.T) {
	m := machine(t)
	for name, other := range otherFCPs {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, m, "usim-separate", template("E0", presetA))
			p[1].dress = func(fcp []byte) []byte {
				o, err := tlv.Parse(fcp)
				if err != nil || len(o) != 1 {
					t.Fatalf("%X: %v", fcp, err)
				}
				inside, err := tlv.Parse(o[0].Value)
				if err != nil {
					t.Fatalf("%X: %v", fcp, err)
				}
				return other(inside)
			}
			p.alike(t, "at first", (*side).powerOn)
			for _, path := range lookedAt[:len(lookedAt)-2] {
				p.alike(t, "soil", func(s *side) { s.put(path, make([]byte, 8)) })
			}
			p.both(t, "A", func(s *side) { s.happen("A") })
			p.both(t, "B", func(s *side) { s.happen("B") })
			sound(t, m)
		})
	}
}
