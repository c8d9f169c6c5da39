package gp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// ErrObject is wrapped by every refusal of an object a card gave.
var ErrObject = errors.New("card object")

// Objects GET DATA reads without keys (GPCS clause 11.3, annex H).
const (
	ObjectIIN             tlv.Tag = 0x42
	ObjectCIN             tlv.Tag = 0x45
	ObjectCardData        tlv.Tag = 0x66
	ObjectCapabilities    tlv.Tag = 0x67
	ObjectKeyInformation  tlv.Tag = 0xE0
	ObjectSequenceCounter tlv.Tag = 0xC1
	ObjectCPLC            tlv.Tag = 0x9F7F
	ObjectResources       tlv.Tag = 0xFF21
)

// GetData builds GET DATA for an object.
func GetData(tag tlv.Tag) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P1: byte(tag >> 8), P2: byte(tag), Le: apdu.MaxShortLe}
}

// Select builds SELECT by AID; without one the issuer security domain answers.
func Select(aid []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: 0x04, Data: aid, Le: apdu.MaxShortLe}
}

// FCI is what SELECT of a security domain or application answers (GPCS clause 11.9.3).
type FCI struct {
	AID        []byte
	MaxCommand int    // bytes of command data, tag 9F65; 0: not told
	CardData   []byte // template 73, when it stands here
}

// ParseFCI reads `6F {84 AID, A5 {…}}`.
func ParseFCI(b []byte) (FCI, error) {
	var f FCI
	inner, err := unwrap(b, 0x6F)
	if err != nil {
		return f, err
	}
	aid, _ := inner.Find(0x84)
	f.AID = own(aid)
	proprietary, ok := inner.Find(0xA5)
	if !ok {
		return f, nil
	}
	objects, err := tlv.ParseLenient(proprietary)
	if err != nil {
		return f, fmt.Errorf("%w: in A5: %w", ErrObject, err)
	}
	if v, ok := objects.Find(0x9F65); ok && len(v) <= 2 {
		for _, x := range v {
			f.MaxCommand = f.MaxCommand<<8 | int(x)
		}
	}
	data, _ := objects.Find(0x73)
	f.CardData = own(data)
	return f, nil
}

// domainAIDs are tried when SELECT without an AID is not answered: GlobalPlatform's own, then older ones.
var domainAIDs = [][]byte{
	nil,
	{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00}, {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00},
	{0xA0, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00}, {0xA0, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00},
}

// ErrNoDomain is a card on which no security domain could be selected.
var ErrNoDomain = errors.New("no security domain answers")

// SelectDomain selects a security domain by its AID; nil: the issuer's, without an AID, else by the known ones. 6283 (the card is locked) is
// an answer too, and locked tells it.
func SelectDomain(ctx context.Context, t apdu.Transmitter, named []byte) (f FCI, locked bool, err error) {
	aids := domainAIDs
	if named != nil {
		aids = [][]byte{named}
	}
	for _, aid := range aids {
		r, err := t.Transmit(ctx, Select(aid))
		if err != nil {
			return f, false, &apdu.LinkError{Name: "SELECT security domain", Err: err}
		}
		if !r.SW.OK() && r.SW != apdu.SWFileDeactivated {
			continue
		}
		if f, err = ParseFCI(r.Data); err != nil {
			continue // another application, or a file, answered to no AID
		}
		if len(f.AID) == 0 {
			f.AID = aid
		}
		return f, r.SW == apdu.SWFileDeactivated, nil
	}
	return f, false, ErrNoDomain
}

// unwrap opens one template; real cards put a 00 before it, or the same tag around it once more.
func unwrap(b []byte, tag tlv.Tag) (tlv.Objects, error) {
	if len(b) > 0 && b[0] == 0x00 {
		b = b[1:]
	}
	for range 3 {
		outer, err := tlv.ParseLenient(b)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrObject, tag, err)
		}
		v, ok := outer.Find(tag)
		if !ok {
			return nil, fmt.Errorf("%w %s: it is not there", ErrObject, tag)
		}
		inner, err := tlv.ParseLenient(v)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrObject, tag, err)
		}
		if _, again := inner.Find(tag); !again {
			return inner, nil
		}
		b = v
	}
	return nil, fmt.Errorf("%w %s: it stands inside itself", ErrObject, tag)
}

// KeyComponent is one part of a key.
type KeyComponent struct {
	Type   byte // 80 DES, 88 AES, A0 and A1 RSA …
	Length int  // bytes
}

// KeyEntry is one key a card holds (GPCS clause 11.3.3.1).
type KeyEntry struct {
	ID, KVN    byte
	Components []KeyComponent
	Usage      []byte // extended form only
	Access     []byte // extended form only
}

// ParseKeyInformation reads template E0: entries C0 in the basic form, or in the extended form that begins with FF.
func ParseKeyInformation(b []byte) ([]KeyEntry, error) {
	objects, err := unwrap(b, 0xE0)
	if err != nil {
		return nil, err
	}
	out := []KeyEntry{}
	for _, v := range objects.All(0xC0) {
		if len(v) == 0 {
			continue
		}
		e, err := parseKeyEntry(v)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func parseKeyEntry(v []byte) (KeyEntry, error) {
	if len(v) < 4 {
		return KeyEntry{}, fmt.Errorf("%w C0: %d bytes", ErrObject, len(v))
	}
	e := KeyEntry{ID: v[0], KVN: v[1]}
	if v[2] == 0xFF {
		return e, e.extended(v[2:])
	}
	rest := v[2:]
	if len(rest)%2 != 0 {
		return e, fmt.Errorf("%w C0: a component is cut", ErrObject)
	}
	for ; len(rest) > 0; rest = rest[2:] {
		e.Components = append(e.Components, KeyComponent{rest[0], int(rest[1])})
	}
	return e, nil
}

// extended reads FF, type, length of two bytes, for every component; then usage and access with their lengths.
func (e *KeyEntry) extended(b []byte) error {
	for len(b) >= 4 && (b[0] == 0xFF || b[0] >= 0x80) {
		if b[0] == 0xFF {
			b = b[1:]
		}
		if len(b) < 3 {
			break
		}
		e.Components = append(e.Components, KeyComponent{b[0], int(binary.BigEndian.Uint16(b[1:]))})
		b = b[3:]
	}
	for _, into := range []*[]byte{&e.Usage, &e.Access} {
		if len(b) == 0 {
			return nil
		}
		n := int(b[0])
		if n > len(b)-1 {
			return fmt.Errorf("%w C0: a field is cut", ErrObject)
		}
		*into, b = own(b[1:1+n]), b[1+n:]
	}
	return nil
}

// CPLC is the card production life cycle data: 42 bytes of 18 fields (GPCS is silent, the makers agree).
type CPLC map[string][]byte

// cplcFields are the names and sizes, in order.
var cplcFields = []struct {
	name string
	size int
}{
	{"ic_fabricator", 2}, {"ic_type", 2}, {"os_id", 2}, {"os_release_date", 2}, {"os_release_level", 2}, {"ic_fabrication_date", 2},
	{"ic_serial", 4}, {"ic_batch", 2}, {"module_fabricator", 2}, {"module_packaging_date", 2}, {"icc_manufacturer", 2}, {"ic_embedding_date", 2},
	{"pre_personalizer", 2}, {"pre_perso_date", 2}, {"pre_perso_equipment", 4}, {"personalizer", 2}, {"personalization_date", 2}, {"perso_equipment", 4},
}

// ParseCPLC reads object 9F7F.
func ParseCPLC(b []byte) (CPLC, error) {
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return nil, fmt.Errorf("%w 9F7F: %w", ErrObject, err)
	}
	v, _ := objects.Find(ObjectCPLC)
	if len(v) != 42 {
		return nil, fmt.Errorf("%w 9F7F: %d bytes, want 42", ErrObject, len(v))
	}
	out := CPLC{}
	for _, f := range cplcFields {
		out[f.name], v = own(v[:f.size]), v[f.size:]
	}
	return out, nil
}

// Resources is what a card has left (object FF21, TS 102 226 clause 8.2.1.7).
type Resources struct {
	Applications    int
	FreeNonVolatile int // bytes
	FreeVolatile    int // bytes
}

// ParseResources reads object FF21.
func ParseResources(b []byte) (Resources, error) {
	objects, err := unwrap(b, ObjectResources)
	if err != nil {
		return Resources{}, err
	}
	var out Resources
	for tag, into := range map[tlv.Tag]*int{0x81: &out.Applications, 0x82: &out.FreeNonVolatile, 0x83: &out.FreeVolatile} {
		v, ok := objects.Find(tag)
		if !ok || len(v) == 0 || len(v) > 4 {
			return Resources{}, fmt.Errorf("%w %s: tag %s of %d bytes, want 1 to 4", ErrObject, ObjectResources, tag, len(v))
		}
		for _, x := range v {
			*into = *into<<8 | int(x)
		}
	}
	return out, nil
}

// ParseSmall reads an object that is one value, such as 42, 45, C1: the value alone.
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

// ParseSequenceCounter reads the counter of sessions of the default key set: `C1 02` with SCP02, `C1 03` with SCP03 (GPCS annexes D.2, E.2).
// size is the number of its bytes.
func ParseSequenceCounter(b []byte) (counter uint32, size int, err error) {
	objects, err := tlv.ParseLenient(b)
	if err != nil {
		return 0, 0, fmt.Errorf("%w C1: %w", ErrObject, err)
	}
	v, _ := objects.Find(ObjectSequenceCounter)
	if len(v) != 2 && len(v) != 3 {
		return 0, 0, fmt.Errorf("%w C1: %d bytes, want 2 or 3", ErrObject, len(v))
	}
	for _, x := range v {
		counter = counter<<8 | uint32(x)
	}
	return counter, len(v), nil
}
