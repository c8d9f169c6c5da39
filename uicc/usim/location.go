package usim

import (
	"bytes"
	"fmt"
)

// Location is what a file of the LOCI family says of where the subscriber last was. It is personal data.
type Location struct {
	Family   LocationFamily
	Identity []byte // TMSI 4; P-TMSI and its signature 7; GUTI 12; 5G-GUTI 13
	PLMN     PLMN
	Area     []byte // LAC 2; LAC and RAC 3; TAC 2; 5GS TAC 3
	Status   byte   // b3 to b1 of the last byte
	Reserved byte   // the byte before the status of EF_LOCI, FF as a rule
}

// LocationFamily says which update status the last byte is.
type LocationFamily byte

// Families.
const (
	CircuitSwitched LocationFamily = iota // EF_LOCI
	PacketSwitched                        // EF_PSLOCI, EF_LOCIGPRS
	EPS                                   // EF_EPSLOCI
	FiveGS                                // EF_5GS3GPPLOCI, EF_5GSN3GPPLOCI
)

var updateStatus = map[LocationFamily][]string{
	CircuitSwitched: {"updated", "not updated", "PLMN not allowed", "location area not allowed"},
	PacketSwitched:  {"updated", "not updated", "PLMN not allowed", "routing area not allowed"},
	EPS:             {"updated", "not updated", "roaming not allowed"},
	FiveGS:          {"updated", "not updated", "roaming not allowed"},
}

// StatusWords is the update status in words (clauses 4.2.17, 4.2.23, 4.2.91, 4.4.11.2).
func (l Location) StatusWords() string {
	words := updateStatus[l.Family]
	if int(l.Status) < len(words) {
		return words[l.Status]
	}
	return "reserved"
}

// HoldsIdentity tells whether a temporary identity is there: it is the last subscriber's, whoever that was. A TMSI of FF FF FF FF is none
// (TS 23.003 clause 2.4), whatever is left of the signature behind a P-TMSI or of the network before an M-TMSI or a 5G-TMSI.
func (l Location) HoldsIdentity() bool {
	const tmsi = 4
	if len(l.Identity) < tmsi {
		return false
	}
	at := 0
	if l.Family == EPS || l.Family == FiveGS {
		at = len(l.Identity) - tmsi
	}
	return !allBytes(l.Identity[at:at+tmsi], 0xFF)
}

// locationShape says how the bytes divide: identity, PLMN of 3, area, a reserved byte if there is one, status.
type locationShape struct {
	name           string
	family         LocationFamily
	identity, area int
	reserved       bool   // a byte RFU stands before the status
	areaReset      []byte // the area before personalisation (annex E)
}

var (
	shapeLOCI         = locationShape{"EF_LOCI", CircuitSwitched, 4, 2, true, []byte{0x00, 0x00}}
	shapeGSMLOCI      = locationShape{"EF_LOCI of DF_GSM", CircuitSwitched, 4, 2, true, []byte{0x00, 0x00}}
	shapePSLOCI       = locationShape{"EF_PSLOCI", PacketSwitched, 7, 3, false, []byte{0x00, 0x00, 0xFF}}
	shapeLOCIGPRS     = locationShape{"EF_LOCIGPRS of DF_GSM", PacketSwitched, 7, 3, false, []byte{0x00, 0x00, 0xFF}}
	shapeEPSLOCI      = locationShape{"EF_EPSLOCI", EPS, 12, 2, false, []byte{0x00, 0x00}}
	shape5GSLOCI      = locationShape{"EF_5GS3GPPLOCI", FiveGS, 13, 3, false, []byte{0x00, 0x00, 0x00}}
	shape5GSN3GPPLOCI = locationShape{"EF_5GSN3GPPLOCI", FiveGS, 13, 3, false, []byte{0x00, 0x00, 0x00}}
)

func (s locationShape) size() int {
	n := s.identity + 3 + s.area + 1
	if s.reserved {
		n++
	}
	return n
}

func (s locationShape) codec() Codec {
	return Codec{
		Decode:   func(b []byte) (any, error) { return s.decode(b) },
		Encode:   s.encode,
		Pristine: func(plmn [3]byte, _ int) []byte { return s.pristine(plmn) },
	}
}

func (s locationShape) decode(b []byte) (Location, error) {
	if err := length(s.name, b, s.size()); err != nil {
		return Location{}, err
	}
	plmn, err := DecodePLMN(b[s.identity : s.identity+3])
	if err != nil {
		return Location{}, fmt.Errorf("%s: %w", s.name, err)
	}
	at := s.identity + 3
	l := Location{
		Family: s.family, Identity: append([]byte(nil), b[:s.identity]...), PLMN: plmn,
		Area: append([]byte(nil), b[at:at+s.area]...), Status: b[len(b)-1] & 0x07,
	}
	if s.reserved {
		l.Reserved = b[len(b)-2]
	}
	return l, nil
}

// encode writes the status with its reserved bits 0.
func (s locationShape) encode(v any) ([]byte, error) {
	l, ok := v.(Location)
	if !ok {
		return nil, wrongType(v)
	}
	if len(l.Identity) != s.identity || len(l.Area) != s.area {
		return nil, fmt.Errorf("%w: %s: identity of %d and area of %d bytes", ErrMalformed, s.name, len(l.Identity), len(l.Area))
	}
	plmn := l.PLMN.Encode()
	out := append(append(append([]byte{}, l.Identity...), plmn[:]...), l.Area...)
	if s.reserved {
		out = append(out, l.Reserved)
	}
	return append(out, l.Status&0x07), nil
}

// pristine is the content annex E suggests: no identity, the PLMN given, status "not updated".
func (s locationShape) pristine(plmn [3]byte) []byte {
	out := bytes.Repeat([]byte{0xFF}, s.identity)
	out = append(append(out, plmn[:]...), s.areaReset...)
	if s.reserved {
		out = append(out, 0xFF)
	}
	return append(out, 0x01)
}
