package usim

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/uicc"
)

// ErrMalformed is wrapped by every refusal of file content.
var ErrMalformed = errors.New("malformed file content")

// length refuses content that is not want bytes long.
func length(name string, b []byte, want int) error {
	if len(b) != want {
		return fmt.Errorf("%w: %s of %d bytes, want %d", ErrMalformed, name, len(b), want)
	}
	return nil
}

func wrongType(v any) error { return fmt.Errorf("%w: %T is not what this file holds", ErrMalformed, v) }

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

var codecARR = Codec{Decode: func(b []byte) (any, error) { return uicc.ParseARR(b) }}

// codecDIR gives a uicc.Application, or nil for a record that holds none.
var codecDIR = Codec{Decode: func(b []byte) (any, error) {
	a, ok, err := uicc.ParseDIR(b)
	if err != nil || !ok {
		return nil, err
	}
	return a, nil
}}

var codecICCID = Codec{
	Decode: func(b []byte) (any, error) { return uicc.DecodeICCID(b) },
	Encode: func(v any) ([]byte, error) {
		id, ok := v.(uicc.ICCID)
		if !ok {
			return nil, wrongType(v)
		}
		b := id.Encode()
		return b[:], nil
	},
}

var codecIMSI = Codec{
	Decode: func(b []byte) (any, error) { return DecodeIMSI(b) },
	Encode: func(v any) ([]byte, error) {
		i, ok := v.(IMSI)
		if !ok {
			return nil, wrongType(v)
		}
		if _, err := ParseIMSI(string(i)); err != nil {
			return nil, err
		}
		b := EncodeIMSI(i)
		return b[:], nil
	},
}

// codecPL is the preferred languages, two letters each (TS 102 221 clause 13.3); unused places are left out.
var codecPL = Codec{
	Decode: func(b []byte) (any, error) {
		if len(b)%2 != 0 {
			return nil, fmt.Errorf("%w: EF_PL of %d bytes", ErrMalformed, len(b))
		}
		out := []string{}
		for i := 0; i < len(b); i += 2 {
			if b[i] == 0xFF && b[i+1] == 0xFF {
				continue
			}
			if !letter(b[i]) || !letter(b[i+1]) {
				return nil, fmt.Errorf("%w: EF_PL: %X is no language", ErrMalformed, b[i:i+2])
			}
			out = append(out, string(b[i:i+2]))
		}
		return out, nil
	},
	Pristine: allFF,
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// codecACC is the access control classes 0 to 15, a bit each, class 15 first (clause 4.2.15).
var codecACC = Codec{
	Decode: func(b []byte) (any, error) {
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
	},
	Encode: func(v any) ([]byte, error) {
		classes, ok := v.([]int)
		if !ok {
			return nil, wrongType(v)
		}
		out := make([]byte, 2)
		for _, n := range classes {
			if n < 0 || n > 15 {
				return nil, fmt.Errorf("%w: access class %d", ErrMalformed, n)
			}
			out[1-n/8] |= 1 << (n % 8)
		}
		return out, nil
	},
}

// EST is EF_EST (clause 4.2.47): which of the services that can be switched are switched on.
type EST struct{ FDN, BDN, ACL bool }

var codecEST = Codec{
	Decode: func(b []byte) (any, error) {
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: EF_EST of 0 bytes, want 1 or more", ErrMalformed)
		}
		return EST{FDN: b[0]&0x01 != 0, BDN: b[0]&0x02 != 0, ACL: b[0]&0x04 != 0}, nil
	},
}
