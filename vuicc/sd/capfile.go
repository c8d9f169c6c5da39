package sd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// errCAP is wrapped by every refusal of a load file data block; the card answers 6A80.
var errCAP = errors.New("load file data block")

// Components of a CAP file that the card reads (Java Card VM specification table 6-2).
const (
	componentHeader = 1
	componentApplet = 3
	componentImport = 4
)

// flagApplet of the Header component: there are applets.
const flagApplet = 0x04

// parseCAP reads a load file data block: components one behind the other, each tag 1, size 2, body; Header first, none twice. What
// is asked of it is name, version, applets and imports; the bytecode is not looked at.
func parseCAP(b []byte) (LoadFile, error) {
	f := LoadFile{Size: len(b)}
	components, err := split3(b)
	if err != nil {
		return f, err
	}
	flags, err := f.header(components[componentHeader])
	if err != nil {
		return f, err
	}
	body, there := components[componentApplet]
	if there != (flags&flagApplet != 0) {
		return f, fmt.Errorf("%w: flags %02X and Applet component disagree", errCAP, flags)
	}
	if there {
		if err := f.applets(body); err != nil {
			return f, err
		}
	}
	imports, there := components[componentImport]
	if !there {
		return f, fmt.Errorf("%w: no Import component", errCAP)
	}
	return f, f.imports(imports)
}

// split3 takes the components apart.
func split3(b []byte) (map[byte][]byte, error) {
	out := map[byte][]byte{}
	for r := (&reader{b: b}); len(r.b) > 0; {
		tag := r.byte()
		size := r.take(2)
		if r.bad {
			return nil, fmt.Errorf("%w: a component is cut", errCAP)
		}
		body := r.take(int(binary.BigEndian.Uint16(size)))
		_, twice := out[tag]
		switch {
		case r.bad:
			return nil, fmt.Errorf("%w: component %d is cut", errCAP, tag)
		case twice || tag == 0 || len(out) == 0 && tag != componentHeader:
			return nil, fmt.Errorf("%w: component %d", errCAP, tag)
		}
		out[tag] = body
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: empty", errCAP)
	}
	return out, nil
}

var capMagic = []byte{0xDE, 0xCA, 0xFF, 0xED}

// header: magic 4, minor and major version of the format, flags, package_info, and from format 2.2 the name.
func (f *LoadFile) header(b []byte) (flags byte, err error) {
	r := &reader{b: b}
	magic := r.take(4)
	minor, major := r.byte(), r.byte()
	flags = r.byte()
	f.Package = r.packageInfo()
	if len(r.b) > 0 {
		r.lv()
	}
	if r.bad || len(r.b) > 0 || !bytes.Equal(magic, capMagic) || major != 2 {
		return 0, fmt.Errorf("%w: Header component, format %d.%d", errCAP, major, minor)
	}
	return flags, nil
}

// applets: count, then length, AID, offset of the install method.
func (f *LoadFile) applets(b []byte) error {
	r := &reader{b: b}
	count := int(r.byte())
	for n := 0; n < count && !r.bad; n++ {
		aid := r.lv()
		r.take(2)
		r.bad = r.bad || !validAID(aid) || contains(f.Modules, aid)
		f.Modules = append(f.Modules, bytes.Clone(aid))
	}
	if r.bad || len(r.b) > 0 || count == 0 {
		return fmt.Errorf("%w: Applet component", errCAP)
	}
	return nil
}

// imports: count, then package_info.
func (f *LoadFile) imports(b []byte) error {
	r := &reader{b: b}
	count := int(r.byte())
	for n := 0; n < count && !r.bad; n++ {
		f.Imports = append(f.Imports, r.packageInfo())
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: Import component", errCAP)
	}
	return nil
}

// packageInfo: minor, major, length, AID.
func (r *reader) packageInfo() Package {
	minor, major := r.byte(), r.byte()
	p := Package{AID: bytes.Clone(r.lv()), Major: major, Minor: minor}
	r.bad = r.bad || !validAID(p.AID)
	return p
}
