package binding

import (
	"encoding/binary"
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// Counters of terminal starts (card interface §5, tag 85); each stops at 65535.
type Counters struct {
	Profiles, Allowed, Denied, NoIMEI uint16
}

// State is template E1, open or full view (card interface §5). What a view does not carry is nil or zero.
type State struct {
	Raw                       []byte // the template as it came: it may hold backups of EF_IMSI
	Status                    Status
	Files                     Files
	Decision                  Decision
	Bound                     []IMEIView // in the open view TACs alone, unless the policy opens them
	LastIMEI                  *IMEIView  // nil: no terminal reported one
	Counters                  Counters
	Generation                uint16 // 0: never configured
	Backups                   Copies
	BackupUSIM, BackupGSM     *[9]byte // full view
	ReplacedUSIM, ReplacedGSM *[9]byte // full view: what a newer backup replaced
	Failure                   Failure
	Policy                    Policy
	LastAnswer                *[2]byte // general result, first additional byte of PROVIDE LOCAL INFORMATION
	LastRefresh               *[2]byte // qualifier, general result
	Resets                    uint16   // not followed by a decision
}

const tagState tlv.Tag = 0xE1

// stateFields is E1. 81 is absent when EF_IMSI cannot be read, 83, 84 and the backups when there are none.
var stateFields = map[tlv.Tag]field{
	0x80: one(1), 0x81: maybe(1), 0x82: one(1), 0x83: many(7), 0x84: maybe(7), 0x85: one(8), 0x86: one(2), 0x87: one(1),
	0x88: maybe(9), 0x95: maybe(9), 0x96: maybe(9), 0x97: maybe(9),
	0x89: one(1), 0x90: one(1), 0x91: maybe(2), 0x92: maybe(2), 0x93: one(2),
}

// ParseState reads template E1. Unknown tags are ignored.
func ParseState(b []byte) (State, error) {
	objects, err := open(b, tagState, stateFields)
	if err != nil {
		return State{}, err
	}
	s := State{Files: FilesUnreadable, Raw: append([]byte(nil), b...)}
	for _, o := range objects {
		if err := s.set(o); err != nil {
			return State{}, fmt.Errorf("E1 tag %s: %w", o.Tag, err)
		}
	}
	if s.BackupUSIM != nil && !s.Backups.USIM() || s.BackupGSM != nil && !s.Backups.GSM() {
		return State{}, fmt.Errorf("%w: E1 has a backup that tag 87 does not announce", ErrMalformed)
	}
	return s, nil
}

// set takes one object whose length was checked.
func (s *State) set(o tlv.Object) error {
	v := o.Value
	switch o.Tag {
	case 0x80:
		s.Status = Status(v[0])
	case 0x81:
		s.Files = Files(v[0])
		if s.Files == FilesUnreadable {
			return fmt.Errorf("%w: FF", ErrMalformed)
		}
	case 0x82:
		s.Decision = Decision(v[0])
	case 0x85:
		s.Counters = Counters{binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:]), binary.BigEndian.Uint16(v[4:]), binary.BigEndian.Uint16(v[6:])}
	case 0x86:
		s.Generation = binary.BigEndian.Uint16(v)
	case 0x87:
		s.Backups = Copies(v[0])
	case 0x89:
		s.Failure = Failure(v[0])
	case 0x90:
		s.Policy = Policy(v[0])
	case 0x91:
		s.LastAnswer = &[2]byte{v[0], v[1]}
	case 0x92:
		s.LastRefresh = &[2]byte{v[0], v[1]}
	case 0x93:
		s.Resets = binary.BigEndian.Uint16(v)
	default:
		return s.setIdentity(o)
	}
	return nil
}

// setIdentity takes the IMEIs and the copies of EF_IMSI.
func (s *State) setIdentity(o tlv.Object) error {
	switch o.Tag {
	case 0x83, 0x84:
		view, err := decodeIMEIView(o.Value)
		if err != nil {
			return err
		}
		if o.Tag == 0x84 {
			s.LastIMEI = &view
		} else if s.Bound = append(s.Bound, view); len(s.Bound) > 4 {
			return fmt.Errorf("%w: more than 4 bound terminals", ErrMalformed)
		}
	case 0x88:
		s.BackupUSIM = nine(o.Value)
	case 0x95:
		s.BackupGSM = nine(o.Value)
	case 0x96:
		s.ReplacedUSIM = nine(o.Value)
	case 0x97:
		s.ReplacedGSM = nine(o.Value)
	}
	return nil
}

func nine(v []byte) *[9]byte {
	x := [9]byte(v)
	return &x
}

// BoundIMEIs are the bound terminals; ok is false when the view masks them.
func (s State) BoundIMEIs() (bound []IMEI, ok bool) {
	for _, v := range s.Bound {
		i, whole := v.IMEI()
		if !whole {
			return nil, false
		}
		bound = append(bound, i)
	}
	return bound, true
}

// NextGeneration is the generation after an accepted change: FFFF is followed by 0001 (card interface §4).
func NextGeneration(g uint16) uint16 {
	if g == 0xFFFF {
		return 1
	}
	return g + 1
}
