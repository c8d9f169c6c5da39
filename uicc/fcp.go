package uicc

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// ErrMalformed is wrapped by every refusal of what a card answered.
var ErrMalformed = errors.New("malformed card data")

// Structure is the structure of a file (descriptor byte, clause 11.1.1.4.3).
type Structure byte

// Structures.
const (
	StructureUnknown Structure = iota
	Directory                  // MF, DF, ADF
	Transparent
	LinearFixed
	Cyclic
	BERTLV
)

func (s Structure) String() string {
	return [...]string{"unknown", "directory", "transparent", "linear fixed", "cyclic", "BER-TLV"}[s]
}

// LifeCycle is the life cycle status of a file (clause 11.1.1.4.9).
type LifeCycle byte

func (l LifeCycle) String() string {
	switch {
	case l&0x05 == 0x05 && l < 0x0C:
		return "activated"
	case l&0x05 == 0x04 && l < 0x0C:
		return "deactivated"
	case l >= 0x0C:
		return "terminated"
	case l == 0x01:
		return "creation"
	case l == 0x03:
		return "initialisation"
	}
	return "not told"
}

// Activated tells whether the file may be used.
func (l LifeCycle) Activated() bool { return l.String() == "activated" }

// ARRReference points to the access rule of a file (tag 8B).
type ARRReference struct {
	FID    FID
	Record byte
	SEID   byte // security environment; 0 when the short form was used
}

// PINStatus is one key reference of the PIN status template (tag C6).
type PINStatus struct {
	Ref     KeyRef
	Enabled bool
}

// FCP is what SELECT answers of a file (template 62, clause 11.1.1.3).
type FCP struct {
	Raw         []byte
	Structure   Structure
	Shareable   bool
	FID         FID
	AID         []byte
	Size        int // bytes of data, tag 80
	Total       int // tag 81
	RecordSize  int
	Records     int
	SFI         SFI // 0: none
	LifeCycle   LifeCycle
	Deactivated bool // SELECT answered 6283
	Rules       []ARRReference
	PINs        []PINStatus
	Link        Path // of the file this one is physically (a manufacturer's tag 9B inside A5)
	Proprietary tlv.Objects
}

// IsTransparent tells whether READ BINARY works on it.
func (f FCP) IsTransparent() bool { return f.Structure == Transparent }

// PINEnabled tells whether the PIN status template has the reference enabled.
func (f FCP) PINEnabled(ref KeyRef) bool {
	for _, p := range f.PINs {
		if p.Ref == ref {
			return p.Enabled
		}
	}
	return false
}

// ParseFCP reads template 62. Unknown tags are passed over: real cards have them.
func ParseFCP(b []byte) (FCP, error) {
	f := FCP{Raw: append([]byte(nil), b...)}
	outer, err := tlv.ParseLenient(b)
	if err != nil {
		return f, fmt.Errorf("%w: FCP: %w", ErrMalformed, err)
	}
	if len(outer) != 1 || outer[0].Tag != 0x62 {
		return f, fmt.Errorf("%w: not an FCP template (62)", ErrMalformed)
	}
	objects, err := tlv.ParseLenient(outer[0].Value)
	if err != nil {
		return f, fmt.Errorf("%w: FCP: %w", ErrMalformed, err)
	}
	sfiSeen := false
	for _, o := range objects {
		sfiSeen = sfiSeen || o.Tag == 0x88
		if err := f.set(o); err != nil {
			return f, err
		}
	}
	if !sfiSeen && f.Structure != Directory {
		f.SFI = SFI(f.FID & 0x1F) // absent: the five low bits of the FID (clause 11.1.1.4.8)
	}
	return f, nil
}

func (f *FCP) set(o tlv.Object) error {
	v := o.Value
	switch o.Tag {
	case 0x82:
		return f.setDescriptor(v)
	case 0x83:
		if len(v) != 2 {
			return fmt.Errorf("%w: FCP tag 83 of %d bytes", ErrMalformed, len(v))
		}
		f.FID = FID(v[0])<<8 | FID(v[1])
	case 0x84:
		f.AID = append([]byte(nil), v...)
	case 0x80, 0x81:
		return f.setSize(o)
	case 0x88:
		if len(v) == 1 {
			f.SFI = SFI(v[0] >> 3)
		}
	case 0x8A:
		if len(v) == 1 {
			f.LifeCycle = LifeCycle(v[0])
		}
	case 0x8B:
		return f.setRules(v)
	case 0xA5:
		return f.setProprietary(v)
	case 0xC6:
		return f.setPINs(v)
	}
	return nil
}

func (f *FCP) setDescriptor(v []byte) error {
	if len(v) != 2 && len(v) != 5 {
		return fmt.Errorf("%w: FCP tag 82 of %d bytes", ErrMalformed, len(v))
	}
	f.Shareable = v[0]&0x40 != 0
	switch v[0] & 0x3F {
	case 0x38:
		f.Structure = Directory
	case 0x39:
		f.Structure = BERTLV
	case 0x01:
		f.Structure = Transparent
	case 0x02:
		f.Structure = LinearFixed
	case 0x06:
		f.Structure = Cyclic
	}
	if len(v) == 5 {
		f.RecordSize, f.Records = int(v[2])<<8|int(v[3]), int(v[4])
	}
	return nil
}

func (f *FCP) setSize(o tlv.Object) error {
	if len(o.Value) == 0 || len(o.Value) > 4 {
		return fmt.Errorf("%w: FCP tag %s of %d bytes", ErrMalformed, o.Tag, len(o.Value))
	}
	n := 0
	for _, x := range o.Value {
		n = n<<8 | int(x)
	}
	if o.Tag == 0x80 {
		f.Size = n
	} else {
		f.Total = n
	}
	return nil
}

// setRules reads tag 8B: FID and record number, or FID and pairs of SEID and record number.
func (f *FCP) setRules(v []byte) error {
	if len(v) < 3 || len(v) > 3 && len(v)%2 != 0 {
		return fmt.Errorf("%w: FCP tag 8B of %d bytes", ErrMalformed, len(v))
	}
	file := FID(v[0])<<8 | FID(v[1])
	if len(v) == 3 {
		f.Rules = []ARRReference{{FID: file, Record: v[2]}}
		return nil
	}
	for i := 2; i+1 < len(v); i += 2 {
		f.Rules = append(f.Rules, ARRReference{FID: file, SEID: v[i], Record: v[i+1]})
	}
	return nil
}

func (f *FCP) setProprietary(v []byte) error {
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		return nil // a maker's own coding: nothing we need
	}
	f.Proprietary = objects
	link, ok := objects.Find(0x9B)
	if !ok || len(link)%2 != 0 {
		return nil
	}
	for i := 0; i+1 < len(link); i += 2 {
		f.Link = append(f.Link, FID(link[i])<<8|FID(link[i+1]))
	}
	return nil
}

// setPINs reads C6: a bitmap in 90, then one 83 for every key reference, its bit counted from the left.
func (f *FCP) setPINs(v []byte) error {
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		return fmt.Errorf("%w: PIN status template: %w", ErrMalformed, err)
	}
	bitmap, _ := objects.Find(0x90)
	for i, ref := range objects.All(0x83) {
		if len(ref) != 1 {
			return fmt.Errorf("%w: key reference of %d bytes", ErrMalformed, len(ref))
		}
		on := i/8 < len(bitmap) && bitmap[i/8]&(0x80>>(i%8)) != 0
		f.PINs = append(f.PINs, PINStatus{Ref: KeyRef(ref[0]), Enabled: on})
	}
	return nil
}
