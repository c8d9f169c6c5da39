package usim

import (
	"fmt"

	"github.com/simbind/simbind/uicc"
)

func decodeRaw(b []byte) (any, error)   { return append([]byte(nil), b...), nil }
func decodeICCID(b []byte) (any, error) { return uicc.DecodeICCID(b) }
func decodeARR(b []byte) (any, error)   { return uicc.ParseARR(b) }
func decodeIMSI(b []byte) (any, error)  { return DecodeIMSI(b) }
func decodeUST(b []byte) (any, error)   { return Services(append([]byte(nil), b...)), nil }

func decodeDIR(b []byte) (any, error) {
	a, ok, err := uicc.ParseDIR(b)
	if !ok {
		return nil, err
	}
	return a, err
}

// length refuses content that is not want bytes long.
func length(name string, b []byte, want int) error {
	if len(b) != want {
		return fmt.Errorf("%w: %s of %d bytes, want %d", ErrMalformed, name, len(b), want)
	}
	return nil
}

// AD is EF_AD (clause 4.2.18): 4 bytes or more in a USIM, 3 in a classic SIM.
type AD struct {
	Mode               byte
	CipheringIndicator bool
	ExtendedDRX        bool
	MNC                int // digits of the MNC, 2 or 3; 0: unknown, and not to be guessed
}

// DecodeAD reads EF_AD.
func DecodeAD(b []byte) (AD, error) {
	if len(b) < 3 {
		return AD{}, fmt.Errorf("%w: EF_AD of %d bytes, want 3 or more", ErrMalformed, len(b))
	}
	a := AD{Mode: b[0], CipheringIndicator: b[2]&0x01 != 0, ExtendedDRX: b[2]&0x04 != 0}
	if len(b) > 3 && (b[3]&0x0F == 2 || b[3]&0x0F == 3) {
		a.MNC = int(b[3] & 0x0F)
	}
	return a, nil
}

func decodeAD(b []byte) (any, error) { return DecodeAD(b) }

// MNCLength is the number of MNC digits EF_AD tells, 2 or 3; 0 when it does not.
func MNCLength(ad []byte) int {
	a, _ := DecodeAD(ad) // what cannot be read tells nothing
	return a.MNC
}

// PLMN is a network (TS 24.008 clause 10.5.1.13); empty digits are unused ones.
type PLMN struct{ MCC, MNC string }

// DecodePLMN reads 3 bytes: MCC2 MCC1, MNC3 MCC3, MNC2 MNC1; F is unused.
func DecodePLMN(b []byte) (PLMN, error) {
	if err := length("PLMN", b, 3); err != nil {
		return PLMN{}, err
	}
	mcc, err := plmnDigits(b[0]&0x0F, b[0]>>4, b[1]&0x0F)
	if err != nil {
		return PLMN{}, err
	}
	mnc, err := plmnDigits(b[2]&0x0F, b[2]>>4, b[1]>>4)
	return PLMN{mcc, mnc}, err
}

func plmnDigits(nibbles ...byte) (string, error) {
	out := ""
	for i, n := range nibbles {
		switch {
		case n <= 9 && len(out) == i:
			out += string('0' + rune(n))
		case n == 0x0F:
		default:
			return "", fmt.Errorf("%w: PLMN digit %X", ErrMalformed, n)
		}
	}
	return out, nil
}

// Encode is the 3 bytes; an empty PLMN is FFFFFF.
func (p PLMN) Encode() [3]byte {
	d := func(s string, i int) byte {
		if i < len(s) {
			return s[i] - '0'
		}
		return 0x0F
	}
	return [3]byte{d(p.MCC, 1)<<4 | d(p.MCC, 0), d(p.MNC, 2)<<4 | d(p.MCC, 2), d(p.MNC, 1)<<4 | d(p.MNC, 0)}
}

func (p PLMN) String() string { return p.MCC + "-" + p.MNC }

// Location is what the LOCI family says of where the subscriber last was.
type Location struct {
	Identity []byte // TMSI, P-TMSI and signature, GUTI or 5G-GUTI
	PLMN     PLMN
	Area     []byte // LAC, RAC or TAC bytes
	Status   byte   // 0 updated, 1 not updated, 2 PLMN (EPS: roaming) not allowed, 3 area not allowed
}

var statusWords = []string{"updated", "not updated", "network not allowed", "area not allowed"}

// StatusWords is the update status in words.
func (l Location) StatusWords() string {
	if int(l.Status) < len(statusWords) {
		return statusWords[l.Status]
	}
	return "reserved"
}

// locationShape says how the bytes of a LOCI file divide: identity, PLMN of 3, area, then whatever stands before the
// status in the last byte.
type locationShape struct {
	name                 string
	size, identity, area int
}

var (
	shapeLOCI    = locationShape{"EF_LOCI", 11, 4, 2}
	shapePSLOCI  = locationShape{"EF_PSLOCI", 14, 7, 3}
	shapeEPSLOCI = locationShape{"EF_EPSLOCI", 18, 12, 2}
	shape5GSLOCI = locationShape{"EF_5GS3GPPLOCI", 20, 13, 3}
)

func (s locationShape) decode(b []byte) (Location, error) {
	if err := length(s.name, b, s.size); err != nil {
		return Location{}, err
	}
	plmn, err := DecodePLMN(b[s.identity : s.identity+3])
	if err != nil {
		return Location{}, fmt.Errorf("%s: %w", s.name, err)
	}
	at := s.identity + 3
	return Location{
		Identity: append([]byte(nil), b[:s.identity]...), PLMN: plmn,
		Area: append([]byte(nil), b[at:at+s.area]...), Status: b[s.size-1] & 0x07,
	}, nil
}

func decodeLOCI(b []byte) (any, error)    { return shapeLOCI.decode(b) }
func decodePSLOCI(b []byte) (any, error)  { return shapePSLOCI.decode(b) }
func decodeEPSLOCI(b []byte) (any, error) { return shapeEPSLOCI.decode(b) }
func decode5GSLOCI(b []byte) (any, error) { return shape5GSLOCI.decode(b) }

// Keys is EF_Keys or EF_KeysPS without the keys themselves: whether any are held.
type Keys struct{ Held bool }

// decodeKeys reads the key set identifier; 07 is no key (clause 4.2.3).
func decodeKeys(b []byte) (any, error) {
	if err := length("EF_Keys", b, 33); err != nil {
		return nil, err
	}
	return Keys{Held: b[0]&0x07 != 0x07}, nil
}

// NSC is a NAS security context record: whether it holds one.
type NSC struct{ Held bool }

func decodeNSC(b []byte) (any, error) {
	for _, v := range b {
		if v != 0xFF {
			return NSC{Held: true}, nil
		}
	}
	return NSC{}, nil
}

// decodeFPLMN reads the forbidden networks, 3 bytes each, unused ones left out (clause 4.2.16).
func decodeFPLMN(b []byte) (any, error) {
	if len(b)%3 != 0 {
		return nil, fmt.Errorf("%w: EF_FPLMN of %d bytes", ErrMalformed, len(b))
	}
	out := []PLMN{}
	for i := 0; i < len(b); i += 3 {
		p, err := DecodePLMN(b[i : i+3])
		if err != nil {
			return nil, err
		}
		if p != (PLMN{}) {
			out = append(out, p)
		}
	}
	return out, nil
}

// decodeACC reads the access control classes 0 to 15 (clause 4.2.15).
func decodeACC(b []byte) (any, error) {
	if err := length("EF_ACC", b, 2); err != nil {
		return nil, err
	}
	out := []int{}
	for n := range 16 {
		if b[1-n/8]&(1<<(n%8)) != 0 {
			out = append(out, n)
		}
	}
	return out, nil
}

// decodeSPN reads the service provider name: display condition, then GSM 7-bit text that is ASCII in all but rare
// characters, ended by FF (clause 4.2.12).
func decodeSPN(b []byte) (any, error) {
	if err := length("EF_SPN", b, 17); err != nil {
		return nil, err
	}
	out := ""
	for _, v := range b[1:] {
		if v == 0xFF {
			break
		}
		if v < 0x20 || v >= 0x7F {
			v = '?'
		}
		out += string(rune(v))
	}
	return out, nil
}

// decodeMSISDN reads the number of a record: 14 bytes behind the alpha identifier (clause 4.2.26).
func decodeMSISDN(b []byte) (any, error) {
	if len(b) < 14 {
		return nil, fmt.Errorf("%w: EF_MSISDN record of %d bytes, at least 14", ErrMalformed, len(b))
	}
	tail := b[len(b)-14:]
	n := int(tail[0])
	if n == 0xFF {
		return "", nil
	}
	if n < 1 || n > 11 {
		return nil, fmt.Errorf("%w: EF_MSISDN number of %d bytes", ErrMalformed, n)
	}
	number := ""
	if tail[1]&0x70 == 0x10 {
		number = "+"
	}
	for _, v := range tail[2 : 1+n] {
		for _, d := range []byte{v & 0x0F, v >> 4} {
			if d <= 9 {
				number += string('0' + rune(d))
			}
		}
	}
	return number, nil
}
