package gp

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strconv"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// CardData is what a card says of itself in object 66 (GPCS annex H.2). It is a hint: the answer of INITIALIZE UPDATE decides the protocol.
// What the card does not tell, or tells with identifiers that are not GlobalPlatform's, is empty.
type CardData struct {
	Version       string // of the specification: 2.2.1
	Protocols     []ProtocolOption
	Configuration string // object identifiers, with dots
	Chip          string
}

// ProtocolOption is a secure channel protocol with its parameter i.
type ProtocolOption struct {
	Protocol Protocol
	I        int // one byte but for SCP11
}

// oid is GlobalPlatform's object identifier, 1.2.840.114283.
var oid = []byte{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B}

// Branches of it (GPCS annex H.1).
const (
	oidVersion  = 2
	oidProtocol = 4
)

// ParseCardData reads `66 {73 {06, 60 {06}, 63 {06}, 64 {06}…, 65 {06}, 66 {06}}}`.
func ParseCardData(b []byte) (CardData, error) {
	var d CardData
	outer, err := unwrap(b, ObjectCardData)
	if err != nil {
		return d, err
	}
	template, ok := outer.Find(0x73)
	if !ok {
		return d, fmt.Errorf("%w %s: no template 73", ErrObject, ObjectCardData)
	}
	inner, err := tlv.ParseLenient(template)
	if err != nil {
		return d, fmt.Errorf("%w %s: %w", ErrObject, ObjectCardData, err)
	}
	for _, o := range inner {
		d.object(o)
	}
	return d, nil
}

// object reads one of the templates that hold an object identifier each. One that cannot be read hides no other.
func (d *CardData) object(o tlv.Object) {
	if !o.Tag.Constructed() {
		return
	}
	inner, err := tlv.ParseLenient(o.Value)
	if err != nil {
		return
	}
	v, ok := inner.Find(0x06)
	if !ok {
		return
	}
	switch o.Tag {
	case 0x60:
		if v, ok := branch(v, oidVersion); ok {
			d.Version = dots(v)
		}
	case 0x64:
		if v, ok := branch(v, oidProtocol); ok {
			d.protocol(v)
		}
	case 0x65:
		d.Configuration = dotted(v)
	case 0x66:
		d.Chip = dotted(v)
	}
}

func branch(v []byte, number byte) ([]byte, bool) {
	return bytes.CutPrefix(v, append(bytes.Clone(oid), number))
}

func dots(v []byte) string {
	parts := make([]string, len(v))
	for i, x := range v {
		parts[i] = strconv.Itoa(int(x))
	}
	return strings.Join(parts, ".")
}

// protocol reads the number, a byte as it is (SCP80 would be no arc of an identifier), then i as an arc of at most three bytes.
func (d *CardData) protocol(v []byte) {
	if len(v) < 2 || len(v) > 4 {
		return
	}
	i := 0
	for _, x := range v[1:] {
		i = i<<7 | int(x&0x7F)
	}
	d.Protocols = append(d.Protocols, ProtocolOption{Protocol: Protocol(v[0]), I: i})
}

// dotted writes an object identifier, empty when it is none.
func dotted(v []byte) string {
	var id asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(tlv.Encode(0x06, v), &id); err != nil || len(rest) > 0 {
		return ""
	}
	return id.String()
}

// Capabilities is what a card can do (object 67, GPCS annex H.4).
type Capabilities struct {
	Protocols             []ProtocolCapability
	DomainPrivileges      []byte // a supplementary security domain can have, 3 bytes
	ApplicationPrivileges []byte // an application can have, 3 bytes
	Hashes                []byte // of load files: 01 SHA-1, 02 SHA-256, 03 SHA-384, 04 SHA-512
}

// ProtocolCapability is a secure channel protocol with its options.
type ProtocolCapability struct {
	Protocol Protocol
	I        []byte
	KeyBits  []int // SCP03: 128, 192, 256
}

// ParseCapabilities reads `67 {A0 {80, 81, 82}…, 81, 82, 83}`.
func ParseCapabilities(b []byte) (Capabilities, error) {
	var c Capabilities
	objects, err := unwrap(b, ObjectCapabilities)
	if err != nil {
		return c, err
	}
	for _, o := range objects {
		switch o.Tag {
		case 0xA0:
			p, err := parseProtocol(o.Value)
			if err != nil {
				return c, fmt.Errorf("%w %s: %w", ErrObject, ObjectCapabilities, err)
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

func parseProtocol(b []byte) (ProtocolCapability, error) {
	var p ProtocolCapability
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return p, err
	}
	number, ok := objects.Find(0x80)
	if !ok || len(number) != 1 {
		return p, fmt.Errorf("protocol of %d bytes", len(number))
	}
	p.Protocol = Protocol(number[0])
	i, _ := objects.Find(0x81)
	p.I = own(i)
	sizes, _ := objects.Find(0x82)
	for bit, bits := range []int{128, 192, 256} {
		if len(sizes) == 1 && sizes[0]&(1<<bit) != 0 {
			p.KeyBits = append(p.KeyBits, bits)
		}
	}
	return p, nil
}
