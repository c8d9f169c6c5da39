package capfile

import "fmt"

// directory is clause 6.4: the size of every component (Debug among them from format 2.2 on), what static fields take, how many imports and
// applets there are, and components of makers. All but the last is said elsewhere too, and must be the same there.
func (f *File) directory(set components) error {
	r := set[TagDirectory].reader()
	last := TagDescriptor
	if f.Format.Minor >= 2 {
		last = TagDebug
	}
	for t := TagHeader; t <= last; t++ {
		set.size(r, t)
	}
	set.statics(r)
	count(r, TagImport, len(f.Imports))
	count(r, TagApplet, len(f.Applets))
	for range r.u1() {
		f.custom(r)
	}
	return r.end()
}

// size compares. Debug is not loaded and often taken out, and a load file may come without Descriptor: their absence is no mismatch (a ZIP
// without Descriptor was refused before).
func (set components) size(r *reader, t Tag) {
	said := r.u2()
	c, ok := set[t]
	switch {
	case ok && c.Size() != said:
		r.fail("%s has %d bytes, not %d", t, c.Size(), said)
	case !ok && said != 0 && t != TagDebug && t != TagDescriptor:
		r.fail("%s of %d bytes is missing", t, said)
	}
}

// statics: image size and count of arrays stand at the beginning of StaticField too (clause 6.10), a count of references between them.
func (set components) statics(r *reader) {
	image, arrays := r.u2(), r.u2()
	r.u2() // bytes of the arrays
	s := set[TagStaticField].reader()
	image2, _, arrays2 := s.u2(), s.u2(), s.u2()
	switch {
	case r.err == nil && s.err != nil:
		r.err = s.err
	case image != image2 || arrays != arrays2:
		r.fail("static fields of %d bytes with %d arrays, StaticField has %d with %d", image, arrays, image2, arrays2)
	}
}

func count(r *reader, t Tag, has int) {
	if said := r.u1(); said != has {
		r.fail("%s has %d entries, not %d", t, has, said)
	}
}

// custom reads one custom_component_info.
func (f *File) custom(r *reader) {
	c := Custom{Tag: Tag(r.u1()), Size: r.u2(), AID: r.aid()}
	if c.Tag < 0x80 {
		r.fail("tag %02X is not one of a maker", byte(c.Tag))
	}
	if r.err == nil {
		f.Custom = append(f.Custom, c)
	}
}

// String tells a component left out.
func (c Custom) String() string { return fmt.Sprintf("%s of %X, %d bytes", c.Tag, c.AID, c.Size) }
