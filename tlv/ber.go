// Package tlv reads and writes the two TLV codings cards use: BER-TLV
// (ISO/IEC 7816-4 clause 5.2.2, ETSI TS 101 220 clause 7.1.1) and
// COMPREHENSION-TLV (TS 101 220 clause 7.1.2).
//
// Reading is strict: definite lengths in their shortest form, nothing past the
// end, bounded depth. Nothing allocates what a length merely claims.
package tlv

import (
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by every refusal.
var ErrMalformed = errors.New("malformed TLV")

// Tag is a BER-TLV tag of 1 to 3 bytes, big endian: 0x84, 0x9F65, 0xFF21.
type Tag uint32

// Constructed tells whether the value of the tag is itself TLV (b6 of its first byte).
func (t Tag) Constructed() bool { return t.first()&0x20 != 0 }

func (t Tag) first() byte {
	switch {
	case t > 0xFFFF:
		return byte(t >> 16)
	case t > 0xFF:
		return byte(t >> 8)
	}
	return byte(t)
}

func (t Tag) String() string { return fmt.Sprintf("%02X", uint32(t)) }

// Object is one BER-TLV data object. Value shares memory with what was parsed.
type Object struct {
	Tag   Tag
	Value []byte
}

// Objects is a sequence of data objects in the order they stand.
type Objects []Object

// Parse reads a sequence of data objects that fills b exactly. An empty b is an empty sequence.
func Parse(b []byte) (Objects, error) { return parse(b, false) }

// ParseLenient reads like Parse, but accepts lengths that are not in their
// shortest form, and ends at padding (00 or FF where a tag would start), as real
// cards store templates in records (TS 102 221 clause 13.1).
func ParseLenient(b []byte) (Objects, error) { return parse(b, true) }

func parse(b []byte, lenient bool) (Objects, error) {
	var out Objects
	end := len(b)
	if lenient {
		end = padding(b)
	}
	for off := 0; off < end; {
		o, n, err := next(b[off:], lenient)
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", off, err)
		}
		out = append(out, o)
		off += n
	}
	return out, nil
}

// Next reads the data object b starts with and tells how many bytes it takes.
func Next(b []byte) (Object, int, error) { return next(b, false) }

func next(b []byte, lenient bool) (Object, int, error) {
	tag, n, err := readTag(b)
	if err != nil {
		return Object{}, 0, err
	}
	length, m, err := readLength(b[n:], lenient)
	if err != nil {
		return Object{}, 0, fmt.Errorf("tag %s: %w", tag, err)
	}
	n += m
	if length > len(b)-n {
		return Object{}, 0, fmt.Errorf("%w: tag %s says %d bytes, %d are left", ErrMalformed, tag, length, len(b)-n)
	}
	return Object{Tag: tag, Value: b[n : n+length : n+length]}, n + length, nil
}

func readTag(b []byte) (Tag, int, error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("%w: no tag", ErrMalformed)
	}
	tag := Tag(b[0])
	if b[0]&0x1F != 0x1F {
		return tag, 1, nil
	}
	for n := 1; n < 3; n++ {
		if n >= len(b) {
			return 0, 0, fmt.Errorf("%w: tag %s is cut", ErrMalformed, tag)
		}
		tag = tag<<8 | Tag(b[n])
		if b[n]&0x80 == 0 {
			return tag, n + 1, nil
		}
	}
	return 0, 0, fmt.Errorf("%w: tag longer than 3 bytes", ErrMalformed)
}

func readLength(b []byte, lenient bool) (int, int, error) {
	if len(b) == 0 {
		return 0, 0, fmt.Errorf("%w: no length", ErrMalformed)
	}
	if b[0] < 0x80 {
		return int(b[0]), 1, nil
	}
	n := int(b[0] & 0x7F)
	if n == 0 || n > 3 {
		return 0, 0, fmt.Errorf("%w: length field %02X", ErrMalformed, b[0])
	}
	if len(b) < 1+n {
		return 0, 0, fmt.Errorf("%w: length is cut", ErrMalformed)
	}
	length := 0
	for _, v := range b[1 : 1+n] {
		length = length<<8 | int(v)
	}
	if !lenient && lengthBytes(length) != 1+n {
		return 0, 0, fmt.Errorf("%w: length %d not in its shortest form", ErrMalformed, length)
	}
	return length, 1 + n, nil
}

func lengthBytes(n int) int {
	switch {
	case n < 0x80:
		return 1
	case n < 0x100:
		return 2
	case n < 0x10000:
		return 3
	}
	return 4
}

// padding is where the run of 00, or of FF, begins that b ends with; len(b) when it ends with neither.
func padding(b []byte) int {
	end := len(b)
	for end > 0 && (b[end-1] == 0x00 || b[end-1] == 0xFF) && b[end-1] == b[len(b)-1] {
		end--
	}
	return end
}

// Find gives the value of the first object with the tag.
func (os Objects) Find(tag Tag) (value []byte, ok bool) {
	for _, o := range os {
		if o.Tag == tag {
			return o.Value, true
		}
	}
	return nil, false
}

// All gives the values of every object with the tag, in order.
func (os Objects) All(tag Tag) [][]byte {
	var out [][]byte
	for _, o := range os {
		if o.Tag == tag {
			out = append(out, o.Value)
		}
	}
	return out
}

// Append writes one data object behind dst, its length in the shortest form.
// The value is the concatenation of parts.
func Append(dst []byte, tag Tag, parts ...[]byte) []byte {
	dst = appendTag(dst, tag)
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

// Encode is Append to nothing.
func Encode(tag Tag, parts ...[]byte) []byte { return Append(nil, tag, parts...) }

func appendTag(dst []byte, tag Tag) []byte {
	if tag > 0xFFFF {
		dst = append(dst, byte(tag>>16))
	}
	if tag > 0xFF {
		dst = append(dst, byte(tag>>8))
	}
	return append(dst, byte(tag))
}

// AppendLength writes a BER length of at most 16777215 in its shortest form.
func AppendLength(dst []byte, n int) []byte {
	switch lengthBytes(n) {
	case 1:
		return append(dst, byte(n))
	case 2:
		return append(dst, 0x81, byte(n))
	case 3:
		return append(dst, 0x82, byte(n>>8), byte(n))
	}
	return append(dst, 0x83, byte(n>>16), byte(n>>8), byte(n))
}
