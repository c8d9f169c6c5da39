package uicc

import "fmt"

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

var structures = [...]string{"unknown", "directory", "transparent", "linear fixed", "cyclic", "BER-TLV"}

func (s Structure) String() string {
	if int(s) < len(structures) {
		return structures[s]
	}
	return structures[StructureUnknown]
}

// descriptorStructures: the descriptor byte without its shareable bit (b7).
var descriptorStructures = map[byte]Structure{
	0x38: Directory, 0x39: BERTLV, 0x01: Transparent, 0x02: LinearFixed, 0x06: Cyclic,
}

// setDescriptor reads tag 82: descriptor byte, data coding byte, and for record files the record length (2) and the
// number of records (1).
func (f *FCP) setDescriptor(v []byte) error {
	if len(v) != 2 && len(v) != 5 {
		return fmt.Errorf("%w: FCP tag 82 of %d bytes", ErrMalformed, len(v))
	}
	f.Shareable = v[0]&0x40 != 0
	f.Structure = descriptorStructures[v[0]&^0x40]
	if len(v) == 5 {
		f.RecordSize, f.Records = int(v[2])<<8|int(v[3]), int(v[4])
	}
	return nil
}

// LifeCycle is the life cycle status of a file (clause 11.1.1.4.9), tested by mask: cards set the free bit b2 either way.
type LifeCycle byte

func (l LifeCycle) String() string {
	switch {
	case l == 0x00:
		return "not told"
	case l > 0x0F:
		return "proprietary"
	case l >= 0x0C:
		return "terminated"
	case l&0x05 == 0x05:
		return "activated"
	case l&0x05 == 0x04:
		return "deactivated"
	case l == 0x01:
		return "creation"
	case l == 0x03:
		return "initialisation"
	}
	return "reserved"
}

// Activated tells whether the file may be used.
func (l LifeCycle) Activated() bool { return l.String() == "activated" }
