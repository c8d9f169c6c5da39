package usim

import "fmt"

// PairingRange is a record of EF_IAL (clause 4.2.100): a range of IMEI or IMEISV that may pair.
type PairingRange struct {
	SV        bool // IMEISV, not IMEI
	Low, High string
}

// PairingStatus is a record of EF_IPS (clause 4.2.101).
type PairingStatus struct {
	Empty  bool
	Paired bool // "OK"; otherwise "KO"
	Link   int  // record of EF_IPD; 0: none
}

// PairingDevice is a record of EF_IPD (clause 4.2.102).
type PairingDevice struct {
	SV     bool
	Digits string // 15 of an IMEI, 16 of an IMEISV; empty: none
}

// decodeIAL reads `tag, length, low bound, high bound`: tag 80 IMEI, 81 IMEISV, each bound 8 bytes.
func decodeIAL(b []byte) (any, error) {
	sv, value, ok, err := pairingValue("EF_IAL", b)
	if err != nil || !ok {
		return PairingRange{}, err
	}
	if len(value) != 16 {
		return nil, fmt.Errorf("%w: EF_IAL: bounds of %d bytes, want 16", ErrMalformed, len(value))
	}
	low, err := bcd(value[:8])
	if err != nil {
		return nil, err
	}
	high, err := bcd(value[8:])
	return PairingRange{SV: sv, Low: low, High: high}, err
}

// decodeIPS reads 'OK' or 'KO' in ASCII, a link, and one byte reserved.
func decodeIPS(b []byte) (any, error) {
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
}

// decodeIPD reads tag 80 IMEI or 81 IMEISV in the coding of TS 24.008 clause 10.5.1.4.
func decodeIPD(b []byte) (any, error) {
	sv, value, ok, err := pairingValue("EF_IPD", b)
	if err != nil || !ok {
		return PairingDevice{}, err
	}
	digits, err := mobileIdentity(value)
	return PairingDevice{SV: sv, Digits: digits}, err
}

func pairingValue(name string, b []byte) (sv bool, value []byte, ok bool, err error) {
	if len(b) < 2 {
		return false, nil, false, fmt.Errorf("%w: %s record of %d bytes", ErrMalformed, name, len(b))
	}
	switch b[0] {
	case 0xFF:
		return false, nil, false, nil
	case 0x80, 0x81:
	default:
		return false, nil, false, fmt.Errorf("%w: %s: tag %02X", ErrMalformed, name, b[0])
	}
	n := int(b[1])
	if n > len(b)-2 {
		return false, nil, false, fmt.Errorf("%w: %s: length %d, %d are left", ErrMalformed, name, n, len(b)-2)
	}
	return b[0] == 0x81, b[2 : 2+n], true, nil
}

// bcd reads swapped nibbles ended by F.
func bcd(b []byte) (string, error) {
	out := ""
	for _, v := range b {
		for _, n := range []byte{v & 0x0F, v >> 4} {
			switch {
			case n == 0x0F:
			case n > 9:
				return "", fmt.Errorf("%w: nibble %X is no digit", ErrMalformed, n)
			default:
				out += string('0' + rune(n))
			}
		}
	}
	return out, nil
}

// mobileIdentity reads the digits: the first in the high nibble of byte 1, whose low nibble is odd count and type.
func mobileIdentity(b []byte) (string, error) {
	if len(b) < 8 {
		return "", fmt.Errorf("%w: mobile identity of %d bytes", ErrMalformed, len(b))
	}
	rest, err := bcd(b[1:])
	if err != nil || b[0]>>4 > 9 {
		return "", fmt.Errorf("%w: mobile identity", ErrMalformed)
	}
	return string('0'+rune(b[0]>>4)) + rest, nil
}
