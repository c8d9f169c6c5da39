package gp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// CardData is the card recognition data (GPCS clause H.2, object 66). What the card does not tell, or tells under an object identifier
// nobody knows, is empty: this is a hint, the answer of INITIALIZE UPDATE decides.
type CardData struct {
	Version       string // of the GlobalPlatform specification, such as 2.3.1
	Protocols     []ProtocolOffer
	Configuration []byte // object identifier of tag 65, as it came
	Chip          []byte // object identifier of tag 66 inside, as it came
}

// ProtocolOffer is a secure channel protocol with its parameters i.
type ProtocolOffer struct {
	Protocol Protocol
	I        []uint16 // as told; more than one byte for SCP11
	KeyBits  []int    // of AES keys, where told
}

// globalPlatformOID is 1.2.840.114283, under which the objects of the card data stand.
var globalPlatformOID = []byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}

// ParseCardData reads object 66. Doubled templates and foreign object identifiers, which real cards have, are passed over.
func ParseCardData(b []byte) (CardData, error) {
	outer, err := unwrap(b, ObjectCardData)
	if err != nil {
		return CardData{}, err
	}
	inner, ok := outer.Find(0x73)
	if !ok {
		return CardData{}, fmt.Errorf("%w 66: no template 73", ErrObject)
	}
	objects, err := tlv.ParseLenient(inner)
	if err != nil {
		return CardData{}, fmt.Errorf("%w 66: %w", ErrObject, err)
	}
	var d CardData
	for _, o := range objects {
		d.set(o)
	}
	return d, nil
}

func (d *CardData) set(o tlv.Object) {
	oid := identifier(o.Value)
	arcs, ours := bytes.CutPrefix(oid, globalPlatformOID)
	switch {
	case o.Tag == 0x65:
		d.Configuration = own(oid)
	case o.Tag == 0x66:
		d.Chip = own(oid)
	case o.Tag == 0x60 && ours && len(arcs) > 1 && arcs[0] == 0x02:
		d.Version = dotted(arcs[1:])
	case o.Tag == 0x64 && ours && len(arcs) > 2 && arcs[0] == 0x04:
		d.Protocols = append(d.Protocols, ProtocolOffer{Protocol: Protocol(arcs[1]), I: []uint16{lastArc(arcs[2:])}})
	}
}

// identifier is the object identifier inside a tag 60 to 66.
func identifier(v []byte) []byte {
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		return nil
	}
	oid, _ := objects.Find(0x06)
	return oid
}

func dotted(arcs []byte) string {
	var out []string
	for _, a := range arcs {
		out = append(out, fmt.Sprint(a))
	}
	return strings.Join(out, ".")
}

// lastArc reads an arc of one or two bytes, seven bits each (X.690 clause 8.19).
func lastArc(b []byte) uint16 {
	var v uint16
	for _, x := range b[:min(len(b), 2)] {
		v = v<<7 | uint16(x&0x7F)
	}
	return v
}

// Capabilities is what a card offers (GPCS clause H.4, object 67).
type Capabilities struct {
	Protocols             []ProtocolOffer
	DomainPrivileges      []byte // 3 bytes, those a security domain may have
	ApplicationPrivileges []byte // 3 bytes
	Hashes                []byte // of load files: 01 SHA-1, 02 SHA-256, 03 SHA-384, 04 SHA-512
}

// ParseCapabilities reads object 67.
func ParseCapabilities(b []byte) (Capabilities, error) {
	var c Capabilities
	objects, err := unwrap(b, ObjectCapabilities)
	if err != nil {
		return c, err
	}
	for _, o := range objects {
		switch o.Tag {
		case 0xA0:
			p, err := parseOffer(o.Value)
			if err != nil {
				return c, err
			}
			c.Protocols = append(c.Protocols, p)
		case 0x81:
			c.DomainPrivileges = own(o.Value)
		case 0x82:
			c.ApplicationPrivileges = own(o.Value)
		case 0x83:
			c.Hashes = own(o.Value)
		}
	}
	return c, nil
}

// aesBits are the bits of tag 82: 01 AES-128, 02 AES-192, 04 AES-256.
var aesBits = []struct {
	bit  byte
	size int
}{{0x01, 128}, {0x02, 192}, {0x04, 256}}

// parseOffer reads A0 { 80 protocol, 81 values of i, 82 AES sizes }.
func parseOffer(v []byte) (ProtocolOffer, error) {
	var p ProtocolOffer
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		return p, fmt.Errorf("%w 67: %w", ErrObject, err)
	}
	protocol, ok := objects.Find(0x80)
	if !ok || len(protocol) != 1 {
		return p, fmt.Errorf("%w 67: an offer without a protocol", ErrObject)
	}
	p.Protocol = Protocol(protocol[0])
	is, _ := objects.Find(0x81)
	for _, i := range is {
		p.I = append(p.I, uint16(i))
	}
	if sizes, ok := objects.Find(0x82); ok && len(sizes) == 1 {
		for _, a := range aesBits {
			if sizes[0]&a.bit != 0 {
				p.KeyBits = append(p.KeyBits, a.size)
			}
		}
	}
	return p, nil
}

// Speaks tells whether a protocol is among the offers; an empty list tells nothing, so that it does.
func Speaks(offers []ProtocolOffer, p Protocol) bool {
	return len(offers) == 0 || slices.ContainsFunc(offers, func(o ProtocolOffer) bool { return o.Protocol == p })
}

// ParseSmall reads one of the small objects 42, 45, C1, CF: its value alone.
func ParseSmall(tag tlv.Tag, b []byte) ([]byte, error) {
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrObject, tag, err)
	}
	v, ok := objects.Find(tag)
	if !ok {
		return nil, fmt.Errorf("%w %s: it is not there", ErrObject, tag)
	}
	return own(v), nil
}
