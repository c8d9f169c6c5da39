package bindapp

import "bytes"

// sizeIMSI is the size of EF_IMSI and of everything that may be written there.
const sizeIMSI = 9

// plausible tells whether content may be a subscriber's EF_IMSI (§1): length byte 4 to 8, a parity nibble 9 or 1 that agrees
// with the count, 6 to 15 decimal digits, then F.
func plausible(content []byte) bool {
	if len(content) != sizeIMSI || content[0] < 4 || content[0] > 8 {
		return false
	}
	n := int(content[0])
	digits := content[1]>>4 <= 9
	for _, b := range content[2:n] { // all but the last byte that counts
		digits = digits && decimal(b)
	}
	last := content[n]
	switch content[1] & 0x0F {
	case 0x09: // odd: the last byte holds two digits
		digits = digits && decimal(last)
	case 0x01: // even: one digit, then F
		digits = digits && last>>4 == 0x0F && last&0x0F <= 9
	default:
		return false
	}
	return digits && filled(content[n+1:])
}

func decimal(b byte) bool { return b>>4 <= 9 && b&0x0F <= 9 }

// filled tells whether b is nothing but FF. (bytes.Trim takes what it cuts for UTF-8, and FF for any byte that is none.)
func filled(b []byte) bool { return bytes.Count(b, []byte{0xFF}) == len(b) }
