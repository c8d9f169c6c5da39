package fs

import (
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/image"
)

// Mode is what somebody wants of a file: the bits of the access mode byte (TS 102 221 clause 9.2.7).
type Mode byte

// Modes of EFs.
const (
	Read       Mode = 0x01
	Update     Mode = 0x02
	Deactivate Mode = 0x08
	Activate   Mode = 0x10
)

// Holder tells which key references are satisfied, and whether files without condition are open to it.
type Holder interface {
	Verified(ref byte) bool
	Always() bool
}

// Allows tells whether the holder may do that to the file: the record of EF_ARR the file refers to, its first access mode
// that names it. Nothing that names it means never.
func (n *Node) Allows(mode Mode, who Holder) bool {
	objects, err := tlv.ParseLenient(n.rule())
	if err != nil {
		return false
	}
	for i := 0; i+1 < len(objects); i += 2 {
		am := objects[i]
		if am.Tag == 0x80 && len(am.Value) == 1 && Mode(am.Value[0])&mode != 0 {
			return satisfied(objects[i+1], who, 0)
		}
	}
	return false
}

// rule is the record of EF_ARR; the file is looked for in the directory, then above it.
func (n *Node) rule() []byte {
	for d := n.Parent; d != nil; d = d.Parent {
		arr := d.Child(n.ARR)
		if arr == nil || arr.Kind != image.LinearFixed {
			continue
		}
		content, at := arr.Content(), (int(n.Rule)-1)*arr.RecordSize
		if at < 0 || at+arr.RecordSize > len(content) {
			return nil
		}
		return content[at : at+arr.RecordSize]
	}
	return nil
}

const maxNesting = 4

// satisfied evaluates a security condition (ISO/IEC 7816-4 clause 5.4.3.3): 90 always, 97 never, A4 a key reference, A0
// or, AF and. What is not understood is not satisfied.
func satisfied(sc tlv.Object, who Holder, depth int) bool {
	switch sc.Tag {
	case 0x90:
		return who.Always()
	case 0xA4:
		inner, err := tlv.Parse(sc.Value)
		ref, ok := inner.Find(0x83)
		return err == nil && ok && len(ref) == 1 && who.Verified(ref[0])
	case 0xA0, 0xAF:
		inner, err := tlv.Parse(sc.Value)
		if err != nil || len(inner) == 0 || depth > maxNesting {
			return false
		}
		for _, o := range inner {
			if satisfied(o, who, depth+1) == (sc.Tag == 0xA0) {
				return sc.Tag == 0xA0
			}
		}
		return sc.Tag == 0xAF
	}
	return false
}
