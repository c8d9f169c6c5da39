package usim

import "fmt"

// The three files of USAT application pairing. An IMEI or IMEISV in them is personal data.

// PairingRange is a record of EF_IAL (clause 4.2.100): a range of IMEI or IMEISV that may pair, both ends included.
type PairingRange struct {
	SV        bool   // IMEISV, not IMEI
	Low, High string // 15 digits of an IMEI, 16 of an IMEISV; empty: the record holds none
}

// PairingDevice is a record of EF_IPD (clause 4.2.102).
type PairingDevice struct {
	SV     bool
	Digits string // 15 of an IMEI, 16 of an IMEISV; empty: none
}

// PairingStatus is a record of EF_IPS (clause 4.2.101).
type PairingStatus struct {
	Empty  bool
	Paired bool // "OK"; otherwise "KO"
	Link   int  // record of EF_IPD, 1 to 254; 0: none
}

const tagIMEI, tagIMEISV = 0x80, 0x81

// codecIAL reads `tag, length, low bound, high bound`: tag 80 IMEI, 81 IMEISV, bounds of the same length, 8 or 9 bytes.
var codecIAL = Codec{Decode: func(b []byte) (any, error) {
	sv, value, err := pairingValue("EF_IAL", b)
	if err != nil || value == nil {
		return PairingRange{}, err
	}
	if len(value) != 16 && len(value) != 18 {
		return nil, fmt.Errorf("%w: EF_IAL: bounds of %d bytes, want 16 or 18", ErrMalformed, len(value))
	}
	half := len(value) / 2
	low, err := pairingIdentity(sv, value[:half])
	if err != nil {
		return nil, fmt.Errorf("EF_IAL: %w", err)
	}
	high, err := pairingIdentity(sv, value[half:])
	if err != nil {
		return nil, fmt.Errorf("EF_IAL: %w", err)
	}
	return PairingRange{SV: sv, Low: low, High: high}, nil
}}

// codecIPD reads tag 80 IMEI or 81 IMEISV.
var codecIPD = Codec{Decode: func(b []byte) (any, error) {
	sv, value, err := pairingValue("EF_IPD", b)
	if err != nil || value == nil {
		return PairingDevice{}, err
	}
	digits, err := pairingIdentity(sv, value)
	if err != nil {
		return nil, fmt.Errorf("EF_IPD: %w", err)
	}
	return PairingDevice{SV: sv, Digits: digits}, nil
}}

// pairingValue reads one TLV object and its padding; value nil: a record of FF.
func pairingValue(name string, b []byte) (sv bool, value []byte, err error) {
	if len(b) < 2 {
		return false, nil, fmt.Errorf("%w: %s record of %d bytes", ErrMalformed, name, len(b))
	}
	switch b[0] {
	case 0xFF:
		return false, nil, nil
	case tagIMEI, tagIMEISV:
	default:
		return false, nil, fmt.Errorf("%w: %s: tag %02X", ErrMalformed, name, b[0])
	}
	n := int(b[1])
	if n > len(b)-2 || n > 0x7F {
		return false, nil, fmt.Errorf("%w: %s: length %d, %d are left", ErrMalformed, name, n, len(b)-2)
	}
	return b[0] == tagIMEISV, b[2 : 2+n : 2+n], nil
}

// pairingIdentity reads an IMEI or IMEISV. The clause names TS 24.008 for the coding, yet gives the unused nibble to
// the IMEI, which only plain digits have; so both are read. They cannot be mistaken for one another: the identity of
// TS 24.008 clause 10.5.1.4 is 8 bytes of an IMEI with A as its first nibble, 9 of an IMEISV; plain digits are 8 bytes,
// swapped, an IMEI ended by F. Bytes of FF behind it are padding.
func pairingIdentity(sv bool, b []byte) (string, error) {
	want, first, size := 15, byte(0x0A), 8
	if sv {
		want, first, size = 16, 0x03, 9
	}
	if len(b) > 8 && allBytes(b[8:], 0xFF) {
		b = b[:8]
	}
	nibbles := make([]byte, 0, 2*len(b))
	for _, v := range b {
		nibbles = append(nibbles, v&0x0F, v>>4)
	}
	if len(b) == size && nibbles[0] == first {
		nibbles = nibbles[1:]
	}
	digits := decimal(nibbles)
	if len(digits) != want {
		return "", fmt.Errorf("%w: an identity of %d bytes is not %d digits", ErrMalformed, len(b), want)
	}
	return digits, nil
}

// decimal gives the digits before the F that all ends with; "" when something else is among them.
func decimal(nibbles []byte) string {
	n := len(nibbles)
	for n > 0 && nibbles[n-1] == 0x0F {
		n--
	}
	out := make([]byte, 0, n)
	for _, v := range nibbles[:n] {
		if v > 9 {
			return ""
		}
		out = append(out, '0'+v)
	}
	return string(out)
}

func allBytes(b []byte, want byte) bool {
	for _, v := range b {
		if v != want {
			return false
		}
	}
	return true
}

// codecIPS is 'OK' or 'KO' in ASCII, the record of EF_IPD it belongs to, and one byte reserved.
var codecIPS = Codec{
	Decode: func(b []byte) (any, error) {
		if err := length("EF_IPS", b, 4); err != nil {
			return nil, err
		}
		s := PairingStatus{}
		switch string(b[:2]) {
		case "OK":
			s.Paired = true
		case "KO":
		case "\xFF\xFF":
			s.Empty = true
			return s, nil
		default:
			return nil, fmt.Errorf("%w: EF_IPS: status %X", ErrMalformed, b[:2])
		}
		if b[2] != 0x00 && b[2] != 0xFF {
			s.Link = int(b[2])
		}
		return s, nil
	},
	Encode: func(v any) ([]byte, error) {
		s, ok := v.(PairingStatus)
		if !ok || s.Link < 0 || s.Link > 0xFE {
			return nil, wrongType(v)
		}
		out := []byte{'K', 'O', 0xFF, 0xFF}
		switch {
		case s.Empty:
			return []byte{0xFF, 0xFF, 0xFF, 0xFF}, nil
		case s.Paired:
			copy(out, "OK")
		}
		if s.Link > 0 {
			out[2] = byte(s.Link)
		}
		return out, nil
	},
}
