// Package standin makes a CAP file that stands in for the binding applet's on the virtual card: its package and module AIDs, the packages it
// imports, components of a plausible size. The virtual card runs its own model of the applet, whatever bytecode a file has. A real card
// cannot run this file: its install method returns without registering an applet, and the rest is filler.
//
// It is written from the Java Card Virtual Machine Specification 2.2.1 chapter 6 (format 2.1), apart from the host's reader.
package standin

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Import is one package the file says it needs.
type Import struct {
	AID          []byte
	Major, Minor byte
}

// Options of a file. What is left zero is as the binding applet has it.
type Options struct {
	Package []byte   // AID, 5 to 16 bytes
	Module  []byte   // AID of the applet, 5 to 16 bytes
	Imports []Import // besides those of the binding applet; one the card lacks makes LOAD fail
	Size    int      // bytes of the load file without Descriptor; 0: DefaultSize
}

// Sizes of the load file without Descriptor, in bytes. What one method can hold is the most.
const (
	DefaultSize = 4096
	MaxSize     = 32 << 10
)

var (
	packageAID = []byte{0xF0, 'S', 'I', 'M', 'B', 'I', 'N', 'D'}
	moduleAID  = append(packageAID[:8:8], 0x01)
)

// ErrOptions is an AID or a size no file can have.
var ErrOptions = errors.New("stand-in CAP file")

// imports of the binding applet, by the token other components name them with: 80 for the first.
var imports = []Import{
	{[]byte{0xA0, 0, 0, 0, 0x62, 0x00, 0x01}, 1, 0},                                                       // java.lang
	{[]byte{0xA0, 0, 0, 0, 0x62, 0x01, 0x01}, 1, 0},                                                       // javacard.framework
	{[]byte{0xA0, 0, 0, 0, 0x09, 0x00, 0x05, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x11, 0x00, 0x00, 0x00}, 1, 0}, // uicc.access
	{[]byte{0xA0, 0, 0, 0, 0x09, 0x00, 0x05, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x12, 0x00, 0x00, 0x00}, 1, 0}, // uicc.toolkit
	{[]byte{0xA0, 0, 0, 0x01, 0x51, 0x00}, 1, 0},                                                          // org.globalplatform
}

// CAP makes the file: a ZIP as a converter writes it, the same bytes for the same options.
func CAP(o Options) ([]byte, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	files, err := o.components()
	if err != nil {
		return nil, err
	}
	return pack(o, files)
}

func (o Options) filled() (Options, error) {
	if o.Package == nil {
		o.Package = packageAID
	}
	if o.Module == nil {
		o.Module = moduleAID
	}
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	o.Imports = append(imports[:len(imports):len(imports)], o.Imports...)
	aids := [][]byte{o.Package, o.Module}
	for _, i := range o.Imports {
		aids = append(aids, i.AID)
	}
	for _, aid := range aids {
		if len(aid) < 5 || len(aid) > 16 {
			return o, fmt.Errorf("%w: AID of %d bytes", ErrOptions, len(aid))
		}
	}
	if o.Size > MaxSize || len(o.Imports) > 128 { // a token has 7 bits
		return o, fmt.Errorf("%w: %d bytes, %d imports", ErrOptions, o.Size, len(o.Imports))
	}
	return o, nil
}

// folder is where the components stand in the ZIP.
const folder = "simbind/standin/javacard/"

// pack stores without compression, which is not the same in every version of a library, and without a time.
func pack(o Options, files []file) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range append([]file{{"META-INF/MANIFEST.MF", manifest(o)}}, files...) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.bytes); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func manifest(o Options) []byte {
	var b bytes.Buffer
	for _, line := range [][2]string{
		{"Manifest-Version", "1.0"},
		{"Created-By", "simbind (stand-in for the virtual card)"},
		{"Java-Card-CAP-File-Version", "2.1"},
		{"Java-Card-Package-Version", "1.0"},
		{"Java-Card-Package-Name", "simbind.standin"},
		{"Java-Card-Package-AID", colons(o.Package)},
		{"Java-Card-Applet-1-AID", colons(o.Module)},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", line[0], line[1])
	}
	return append(b.Bytes(), "\r\n"...)
}

// colons writes an AID as converters do: 0xf0:0x53. It is short enough for the 72 bytes of a line but for the longest AIDs, which are folded.
func colons(aid []byte) string {
	parts := make([]string, len(aid))
	for i, b := range aid {
		parts[i] = fmt.Sprintf("0x%02x", b)
	}
	s := strings.Join(parts, ":")
	if len(s) > 45 {
		s = s[:45] + "\r\n " + s[45:]
	}
	return s
}
