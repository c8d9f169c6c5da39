package bindapp

import (
	"bytes"

	"github.com/simbind/simbind/tlv"
)

// sizeIMEI is the length of an IMEI on the page: 14 digits, first digit in the high nibble.
const sizeIMEI = 7

// COMPREHENSION-TLV tags of the identities (TS 102 223 clauses 8.20 and 8.74).
const (
	tagIMEI   = 0x14
	tagIMEISV = 0x62
)

// noIMEI stands in the log and in comparisons where no terminal told one.
var noIMEI = bytes.Repeat([]byte{0xFF}, sizeIMEI)

// reportedIMEI finds the first valid identity in a TERMINAL RESPONSE (§8.4): 14/94 with 8 bytes and
// low nibble A, or 62/E2 with 9 bytes and low nibble 3; digits 1 to 14 decimal and not all 0.
func reportedIMEI(objects tlv.CObjects) (imei []byte, ok bool) {
	for _, o := range objects {
		fits := o.Tag == tagIMEI && len(o.Value) == 8 && o.Value[0]&0x0F == 0x0A ||
			o.Tag == tagIMEISV && len(o.Value) == 9 && o.Value[0]&0x0F == 0x03
		if !fits {
			continue
		}
		if imei := regroup(o.Value); validIMEI(imei) {
			return imei, true
		}
	}
	return nil, false
}

// regroup turns a mobile identity (TS 24.008 clause 10.5.1.4: digit 1 high, then pairs low first) into 14 digits
// in reading order.
func regroup(v []byte) []byte {
	out := make([]byte, sizeIMEI)
	for i := range out {
		out[i] = v[i]&0xF0 | v[i+1]&0x0F
	}
	return out
}

func validIMEI(imei []byte) bool {
	return len(imei) == sizeIMEI && allDecimal(imei) && !bytes.Equal(imei, make([]byte, sizeIMEI))
}

func allDecimal(b []byte) bool {
	for _, x := range b {
		if !decimal(x) {
			return false
		}
	}
	return true
}

// veiled is an IMEI as the open view shows it without policy b3: TAC, rest F (§5).
func veiled(imei []byte) []byte {
	return append(bytes.Clone(imei[:4]), 0xFF, 0xFF, 0xFF)
}
