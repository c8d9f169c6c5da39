package binding

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// PartSize is how many bytes of an object one GET DATA brings (card interface §3); the last part may be shorter.
const PartSize = 200

// maxObject bounds what is joined: 255 ranges are the longest an applet can hold, and come to some 4 kB.
const maxObject = 32 * PartSize

// Parts joins the parts of one object. The length at its beginning says how many there are, so nothing
// is asked past the end:
//
//	p := binding.NewParts(binding.ObjectState)
//	for !p.Done() { send p.Next(); p.Add(answer) }
type Parts struct {
	object byte
	data   []byte
	total  int // 0: not known yet
}

// NewParts begins with part 00 of an object.
func NewParts(object byte) *Parts { return &Parts{object: object} }

// Next builds GET DATA for the part that is due.
func (p *Parts) Next() apdu.Command { return GetData(p.object, byte(len(p.data)/PartSize)) }

// Done tells whether the object is complete.
func (p *Parts) Done() bool { return p.total > 0 && len(p.data) == p.total }

// Bytes is the object as far as it came.
func (p *Parts) Bytes() []byte { return p.data }

// Add takes the answer to Next. Every part but the last has 200 bytes, and the first begins with the
// object's tag; anything else is ErrMalformed.
func (p *Parts) Add(part []byte) error {
	if p.total == 0 {
		total, err := announced(part, p.object)
		if err != nil {
			return err
		}
		p.total = total
	}
	if want := min(PartSize, p.total-len(p.data)); len(part) != want || want == 0 {
		return fmt.Errorf("%w: part %d of object %02X has %d bytes, want %d", ErrMalformed, len(p.data)/PartSize, p.object, len(part), want)
	}
	p.data = append(p.data, part...)
	return nil
}

// announced is the length of the whole object as its first bytes tell: tag, length field, value.
func announced(part []byte, object byte) (int, error) {
	if len(part) < 2 || part[0] != object {
		return 0, fmt.Errorf("%w: the answer does not begin with object %02X", ErrMalformed, object)
	}
	total := 2 + int(part[1])
	switch {
	case part[1] == 0x81 && len(part) > 2:
		total = 3 + int(part[2])
	case part[1] == 0x82 && len(part) > 3:
		total = 4 + int(part[2])<<8 + int(part[3])
	case part[1] >= 0x80:
		return 0, fmt.Errorf("%w: object %02X with length field %02X", ErrMalformed, object, part[1])
	}
	if total > maxObject {
		return 0, fmt.Errorf("%w: object %02X claims %d bytes, at most %d are taken", ErrMalformed, object, total, maxObject)
	}
	return total, nil
}
