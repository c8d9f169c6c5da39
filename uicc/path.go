package uicc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// FID is a file identifier, two bytes (clause 8.2).
type FID uint16

// File identifiers every UICC knows (clause 8.6; DF identifiers of TS 51.011 clause 6.5 and TS 31.102 clause 4.4.11).
const (
	MF         FID = 0x3F00
	CurrentADF FID = 0x7FFF
	DFGSM      FID = 0x7F20
	DFTelecom  FID = 0x7F10
	DF5GS      FID = 0x5FC0
)

// String is four hex digits.
func (f FID) String() string { return fmt.Sprintf("%04X", uint16(f)) }

func (f FID) bytes() []byte { return []byte{byte(f >> 8), byte(f)} }

// SFI is a short file identifier, 1 to 30; 0 is none (clause 8.3).
type SFI byte

// maxSFI: 31 is reserved by ISO/IEC 7816-4.
const maxSFI SFI = 30

// AID is an application identifier, 5 to 16 bytes (clause 8.5).
type AID []byte

// String is upper-case hex.
func (a AID) String() string { return fmt.Sprintf("%X", []byte(a)) }

// Path is a path of file identifiers; it begins with 3F00 (MF) or 7FFF (the current ADF).
type Path []FID

// String is the identifiers, parted by slashes; empty for no path.
func (p Path) String() string {
	var out []string
	for _, f := range p {
		out = append(out, f.String())
	}
	return strings.Join(out, "/")
}

// Equal compares identifier by identifier.
func (p Path) Equal(o Path) bool { return slices.Equal(p, o) }

func (p Path) bytes() []byte {
	var out []byte
	for _, f := range p {
		out = append(out, f.bytes()...)
	}
	return out
}

// Selection is what SELECT can name: a FID, a Path or an AID.
type Selection interface {
	fmt.Stringer
	Command() apdu.Command // the SELECT that answers FCP
}

// Command builds SELECT by file identifier.
func (f FID) Command() apdu.Command { return SelectFID(f) }

// Command builds SELECT by path from the MF.
func (p Path) Command() apdu.Command { return SelectPath(p) }

// Command builds SELECT by AID.
func (a AID) Command() apdu.Command { return SelectAIDCommand(a) }
