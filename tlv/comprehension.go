package tlv

import "fmt"

// CObject is one COMPREHENSION-TLV data object: a tag without its comprehension
// bit (7 bits, or 15 bits behind a first byte 7F), the bit, and the value.
type CObject struct {
	Tag   uint16
	CR    bool // comprehension required
	Value []byte
}

// CObjects is a sequence of COMPREHENSION-TLV data objects.
type CObjects []CObject

// ParseComprehension reads a sequence of COMPREHENSION-TLV data objects that fills b exactly.
func ParseComprehension(b []byte) (CObjects, error) {
	var out CObjects
	for off := 0; off < len(b); {
		o, n, err := nextComprehension(b[off:])
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", off, err)
		}
		out = append(out, o)
		off += n
	}
	return out, nil
}

func nextComprehension(b []byte) (CObject, int, error) {
	o, n, err := readComprehensionTag(b)
	if err != nil {
		return CObject{}, 0, err
	}
	length, m, err := readLength(b[n:], false)
	if err != nil {
		return CObject{}, 0, fmt.Errorf("tag %02X: %w", o.Tag, err)
	}
	n += m
	if length > len(b)-n {
		return CObject{}, 0, fmt.Errorf("%w: tag %02X says %d bytes, %d are left", ErrMalformed, o.Tag, length, len(b)-n)
	}
	o.Value = b[n : n+length : n+length]
	return o, n + length, nil
}

// readComprehensionTag: 00, 80 and FF are no tags (TS 101 220 clause 7.1.2.1). 0 in the three-byte form is refused with
// them: it could not be written back.
func readComprehensionTag(b []byte) (CObject, int, error) {
	switch b[0] {
	case 0x00, 0x80, 0xFF:
		return CObject{}, 0, fmt.Errorf("%w: %02X is no tag", ErrMalformed, b[0])
	case 0x7F:
		if len(b) < 3 {
			return CObject{}, 0, fmt.Errorf("%w: three-byte tag is cut", ErrMalformed)
		}
		o := CObject{Tag: uint16(b[1]&0x7F)<<8 | uint16(b[2]), CR: b[1]&0x80 != 0}
		if o.Tag == 0 {
			return CObject{}, 0, fmt.Errorf("%w: 0 is no tag", ErrMalformed)
		}
		return o, 3, nil
	}
	return CObject{Tag: uint16(b[0] & 0x7F), CR: b[0]&0x80 != 0}, 1, nil
}

// Find gives the value of the first object with the tag, whatever its comprehension bit.
func (os CObjects) Find(tag uint16) (value []byte, ok bool) {
	for _, o := range os {
		if o.Tag == tag {
			return o.Value, true
		}
	}
	return nil, false
}

// AppendComprehension writes one data object behind dst. Tags above 7E take the three-byte form.
func AppendComprehension(dst []byte, tag uint16, cr bool, parts ...[]byte) []byte {
	var bit byte
	if cr {
		bit = 0x80
	}
	if tag > 0x7E {
		dst = append(dst, 0x7F, byte(tag>>8)|bit, byte(tag))
	} else {
		dst = append(dst, byte(tag)|bit)
	}
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	dst = AppendLength(dst, n)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}
