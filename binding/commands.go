package binding

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// AIDs of card interface §2: proprietary, unregistered category.
var (
	DefaultPackageAID = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44}
	DefaultAID        = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}
)

// Objects GET DATA reads.
const (
	ObjectConfiguration byte = 0xE0
	ObjectState         byte = 0xE1
	ObjectInformation   byte = 0xE3
	ObjectLog           byte = 0xE4
)

// SelectApplet builds SELECT of the applet by AID, on the basic channel.
func SelectApplet(aid []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: 0x04, Data: aid, Le: apdu.MaxShortLe}
}

// GetData builds GET DATA for part (200 bytes each, from 0) of an object.
func GetData(object, part byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P1: part, P2: object, Le: apdu.MaxShortLe}
}

// StoreData builds the chain of STORE DATA commands that carries one template, most bytes a block: P1 b8 marks the
// last block, b5b4 = 10 says BER-TLV, P2 counts from 00 (GPCS clause 11.11.2). They go out through a secure channel.
func StoreData(template []byte, most int) []apdu.Command {
	var out []apdu.Command
	for n := 0; ; n++ {
		size := min(most, len(template))
		c := apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, P1: 0x10, P2: byte(n), Data: template[:size]}
		template = template[size:]
		if len(template) == 0 {
			c.P1 |= 0x80
			return append(out, c)
		}
		out = append(out, c)
	}
}

// ActionKind is what template E2 asks for (§6).
type ActionKind byte

// Actions.
const (
	ActionBackUp ActionKind = iota + 1
	ActionRestore
	ActionUnbind
	ActionBind
	ActionClear
	ActionPrevious
)

var actionNames = map[ActionKind]string{
	ActionBackUp: "back up EF_IMSI", ActionRestore: "restore EF_IMSI", ActionUnbind: "unbind",
	ActionBind: "rebind", ActionClear: "clear", ActionPrevious: "go back to the replaced backup",
}

// Action is template E2.
type Action struct {
	Kind       ActionKind
	IMEI       IMEI    // of ActionBind
	Generation *uint16 // expected on the card; nil: not checked
}

// The actions of card interface §6.
func BackUp() Action         { return Action{Kind: ActionBackUp} }
func Restore() Action        { return Action{Kind: ActionRestore} }
func Unbind() Action         { return Action{Kind: ActionUnbind} }
func Bind(imei IMEI) Action  { return Action{Kind: ActionBind, IMEI: imei} }
func Clear() Action          { return Action{Kind: ActionClear} }
func PreviousBackup() Action { return Action{Kind: ActionPrevious} }

// Expecting adds the generation the card must have; another one answers 6984.
func (a Action) Expecting(generation uint16) Action {
	a.Generation = &generation
	return a
}

func (a Action) String() string { return actionNames[a.Kind] }

// RaisesGeneration tells whether the action counts as a change of configuration (03 and 04).
func (a Action) RaisesGeneration() bool { return a.Kind == ActionUnbind || a.Kind == ActionBind }

// Encode writes template E2.
func (a Action) Encode() ([]byte, error) {
	if actionNames[a.Kind] == "" {
		return nil, fmt.Errorf("%w: action %02X", ErrMalformed, byte(a.Kind))
	}
	v := tlv.Encode(0x80, []byte{byte(a.Kind)})
	if a.Kind == ActionBind {
		v = tlv.Append(v, 0x81, a.IMEI[:])
	}
	if a.Generation != nil {
		v = tlv.Append(v, tagExpected, []byte{byte(*a.Generation >> 8), byte(*a.Generation)})
	}
	return tlv.Encode(0xE2, v), nil
}

// AppletError is a STORE DATA the applet refused: the old configuration stands.
type AppletError struct {
	Name string // what was stored
	SW   apdu.SW
}

// meanings of status words in this applet (§3).
var meanings = map[apdu.SW]string{
	apdu.SWSecurityStatus: "a session is needed",
	apdu.SWReferencedData: "the generation on the card is not the expected one",
	apdu.SWConditions:     "not now: EF_IMSI is not plausible for a backup, there is nothing to restore, or the scheme does not fit",
	apdu.SWWrongData:      "the applet does not take this configuration",
	apdu.SWNoMemory:       "more patterns and ranges than the applet holds",
	apdu.SWMemory:         "a write failed, the old configuration stands",
}

func (e *AppletError) Error() string {
	m, ok := meanings[e.SW]
	if !ok {
		m = e.SW.Meaning()
	}
	return fmt.Sprintf("STORE DATA %s: %s: %s", e.Name, e.SW, m)
}

// Unwrap gives the status word.
func (e *AppletError) Unwrap() error { return e.SW }

// Explain turns a refusal met by STORE DATA into an *AppletError; other errors pass unchanged.
func Explain(name string, err error) error {
	var refused *apdu.Error
	if errors.As(err, &refused) {
		return &AppletError{Name: name, SW: refused.SW}
	}
	return err
}
