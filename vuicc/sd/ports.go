package sd

import "github.com/simbind/simbind/apdu"

// Memory is what the domain must still know after a reset; *nvm.Store is one. Its cells all begin with "sd/".
//
// Get gives a copy, nil when the cell was never written. Put and Delete join the open transaction; PutNow writes at once
// whatever transaction is open: an applet that aborts its own must not take back a counted failure with it.
type Memory interface {
	Get(cell string) []byte
	Put(cell string, v []byte) error
	PutNow(cell string, v []byte) error
	Delete(cell string) error
	Begin() error
	Commit() error
	Abort()
}

// Runtime is what the domain asks of every card.
type Runtime interface {
	// Personalize hands one STORE DATA, unwrapped, to the instance chosen by INSTALL [for personalization]
	// (plug.Applet.ProcessData) and brings back its answer.
	Personalize(instance []byte, c apdu.Command) apdu.Response
}

// Installer is a Runtime that can take new content. A Runtime that is none answers INSTALL, LOAD and DELETE of content
// with 6A81.
//
// The domain keeps the registry; the runtime keeps the running objects. At opening and at every reset the runtime makes an object of
// every row of Domain.Instances. A returned apdu.SW is the answer of the command; any other error is 6F00.
type Installer interface {
	Runtime
	// Modules are the module AIDs of a load file that the card has code for. The virtual card runs no bytecode: a
	// module outside this list loads, but INSTALL of it is 6A81.
	Modules(loadFile []byte) [][]byte
	// Missing gives those imports that neither the platform nor a later version of it has. Packages that were loaded
	// are looked up by the domain and not asked for.
	Missing(imports []Package) []Package
	// Free is the memory that is left, in bytes.
	Free() (nonVolatile, volatile int)
	// Install makes the object of a new instance and runs its install method. The row goes into the registry after it
	// returned nil, in one write: cells of the instance that are there already were left by a power cut in an earlier try
	// and are to be deleted first.
	Install(i Instance, p InstallParameters) error
	// Uninstall runs before anything is deleted (plug.Applet.Uninstall); an error refuses the whole DELETE. It deletes no cells.
	Uninstall(instance []byte) error
	// Drop forgets the object, if there is one, and deletes its cells. It follows Uninstall when the row is gone from the registry, and
	// an Install that failed or could not be recorded; after a power cut between the two it is never called: Install cleans up.
	Drop(instance []byte)
}

// Package is a package by name and version (Java Card VM specification, package_info).
type Package struct {
	AID          []byte
	Major, Minor byte
}

// LoadFile is one executable load file.
type LoadFile struct {
	Package
	Modules [][]byte  // AIDs of its applets
	Imports []Package // what it was linked against
	Size    int       // of its data block, bytes
}

// Life cycle of an application (GPCS table 11-4).
const (
	Installed  byte = 0x03
	Selectable byte = 0x07
	lockedBit  byte = 0x80
)

// Instance is one installed application.
type Instance struct {
	AID, LoadFile, Module []byte
	Privileges            []byte // 3 bytes
	State                 byte
	Parameters            []byte // the field of INSTALL [for install] as it came; see ParseInstallParameters
}

// Locked tells whether the application may not be selected because SET STATUS locked it.
func (i Instance) Locked() bool { return i.State&lockedBit != 0 }

// CanBeSelected tells whether SELECT may find the application: made selectable and not locked (GPCS clause 5.3.1).
func (i Instance) CanBeSelected() bool { return !i.Locked() && i.State >= Selectable }

// Content is the executable load files and applications of a card.
type Content struct {
	LoadFiles []LoadFile
	Instances []Instance
}
