package capfile

import (
	"fmt"
	"slices"
	"strings"
)

// Tag is the kind of a component (table 6-1).
type Tag byte

// Components.
const (
	TagHeader Tag = iota + 1
	TagDirectory
	TagApplet
	TagImport
	TagConstantPool
	TagClass
	TagMethod
	TagStaticField
	TagRefLocation
	TagExport
	TagDescriptor
	TagDebug
)

// names are those of the files in the ZIP, .cap behind them (table 6-2).
var names = [...]string{"Header", "Directory", "Applet", "Import", "ConstantPool", "Class", "Method", "StaticField", "RefLocation", "Export", "Descriptor", "Debug"}

func (t Tag) String() string {
	if t >= TagHeader && t <= TagDebug {
		return names[t-1]
	}
	return fmt.Sprintf("component %02X", byte(t))
}

// named finds the component a file of the ZIP holds; case does not count.
func named(file string) (Tag, bool) {
	for i, n := range names {
		if strings.EqualFold(file, n+".cap") {
			return Tag(i + 1), true
		}
	}
	return 0, false
}

// loadOrder is the order of clause 6.2. Debug is never loaded.
var loadOrder = []Tag{
	TagHeader, TagDirectory, TagImport, TagApplet, TagClass, TagMethod, TagStaticField, TagExport, TagConstantPool, TagRefLocation, TagDescriptor,
}

// optional components; every other one must be in a file (clause 6.1).
var optional = []Tag{TagApplet, TagExport, TagDebug}

// Component is one component as it is loaded.
type Component struct {
	Tag   Tag
	Bytes []byte // tag, size of 2 bytes, content
}

const headSize = 3

// Size is the number of content bytes, as the Directory counts them.
func (c Component) Size() int { return len(c.Bytes) - headSize }

// components are those of one file, by tag.
type components map[Tag]Component

// component takes the bytes of one component that fill b exactly.
func component(want Tag, b []byte) (Component, error) {
	if len(b) < headSize {
		return Component{}, fmt.Errorf("%s: %d bytes are no component", want, len(b))
	}
	if Tag(b[0]) != want {
		return Component{}, fmt.Errorf("%s: tag is %02X, not %02X", want, b[0], byte(want))
	}
	if said, has := u2(b[1:]), len(b)-headSize; said != has {
		return Component{}, fmt.Errorf("%s: size says %d bytes, there are %d", want, said, has)
	}
	return Component{Tag: want, Bytes: b}, nil
}

func u2(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// split takes a load file apart. Its components must stand in load order, so that what is loaded is the file as it is.
func split(b []byte) (components, error) {
	set := components{}
	next := 0
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < headSize {
			return nil, fmt.Errorf("byte %d of the load file: %d bytes are no component", at, len(rest))
		}
		tag, n := Tag(rest[0]), headSize+u2(rest[1:])
		if n > len(rest) {
			return nil, fmt.Errorf("byte %d of the load file: %s of %d bytes, %d are left", at, tag, n, len(rest))
		}
		place := slices.Index(loadOrder, tag)
		if place < next {
			return nil, fmt.Errorf("byte %d of the load file: %s has no place here in the load order", at, tag)
		}
		set[tag] = Component{Tag: tag, Bytes: rest[:n:n]}
		next, at = place+1, at+n
	}
	return set, nil
}
