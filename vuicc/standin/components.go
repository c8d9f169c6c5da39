package standin

import "fmt"

// Tags of components (table 6-1).
const (
	tagHeader      = 1
	tagDirectory   = 2
	tagApplet      = 3
	tagImport      = 4
	tagPool        = 5
	tagClass       = 6
	tagMethod      = 7
	tagStaticField = 8
	tagRefLocation = 9
	tagExport      = 10
	tagDescriptor  = 11
)

type file struct {
	name  string
	bytes []byte
}

// components in load order. There is no Export: nobody imports an applet's package.
func (o Options) components() ([]file, error) {
	info := map[byte][]byte{
		tagHeader:      o.header(),
		tagDirectory:   make([]byte, 11*2+9),
		tagImport:      o.imports(),
		tagApplet:      o.applet(),
		tagClass:       class,
		tagMethod:      methods(1),
		tagStaticField: make([]byte, 10),
		tagPool:        pool,
		tagRefLocation: refLocation,
		tagDescriptor:  nil,
	}
	rest := o.Size - loadSize(info) + 1
	if rest < 1 {
		return nil, fmt.Errorf("%w: %d bytes are too few, it has %d without filler", ErrOptions, o.Size, loadSize(info))
	}
	info[tagMethod] = methods(rest)
	info[tagDescriptor] = descriptor(rest)
	info[tagDirectory] = o.directory(info)
	var out []file
	for _, c := range []struct {
		tag  byte
		name string
	}{
		{tagHeader, "Header"}, {tagDirectory, "Directory"}, {tagImport, "Import"}, {tagApplet, "Applet"}, {tagClass, "Class"}, {tagMethod, "Method"},
		{tagStaticField, "StaticField"}, {tagPool, "ConstantPool"}, {tagRefLocation, "RefLocation"}, {tagDescriptor, "Descriptor"},
	} {
		b := append(u2([]byte{c.tag}, len(info[c.tag])), info[c.tag]...)
		out = append(out, file{folder + c.name + ".cap", b})
	}
	return out, nil
}

// loadSize counts what is loaded without Descriptor.
func loadSize(info map[byte][]byte) int {
	n := 0
	for tag, b := range info {
		if tag != tagDescriptor {
			n += 3 + len(b)
		}
	}
	return n
}

func u2(b []byte, v int) []byte { return append(b, byte(v>>8), byte(v)) }

// header is clause 6.3: magic, minor and major of the format, ACC_APPLET, then the package: minor, major, AID.
func (o Options) header() []byte {
	return lv([]byte{0xDE, 0xCA, 0xFF, 0xED, 1, 2, 0x04, 0, 1}, o.Package)
}

func lv(b, v []byte) []byte { return append(append(b, byte(len(v))), v...) }

// directory is clause 6.4: eleven sizes, no static fields, counts of imports and applets, no custom component.
func (o Options) directory(info map[byte][]byte) []byte {
	var b []byte
	for tag := byte(tagHeader); tag <= tagDescriptor; tag++ {
		b = u2(b, len(info[tag]))
	}
	b = append(b, make([]byte, 6)...)
	return append(b, byte(len(o.Imports)), 1, 0)
}

// imports is clause 6.6: count, then minor, major and AID each.
func (o Options) imports() []byte {
	b := []byte{byte(len(o.Imports))}
	for _, i := range o.Imports {
		b = lv(append(b, i.Minor, i.Major), i.AID)
	}
	return b
}

// applet is clause 6.5: one, with the place of its install method.
func (o Options) applet() []byte { return u2(lv([]byte{1}, o.Module), atInstall) }
