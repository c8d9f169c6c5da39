package uicc

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// ErrMalformed is wrapped by every refusal of what a card answered.
var ErrMalformed = errors.New("malformed card data")

// ARRReference points to the access rule of a file: a record of an EF_ARR (tag 8B).
type ARRReference struct {
	FID    FID
	Record byte
	SEID   byte // security environment; 0 when the short form was used
}

// PINStatus is one key reference of the PIN status template (tag C6, clause 11.1.1.4.10).
type PINStatus struct {
	Ref     KeyRef
	Enabled bool
	Usage   int // usage qualifier (tag 95) that stands before it: 08 used, 00 not; -1 not told
}

// FCP is what SELECT and STATUS answer of a file (template 62, clauses 11.1.1.3 and 11.1.1.4). What the card did not
// tell is zero.
type FCP struct {
	Raw         []byte
	Structure   Structure
	Shareable   bool
	FID         FID    // 0 for the ADFs of some real cards
	AID         []byte // of an ADF, 5 to 16 bytes
	Size        int    // bytes of data, tag 80
	Total       int    // tag 81
	RecordSize  int
	Records     int
	SFI         SFI // 0: none
	LifeCycle   LifeCycle
	Deactivated bool // SELECT answered 6283
	Rules       []ARRReference
	Compact     []byte // tag 8C, kept as it came
	Expanded    []byte // tag AB: access rules as in EF_ARR, see ParseARR
	PINs        []PINStatus
	Link        Path // of the file this one is physically (a manufacturer's tag 9B inside A5)
	Proprietary tlv.Objects
	Details     Details     // what is understood of Proprietary
	Unknown     tlv.Objects // tags this page does not know, kept as they came
}

// Details are the standard's objects inside tag A5 (clause 11.1.1.4.6); -1 is not told.
type Details struct {
	Characteristics int // tag 80: clock stop, voltage classes
	FreeMemory      int // tag 83, bytes
	Reserved        int // tag 85, bytes reserved for a BER-TLV file
	Maximum         int // tag 86, bytes a BER-TLV file may grow to
	Commands        int // tag 87: b1 TERMINAL CAPABILITY is supported
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

// ParseFCP reads template 62. Lengths of the known tags are strict; tags it does not know are kept in Unknown, because
// real cards have them. The result owns its bytes, and holds what was read before an error.
func ParseFCP(b []byte) (FCP, error) {
	f := FCP{Raw: append([]byte(nil), b...), Details: Details{-1, -1, -1, -1, -1}}
	outer, err := tlv.ParseLenient(f.Raw)
	if err != nil {
		return f, fmt.Errorf("%w: FCP: %w", ErrMalformed, err)
	}
	if len(outer) != 1 || outer[0].Tag != 0x62 {
		return f, fmt.Errorf("%w: not one FCP template (62), but %s", ErrMalformed, tags(outer))
	}
	objects, err := tlv.ParseLenient(outer[0].Value)
	if err != nil {
		return f, fmt.Errorf("%w: FCP: %w", ErrMalformed, err)
	}
	for _, o := range objects {
		if err := f.set(o); err != nil {
			return f, err
		}
	}
	f.impliedSFI(objects)
	return f, nil
}

func tags(os tlv.Objects) string {
	out := "nothing"
	for i, o := range os {
		if i == 0 {
			out = o.Tag.String()
		} else {
			out += " " + o.Tag.String()
		}
	}
	return out
}

// impliedSFI: without tag 88 an EF has the five low bits of its FID for SFI, if that is a number an SFI can have
// (clause 11.1.1.4.8); with tag 88 and no value it has none.
func (f *FCP) impliedSFI(objects tlv.Objects) {
	if _, told := objects.Find(0x88); told || f.Structure == Directory {
		return
	}
	if implied := SFI(f.FID & 0x1F); implied <= maxSFI {
		f.SFI = implied
	}
}

func (f *FCP) set(o tlv.Object) error {
	v := o.Value
	switch o.Tag {
	case 0x82:
		return f.setDescriptor(v)
	case 0x83:
		if len(v) != 2 {
			return wrongLength(o)
		}
		f.FID = FID(v[0])<<8 | FID(v[1])
	case 0x84:
		f.AID = v
	case 0x80:
		return number(o, &f.Size)
	case 0x81:
		return number(o, &f.Total)
	case 0x88:
		return f.setSFI(o)
	case 0x8A:
		if len(v) != 1 {
			return wrongLength(o)
		}
		f.LifeCycle = LifeCycle(v[0])
	case 0x8B:
		return f.setRules(v)
	case 0x8C:
		f.Compact = v
	case 0xAB:
		f.Expanded = v
	case 0xA5:
		f.setProprietary(v)
	case 0xC6:
		return f.setPINs(v)
	default:
		f.Unknown = append(f.Unknown, o)
	}
	return nil
}

func wrongLength(o tlv.Object) error {
	return fmt.Errorf("%w: FCP tag %s of %d bytes", ErrMalformed, o.Tag, len(o.Value))
}

// number reads a big endian number of 1 to 4 bytes.
func number(o tlv.Object, into *int) error {
	if len(o.Value) == 0 || len(o.Value) > 4 {
		return wrongLength(o)
	}
	n := uint32(0)
	for _, x := range o.Value {
		n = n<<8 | uint32(x)
	}
	if n > 1<<30 { // no card has it, and int may have 32 bits
		return fmt.Errorf("%w: FCP tag %s says %X", ErrMalformed, o.Tag, o.Value)
	}
	*into = int(n)
	return nil
}

func (f *FCP) setSFI(o tlv.Object) error {
	if len(o.Value) > 1 {
		return wrongLength(o)
	}
	if len(o.Value) == 1 {
		f.SFI = SFI(o.Value[0] >> 3)
	}
	return nil
}

// setRules reads tag 8B: FID and record number, or FID and pairs of SEID and record number (clause 11.1.1.4.7.1).
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

// setProprietary never refuses: what a maker puts there is his own.
func (f *FCP) setProprietary(v []byte) {
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		f.Unknown = append(f.Unknown, tlv.Object{Tag: 0xA5, Value: v})
		return
	}
	f.Proprietary = objects
	d := &f.Details
	wanted := map[tlv.Tag]*int{0x80: &d.Characteristics, 0x83: &d.FreeMemory, 0x85: &d.Reserved, 0x86: &d.Maximum, 0x87: &d.Commands}
	for _, o := range objects {
		if into, ok := wanted[o.Tag]; ok {
			_ = number(o, into) // a wrong length leaves it "not told"
		}
	}
	link, ok := objects.Find(0x9B)
	if !ok || len(link)%2 != 0 {
		return
	}
	for i := 0; i+1 < len(link); i += 2 {
		f.Link = append(f.Link, FID(link[i])<<8|FID(link[i+1]))
	}
}

// setPINs reads C6: a bitmap in 90, then one 83 for every key reference, its bit counted from the left; a 95 before
// an 83 is that reference's usage.
func (f *FCP) setPINs(v []byte) error {
	objects, err := tlv.ParseLenient(v)
	if err != nil {
		return fmt.Errorf("%w: PIN status template: %w", ErrMalformed, err)
	}
	bitmap, _ := objects.Find(0x90)
	i, usage := 0, -1
	for _, o := range objects {
		switch {
		case o.Tag == 0x95 && len(o.Value) == 1:
			usage = int(o.Value[0])
		case o.Tag == 0x83 && len(o.Value) == 1:
			on := i/8 < len(bitmap) && bitmap[i/8]&(0x80>>(i%8)) != 0
			f.PINs = append(f.PINs, PINStatus{Ref: KeyRef(o.Value[0]), Enabled: on, Usage: usage})
			i, usage = i+1, -1
		case o.Tag == 0x83:
			return fmt.Errorf("%w: key reference of %d bytes", ErrMalformed, len(o.Value))
		}
	}
	return nil
}
