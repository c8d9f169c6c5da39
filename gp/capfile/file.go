package capfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var magic = []byte{0xDE, 0xCA, 0xFF, 0xED}

// file reads what the components say and holds them against each other. A ZIP is whole; a load file may come without Descriptor.
func (set components) file(folder string, whole bool) (*File, error) {
	if err := set.complete(whole); err != nil {
		return nil, err
	}
	f := &File{}
	for _, t := range loadOrder {
		if c, ok := set[t]; ok {
			f.Components = append(f.Components, c)
		}
	}
	for _, read := range []func(components) error{f.header, f.optional, f.imports, f.applets, f.directory} {
		if err := read(set); err != nil {
			return nil, err
		}
	}
	return f, f.name(folder)
}

func (set components) complete(whole bool) error {
	for t := TagHeader; t <= TagDebug; t++ {
		if _, ok := set[t]; !ok && !slices.Contains(optional, t) && (whole || t != TagDescriptor) {
			return fmt.Errorf("%s is missing", t)
		}
	}
	return nil
}

// header is clause 6.3: magic, format, flags, package; from format 2.2 on the package's name.
func (f *File) header(set components) error {
	r := set[TagHeader].reader()
	if m := r.bytes(len(magic)); r.err == nil && !bytes.Equal(m, magic) {
		return fmt.Errorf("%s: magic is %X, not %X", TagHeader, m, magic)
	}
	f.Format = r.version()
	if r.err == nil && f.Format != (Version{2, 1}) && f.Format != (Version{2, 2}) {
		return fmt.Errorf("%s: format %s; read here are 2.1 and 2.2", TagHeader, f.Format)
	}
	f.Flags = Flags(r.u1())
	if unknown := f.Flags &^ (FlagInt | FlagExport | FlagApplet); unknown != 0 {
		r.fail("flags %02X are not of format %s", byte(unknown), f.Format)
	}
	f.Package = r.packageInfo()
	if f.Format.Minor >= 2 {
		f.Package.Name = string(r.bytes(r.u1()))
	}
	return r.end()
}

// optional holds the flags against the components that may be left out.
func (f *File) optional(set components) error {
	for _, o := range []struct {
		flag Flags
		tag  Tag
	}{{FlagExport, TagExport}, {FlagApplet, TagApplet}} {
		_, there := set[o.tag]
		if said := f.Flags&o.flag != 0; said != there {
			return fmt.Errorf("%s: flags %02X say that %s is %s, and it is %s", TagHeader, byte(f.Flags), o.tag, presence(said), presence(there))
		}
	}
	return nil
}

func presence(there bool) string {
	if there {
		return "there"
	}
	return "not there"
}

// imports is clause 6.6.
func (f *File) imports(set components) error {
	r := set[TagImport].reader()
	for range r.u1() {
		p := r.packageInfo()
		p.Name, _ = Known(p.AID)
		f.Imports = append(f.Imports, p)
	}
	return r.end()
}

// applets is clause 6.5.
func (f *File) applets(set components) error {
	c, ok := set[TagApplet]
	if !ok {
		return nil
	}
	r := c.reader()
	count := r.u1()
	if count == 0 {
		r.fail("no applet")
	}
	for range count {
		f.applet(r, set[TagMethod].Size())
	}
	return r.end()
}

// applet reads one entry: an AID of its own, and an install method inside the Method component, behind its count of handlers.
func (f *File) applet(r *reader, methods int) {
	a := Applet{AID: r.aid(), Install: r.u2()}
	if r.err != nil {
		return
	}
	if a.Install == 0 || a.Install >= methods {
		r.fail("install method at %d, Method has %d bytes", a.Install, methods)
	}
	if slices.ContainsFunc(f.Applets, func(other Applet) bool { return bytes.Equal(other.AID, a.AID) }) {
		r.fail("applet %X twice", a.AID)
	}
	f.Applets = append(f.Applets, a)
}

// name takes the package's name from the folder when the Header has none. It is printed as it is, so it may hold nothing that moves a cursor.
func (f *File) name(folder string) error {
	if f.Package.Name == "" {
		f.Package.Name = folder
	}
	if !utf8.ValidString(f.Package.Name) || strings.ContainsFunc(f.Package.Name, func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) }) {
		return fmt.Errorf("%s: package name %q", TagHeader, f.Package.Name)
	}
	f.Package.Name = strings.ReplaceAll(f.Package.Name, "/", ".")
	return nil
}
