// Package plug is where an application meets the virtual UICC: what the card
// asks of an application (Applet) and what it lends to it (Env).
//
// The shape follows the Java Card, UICC and GlobalPlatform APIs (Java Card 2.2.1
// javacard.framework, ETSI TS 102 241, org.globalplatform 1.0), so that a model
// written in Go and the real applet in a JVM plug into the same socket.
package plug

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// Applet is one installed instance.
//
// All calls come from the card, one at a time. Commands arrive in T=1 manner: with
// their Le, answered with data and status word in one piece; the card does the T=0
// housekeeping. The card adds 91XX itself: an applet answers 9000.
type Applet interface {
	// Install runs once, inside INSTALL [for install]. A returned apdu.SW is the answer of
	// INSTALL and the instance is not made; any other error answers 6F00. When the memory refuses a write
	// in it the instance is not made either: 6581.
	Install(p InstallParameters) error
	// Select answers SELECT by AID of this instance (any P2); the class byte names the channel.
	Select(c apdu.Command) apdu.Response
	// Process answers every other command on a channel where the instance is selected. A class
	// byte with the secure-messaging bit is passed as it came: see SecureChannel.Unwrap.
	Process(c apdu.Command) apdu.Response
	// Deselect tells that the channel now has another application, or was closed.
	Deselect(channel int)
	// ProcessData takes one STORE DATA command that came through the security domain after
	// INSTALL [for personalization], already unwrapped (org.globalplatform.Application.processData).
	ProcessData(c apdu.Command) apdu.Response
	// Toolkit is called for every event the instance is registered for. It runs as a coroutine:
	// ProactiveHandler.Send suspends it until the terminal answers.
	Toolkit(e Event)
	// Uninstall runs before DELETE takes effect, and again when DELETE was refused after it and is tried once more
	// (javacard.framework.AppletEvent).
	Uninstall()
	// PoweredUp runs at every reset before any command, after transient memory was cleared. No
	// persistent write is allowed in it.
	PoweredUp()
}

// InstallParameters is what install() of a Java Card applet sees (TS 102 226 clause 8.2.1.3.2):
// the value of C9 alone. Toolkit and access parameters stay with the card.
type InstallParameters struct {
	Instance    []byte // AID, 5 to 16 bytes
	Privileges  []byte // 1 or 3 bytes
	Application []byte // value of C9, may be empty
}

// New makes the object of an instance around its Env: at installation (Install follows) and when the
// card is opened again from its memory (no Install: everything is in Env's persistent memory).
type New func(env Env) Applet

// Event is a toolkit event (TS 102 241 annex; numbers as in uicc.toolkit.ToolkitConstants).
type Event int16

// The events this card fires.
const (
	ProfileDownload           Event = 1
	EnvelopeMenuSelection     Event = 7
	TimerExpiration           Event = 11
	EventDownloadLocation     Event = 15
	StatusCommand             Event = 19
	ProactiveHandlerAvailable Event = 123
	ExternalFileUpdate        Event = 124
	ApplicationDeselect       Event = 126
	FirstCommandAfterATR      Event = 127
	UnrecognizedEnvelope      Event = -1
)

// Env is what the card lends to an instance.
type Env interface {
	Memory
	// AID of the instance.
	AID() []byte
	// FileView opens the tree of MF (adf nil) or of the ADF with that full AID, under the access
	// domain the instance was installed with. FileError FileNotFound: no such ADF.
	FileView(adf []byte) (FileView, error)
	// Proactive gives the handler; ok is false when it is not available to the event being processed
	// (TS 102 241 clause 6.7): outside Toolkit, at FirstCommandAfterATR, before a TERMINAL PROFILE, or
	// while another instance's command is under way.
	Proactive() (h ProactiveHandler, ok bool)
	// Registry is the instance's entry in the toolkit registry; nil without toolkit parameters.
	Registry() Registry
	// SecureChannel is the channel of the instance's security domain on a logical channel.
	SecureChannel(channel int) SecureChannel
	// Envelope gives the data of the ENVELOPE behind the event being processed, nil without one.
	Envelope() []byte
}

// Memory is persistent memory of one instance: named cells, each written atomically, and one
// transaction at a time. Power can go at every write; a running transaction is then lost whole.
type Memory interface {
	// Get gives a copy, nil when the cell was never written; it sees the open transaction.
	Get(cell string) []byte
	// Put and Delete answer apdu.SWMemory when the memory refuses.
	Put(cell string, v []byte) error
	Delete(cell string) error
	Begin() error
	Commit() error
	Abort()
}

// FileView is a view on the files (uicc.access.FileView). It keeps its own current file. Rights come from the access
// domain, not from PINs. Writes take effect at once: they are not part of a transaction.
type FileView interface {
	// Select makes the file with that FID current, by the rules of TS 102 221 clause 8.4; 3F00 is the
	// root of the MF tree and 7FFF the root of the ADF the view was opened for. It returns the FCP.
	Select(fid uint16) ([]byte, error)
	ReadBinary(offset, length int) ([]byte, error)
	UpdateBinary(offset int, data []byte) error
	// ReadRecord and UpdateRecord take absolute numbers from 1; number 0 updates the oldest record of
	// a cyclic file.
	ReadRecord(number int) ([]byte, error)
	UpdateRecord(number int, data []byte) error
	DeactivateFile() error
	ActivateFile() error
}

// FileError is the reason of a UICCException (TS 102 241 annex A).
type FileError int

// Reasons, with the numbers of uicc.access.UICCException.
const (
	NoEFSelected           FileError = 1
	CommandIncompatible    FileError = 2
	SecurityNotSatisfied   FileError = 3
	FileNotFound           FileError = 4
	InternalError          FileError = 5
	DataInvalidated        FileError = 6
	OutOfFileBoundaries    FileError = 7
	OutOfRecordBoundaries  FileError = 8
	RecordNotFound         FileError = 9
	InvalidMode            FileError = 10
	MaxValueReached        FileError = 12
	MemoryProblem          FileError = 13
	ConditionsNotSatisfied FileError = 14
)

func (e FileError) Error() string { return fmt.Sprintf("UICCException reason %d", int(e)) }

// ProactiveHandler sends proactive commands.
type ProactiveHandler interface {
	// Send takes a whole proactive command (BER-TLV tag D0), whose command number the framework sets, and
	// returns the data of the TERMINAL RESPONSE (COMPREHENSION-TLV objects). A reset while it waits ends the
	// coroutine: Send then never returns.
	Send(command []byte) (response []byte, err error)
}

// Registry is the instance's entry in the toolkit registry (uicc.toolkit.ToolkitRegistry).
type Registry interface {
	SetEvent(e Event)
	ClearEvent(e Event)
	IsEventSet(e Event) bool
	// RequestPollInterval asks for StatusCommand events about every so many seconds; 0 ends them.
	RequestPollInterval(seconds int)
	// AllocateTimer reserves one of the timers granted at installation, 1 to 8.
	AllocateTimer() (timer int, ok bool)
	ReleaseTimer(timer int)
	// RegisterFileEvent registers ExternalFileUpdate for a file: path from MF (adf nil) or from the ADF.
	RegisterFileEvent(adf []byte, path ...uint16)
}

// SecureChannel is org.globalplatform.SecureChannel on one logical channel.
type SecureChannel interface {
	// Security handles INITIALIZE UPDATE and EXTERNAL AUTHENTICATE on behalf of the instance.
	Security(c apdu.Command) apdu.Response
	// Unwrap checks and removes secure messaging; the error is the status word to answer. A failed
	// check ends the session. Without a session it answers 6985… whatever the domain says.
	Unwrap(c apdu.Command) (apdu.Command, error)
	// Wrap protects a response at the session's level (R-MAC, R-ENC); below that it returns it unchanged.
	Wrap(r apdu.Response) apdu.Response
	// Level is the security level of the session in the coding of EXTERNAL AUTHENTICATE's P1 with bit 8
	// for AUTHENTICATED; 0 without a session.
	Level() byte
	// Reset ends the session.
	Reset()
}

// Levels of SecureChannel.Level (org.globalplatform.SecureChannel).
const (
	Authenticated byte = 0x80
	CMAC          byte = 0x01
	CDecryption   byte = 0x02
	RMAC          byte = 0x10
	REncryption   byte = 0x20
)
