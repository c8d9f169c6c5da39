package usim

import "fmt"

// PLMN is a network (TS 24.008 clause 10.5.1.13): MCC of 3 digits, MNC of 2 or 3; an empty one is unused (F).
type PLMN struct{ MCC, MNC string }

// ParsePLMN checks digits: 3 of the MCC, 2 or 3 of the MNC. The length of the MNC is part of the network: 01 and 001 are two.
func ParsePLMN(mcc, mnc string) (PLMN, error) {
	if len(mcc) != 3 || len(mnc) < 2 || len(mnc) > 3 || !allDigits(mcc+mnc) {
		return PLMN{}, fmt.Errorf("%w: a PLMN is an MCC of 3 digits and an MNC of 2 or 3", ErrMalformed)
	}
	return PLMN{mcc, mnc}, nil
}

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
	if err != nil {
		return PLMN{}, err
	}
	if len(mcc)%3 != 0 || len(mnc) == 1 {
		return PLMN{}, fmt.Errorf("%w: PLMN with %d digits of MCC and %d of MNC", ErrMalformed, len(mcc), len(mnc))
	}
	return PLMN{mcc, mnc}, nil
}

// plmnDigits takes digits, then only F.
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

// Encode is the 3 bytes; what is no digit goes out as F, an empty PLMN as FFFFFF.
func (p PLMN) Encode() [3]byte {
	d := func(s string, i int) byte {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			return s[i] - '0'
		}
		return 0x0F
	}
	return [3]byte{d(p.MCC, 1)<<4 | d(p.MCC, 0), d(p.MNC, 2)<<4 | d(p.MCC, 2), d(p.MNC, 1)<<4 | d(p.MNC, 0)}
}

// String is "001-01", "unused" when empty.
func (p PLMN) String() string {
	if p == (PLMN{}) {
		return "unused"
	}
	return p.MCC + "-" + p.MNC
}

// codecFPLMN is the list of forbidden networks, 3 bytes each (clause 4.2.16). Unused places are kept, so that what was
// read can be written back; 4 places or more.
var codecFPLMN = Codec{
	Decode: func(b []byte) (any, error) { return decodePLMNs(b) },
	Encode: func(v any) ([]byte, error) {
		list, ok := v.([]PLMN)
		if !ok {
			return nil, wrongType(v)
		}
		var out []byte
		for _, p := range list {
			b := p.Encode()
			out = append(out, b[:]...)
		}
		return out, nil
	},
	Pristine: allFF,
}

func decodePLMNs(b []byte) ([]PLMN, error) {
	if len(b)%3 != 0 {
		return nil, fmt.Errorf("%w: a list of PLMNs in %d bytes", ErrMalformed, len(b))
	}
	out := make([]PLMN, 0, len(b)/3)
	for i := 0; i < len(b); i += 3 {
		p, err := DecodePLMN(b[i : i+3])
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
