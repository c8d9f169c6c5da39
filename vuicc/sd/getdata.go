package sd

import (
	"encoding/binary"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// objects are what GET DATA answers, by tag (GPCS clause 11.3, annex H); a nil value is an object that is not there.
var objects = map[tlv.Tag]func(*Domain) []byte{
	0x0042: func(d *Domain) []byte { return present(0x42, d.fixed.IIN) },
	0x0045: func(d *Domain) []byte { return present(0x45, d.fixed.CIN) },
	0x0066: (*Domain).cardData,
	0x0067: (*Domain).cardCapabilities,
	0x00C1: (*Domain).sequenceCounter,
	0x00CF: func(d *Domain) []byte { return present(0xCF, d.fixed.KDD) },
	0x00E0: (*Domain).keyInformation,
	0x9F7F: func(d *Domain) []byte { return present(0x9F7F, d.fixed.CPLC) },
	0xFF21: (*Domain).resources,
}

func present(tag tlv.Tag, v []byte) []byte {
	if len(v) == 0 {
		return nil
	}
	return tlv.Encode(tag, v)
}

// getData answers the objects everybody may read: P1 P2 is the tag. An object the card does not have is 6A88.
func (d *Domain) getData(c apdu.Command) apdu.Response {
	object, ok := objects[tlv.Tag(c.P1)<<8|tlv.Tag(c.P2)]
	if !ok {
		return refuse(apdu.SWReferenceNotFound)
	}
	v := object(d)
	if v == nil {
		return refuse(apdu.SWReferenceNotFound)
	}
	return apdu.Response{Data: v, SW: apdu.SWOK}
}

// cardData is the card recognition data (GPCS clause H.2): GlobalPlatform 2.3.1, and the protocols of the key sets.
func (d *Domain) cardData() []byte {
	oid := func(last ...byte) []byte {
		return tlv.Encode(0x06, []byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}, last)
	}
	v := oid(0x01)
	v = tlv.Append(v, 0x60, oid(0x02, 0x02, 0x03, 0x01))
	v = tlv.Append(v, 0x63, oid(0x03))
	for _, p := range d.protocols() {
		v = tlv.Append(v, 0x64, oid(0x04, p[0], p[1]))
	}
	return tlv.Encode(0x66, tlv.Encode(0x73, v))
}

// protocols lists SCP and i of the key sets, each once, the default's first.
func (d *Domain) protocols() [][2]byte {
	var out [][2]byte
	seen := map[[2]byte]bool{}
	for _, s := range d.keys {
		if p := [2]byte{s.Protocol, s.I}; !seen[p] && s.opens() {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// cardCapabilities is template 67 (GPCS clause H.4): A0 { 80 protocol, 81 values of i, 82 AES sizes } for each protocol, 82
// privileges an application may have, 83 hashes a load file may have (SHA-1, SHA-256, SHA-384, SHA-512).
func (d *Domain) cardCapabilities() []byte {
	var v []byte
	for _, protocol := range []byte{0x02, 0x03} {
		var is []byte
		for _, p := range d.protocols() {
			if p[0] == protocol {
				is = append(is, p[1])
			}
		}
		if len(is) == 0 {
			continue
		}
		one := tlv.Encode(0x80, []byte{protocol})
		one = tlv.Append(one, 0x81, is)
		if protocol == 0x03 {
			one = tlv.Append(one, 0x82, []byte{0x07})
		}
		v = tlv.Append(v, 0xA0, one)
	}
	v = tlv.Append(v, 0x82, []byte{grantable, 0x00, 0x00})
	return tlv.Encode(0x67, tlv.Append(v, 0x83, []byte{0x01, 0x02, 0x03, 0x04}))
}

// sequenceCounter is that of the default key set.
func (d *Domain) sequenceCounter() []byte {
	s, ok := d.find(0)
	if !ok || s.Protocol == 0x03 && !s.pseudoRandom() {
		return nil
	}
	return tlv.Encode(0xC1, d.sequence(s))
}

// keyInformation is template E0 (GPCS clause 11.3.3.1): identifier, version, type, length of each key.
func (d *Domain) keyInformation() []byte {
	var v []byte
	for _, s := range d.keys {
		for _, k := range s.Keys {
			v = tlv.Append(v, 0xC0, []byte{k.ID, s.KVN, k.Type, byte(len(k.Value))})
		}
	}
	return tlv.Encode(0xE0, v)
}

// resources is FF21 (TS 102 226 clause 8.2.1.7): 81 installed applications, 82 free non-volatile, 83 free volatile memory.
func (d *Domain) resources() []byte {
	rt, ok := d.installer()
	if !ok {
		return nil
	}
	nonVolatile, volatile := rt.Free()
	v := tlv.Encode(0x81, binary.BigEndian.AppendUint16(nil, uint16(len(d.reg.Instances))))
	v = tlv.Append(v, 0x82, binary.BigEndian.AppendUint32(nil, uint32(max(nonVolatile, 0))))
	v = tlv.Append(v, 0x83, binary.BigEndian.AppendUint32(nil, uint32(max(volatile, 0))))
	return tlv.Encode(0xFF21, v)
}
