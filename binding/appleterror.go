package binding

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
)

// Names of the commands the applet knows, as [Meaning] and [AppletError] take them.
const (
	CommandSelect    = "SELECT"
	CommandGetData   = "GET DATA"
	CommandStoreData = "STORE DATA"
)

// meanings of status words in this applet, whatever the command (card interface §3).
var meanings = map[apdu.SW]string{
	apdu.SWWrongLength:    "wrong length",
	apdu.SWWrongP1P2:      "wrong P1 P2",
	apdu.SWUnknownINS:     "the applet does not know the command",
	apdu.SWUnknownCLA:     "the applet does not know the class",
	apdu.SWSecurityStatus: "a session is needed",
}

// storeMeanings are those of STORE DATA.
var storeMeanings = map[apdu.SW]string{
	apdu.SWReferencedData: "the generation on the card is not the expected one",
	apdu.SWConditions:     "not now: nothing to restore, EF_IMSI not plausible for a backup, or the wrong scheme for the action",
	apdu.SWWrongData:      "the applet does not take it: malformed, a value out of range, or a feature it does not offer",
	apdu.SWNoMemory:       "more patterns and ranges than the applet holds",
	apdu.SWMemory:         "memory or file write failed, the old configuration stands",
}

// Meaning is what a status word means after a command of this applet (card interface §3); where the interface gives it no
// meaning of its own, the standard's.
func Meaning(sw apdu.SW, command string) string {
	if sw.OK() {
		return "done"
	}
	if m, ok := meanings[sw]; ok {
		return m
	}
	switch command {
	case CommandStoreData:
		if m, ok := storeMeanings[sw]; ok {
			return m
		}
	case CommandGetData:
		if sw == apdu.SWReferenceNotFound {
			return "no such object or part"
		}
	case CommandSelect:
		if sw == apdu.SWFileNotFound {
			return "the applet is not on the card"
		}
	}
	return sw.Meaning()
}

// AppletError is a command the applet refused. After STORE DATA the old configuration stands.
type AppletError struct {
	Command string // CommandStoreData
	Name    string // what it was about: "E0 configuration"
	SW      apdu.SW
}

// Error reads "STORE DATA E0 configuration: 6984: the generation on the card is not the expected one".
func (e *AppletError) Error() string {
	return fmt.Sprintf("%s %s: %04X: %s", e.Command, e.Name, uint16(e.SW), Meaning(e.SW, e.Command))
}

// Unwrap gives the status word.
func (e *AppletError) Unwrap() error { return e.SW }

// OtherGeneration tells that somebody else changed the card since it was read (6984).
func (e *AppletError) OtherGeneration() bool {
	return e.Command == CommandStoreData && e.SW == apdu.SWReferencedData
}

// Explain turns a refusal met by STORE DATA into an *AppletError; other errors pass unchanged.
func Explain(name string, err error) error {
	var refused *apdu.Error
	if errors.As(err, &refused) {
		return &AppletError{Command: CommandStoreData, Name: name, SW: refused.SW}
	}
	return err
}
