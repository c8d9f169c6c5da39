// Package capfile reads CAP files: the ZIP a Java Card converter writes, or the load file made of it (Java Card Virtual Machine
// Specification 2.2.1 chapter 6). It reads what a loader has to know: the package, its applets, what it imports, and its components in
// load order. The bytecode is the card's to verify.
//
// Reading is strict: sizes must agree wherever they are said twice, and nothing is read or kept beyond what the format can say.
package capfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxFile is the most a file may have, in bytes: twelve components of 64 kB are 768 kB; the rest is for what a converter adds.
const MaxFile = 4 << 20

// ErrCAP is wrapped by every refusal.
var ErrCAP = errors.New("CAP file")

// Version is the version of a package, or of the file format.
type Version struct{ Major, Minor byte }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Package names a package: the file's own or an imported one.
type Package struct {
	AID     []byte // 5 to 16 bytes
	Version Version
	Name    string // dots between its parts; empty when neither the file nor the table of platform packages tells
}

func (p Package) String() string {
	if p.Name != "" {
		return p.Name + " " + p.Version.String()
	}
	return fmt.Sprintf("%X %s", p.AID, p.Version)
}

// Applet is one applet of the package.
type Applet struct {
	AID     []byte // 5 to 16 bytes; the module AID of INSTALL
	Install int    // offset of its install method in the Method component
}

// Flags of the Header (table 6-3).
type Flags byte

// Flags.
const (
	FlagInt    Flags = 0x01 // type int is used: not every card has it
	FlagExport Flags = 0x02 // there is an Export component
	FlagApplet Flags = 0x04 // there is an Applet component
)

// File is a CAP file.
type File struct {
	Package    Package
	Format     Version // 2.1 or 2.2
	Flags      Flags
	Applets    []Applet // none in a library
	Imports    []Package
	Components []Component // in load order, Descriptor last when there is one; never Debug
	Custom     []Custom    // left out of the load file, as Debug is
}

// Custom is a component of a maker's own (clause 6.1.2): a card that does not know it ignores it.
type Custom struct {
	Tag  Tag // 80 to FF
	Size int // without tag and size
	AID  []byte
}

// Read reads a CAP file or a load file from r, at most MaxFile bytes.
func Read(r io.Reader) (*File, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCAP, err)
	}
	return Parse(b)
}

// Parse reads a CAP file (a ZIP) or a load file (its components one behind the other, in load order). Errors wrap ErrCAP and name the
// component and the byte in it, counted from its tag.
func Parse(b []byte) (*File, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrCAP, MaxFile)
	}
	f, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCAP, err)
	}
	return f, nil
}

func parse(b []byte) (*File, error) {
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		set, folder, err := unzip(b)
		if err != nil {
			return nil, err
		}
		return set.file(folder, true)
	case len(b) > 0 && Tag(b[0]) == TagHeader:
		set, err := split(b)
		if err != nil {
			return nil, err
		}
		return set.file("", false)
	}
	return nil, errors.New("neither a ZIP nor a load file that begins with a Header component")
}

// Component gives a component, nil when the file has none.
func (f *File) Component(t Tag) *Component {
	for i := range f.Components {
		if f.Components[i].Tag == t {
			return &f.Components[i]
		}
	}
	return nil
}
