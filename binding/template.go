package binding

import (
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// field is a tag of a template as a card answers it.
type field struct {
	least, most int  // bytes of the value
	repeated    bool // may stand more than once
	required    bool // must be there
}

// one is a field of exactly n bytes that is always there; maybe is one that may be absent.
func one(n int) field   { return field{least: n, most: n, required: true} }
func maybe(n int) field { return field{least: n, most: n} }
func many(n int) field  { return field{least: n, most: n, repeated: true} }

// check holds the objects of a template against its fields. Tags without a row are left alone: a response may carry more
// than this version knows.
func check(name tlv.Tag, objects tlv.Objects, fields map[tlv.Tag]field) error {
	seen := map[tlv.Tag]bool{}
	for _, o := range objects {
		f, known := fields[o.Tag]
		switch {
		case !known:
			continue
		case len(o.Value) < f.least || len(o.Value) > f.most:
			return fmt.Errorf("%w: %s tag %s has %d bytes, want %s", ErrMalformed, name, o.Tag, len(o.Value), f.size())
		case seen[o.Tag] && !f.repeated:
			return fmt.Errorf("%w: %s tag %s stands twice", ErrMalformed, name, o.Tag)
		}
		seen[o.Tag] = true
	}
	missing := tlv.Tag(0)
	for tag, f := range fields {
		if f.required && !seen[tag] && (missing == 0 || tag < missing) {
			missing = tag
		}
	}
	if missing != 0 {
		return fmt.Errorf("%w: %s without tag %s", ErrMalformed, name, missing)
	}
	return nil
}

func (f field) size() string {
	if f.least == f.most {
		return fmt.Sprint(f.least)
	}
	return fmt.Sprintf("%d to %d", f.least, f.most)
}

// open reads b, which must be exactly one object with that tag, and holds its content against the fields.
func open(b []byte, tag tlv.Tag, fields map[tlv.Tag]field) (tlv.Objects, error) {
	o, n, err := tlv.Next(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, tag, err)
	case o.Tag != tag || n != len(b):
		return nil, fmt.Errorf("%w: not one template %s", ErrMalformed, tag)
	}
	return inside(o.Value, tag, fields)
}

// inside reads the content of a template.
func inside(value []byte, tag tlv.Tag, fields map[tlv.Tag]field) (tlv.Objects, error) {
	objects, err := tlv.Parse(value)
	if err != nil {
		return nil, fmt.Errorf("%w: in %s: %w", ErrMalformed, tag, err)
	}
	return objects, check(tag, objects, fields)
}
