package usim

import "fmt"

// AD is EF_AD (clause 4.2.18): 4 bytes or more in a USIM, 3 in a classic SIM (TS 51.011 clause 10.3.18).
type AD struct {
	Mode               byte // UE operation mode
	CipheringIndicator bool // byte 3, b1; in a SIM the OFM bit
	ExtendedDRX        bool // byte 3, b4
	MNC                int  // digits of the MNC, 2 or 3; 0: unknown, and not to be guessed
}

var modes = map[byte]string{
	0x00: "normal", 0x80: "type approval", 0x01: "normal and specific facilities",
	0x81: "type approval and specific facilities", 0x02: "maintenance (off line)", 0x04: "cell test",
}

// ModeName is the operation mode in words.
func (a AD) ModeName() string {
	if name, ok := modes[a.Mode]; ok {
		return name
	}
	return fmt.Sprintf("mode %02X", a.Mode)
}

// DecodeAD reads EF_AD, 3 bytes or more; bytes behind the fourth are ignored.
func DecodeAD(b []byte) (AD, error) {
	if len(b) < 3 {
		return AD{}, fmt.Errorf("%w: EF_AD of %d bytes, want 3 or more", ErrMalformed, len(b))
	}
	a := AD{Mode: b[0], CipheringIndicator: b[2]&0x01 != 0, ExtendedDRX: b[2]&0x08 != 0}
	if len(b) > 3 && (b[3]&0x0F == 2 || b[3]&0x0F == 3) {
		a.MNC = int(b[3] & 0x0F)
	}
	return a, nil
}

// MNCLength is the number of MNC digits EF_AD tells, 2 or 3; 0 when it does not.
func MNCLength(ad []byte) int {
	a, _ := DecodeAD(ad) // what cannot be read tells nothing
	return a.MNC
}

var codecAD = Codec{Decode: func(b []byte) (any, error) { return DecodeAD(b) }}
