package binding

import "github.com/simbind/simbind/tlv"

// ActionKind is what template E2 asks for (card interface §6).
type ActionKind byte

// Actions.
const (
	ActionBackUp   ActionKind = iota + 1 // back up EF_IMSI now
	ActionRestore                        // restore EF_IMSI, until the next start decides again
	ActionUnbind                         // forget the bound terminals: first-insert is armed again
	ActionBind                           // bind to an IMEI
	ActionClear                          // clear counters, log and what was noted of the last answers
	ActionPrevious                       // go back to the replaced backup
)

var actionWords = []word{
	{}, {"back_up", "back up EF_IMSI"}, {"restore", "restore EF_IMSI"}, {"unbind", "unbind"},
	{"bind", "rebind"}, {"clear", "clear"}, {"previous_backup", "go back to the replaced backup"},
}

// String is in words.
func (k ActionKind) String() string { return wordOf(actionWords, byte(k)).text }

// Code is stable snake_case.
func (k ActionKind) Code() string { return wordOf(actionWords, byte(k)).code }

// MarshalText is Code.
func (k ActionKind) MarshalText() ([]byte, error) { return []byte(k.Code()), nil }

func (k ActionKind) known() bool { return k >= ActionBackUp && int(k) < len(actionWords) }

// Action is template E2.
type Action struct {
	Kind       ActionKind
	IMEI       IMEI    // of ActionBind
	Generation *uint16 // expected on the card; nil: not checked
}

// BackUp asks for a backup of EF_IMSI now.
func BackUp() Action { return Action{Kind: ActionBackUp} }

// Restore writes the backup into EF_IMSI; the next start decides again.
func Restore() Action { return Action{Kind: ActionRestore} }

// Unbind forgets the bound terminals of first-insert and restores EF_IMSI.
func Unbind() Action { return Action{Kind: ActionUnbind} }

// Bind binds first-insert to a terminal, patterns not consulted, and restores EF_IMSI: beside the bound
// terminals while there is room (tag 86 of E0), else instead of them.
func Bind(imei IMEI) Action { return Action{Kind: ActionBind, IMEI: imei} }

// Clear empties counters, log and the tags 89 to 93 of E1.
func Clear() Action { return Action{Kind: ActionClear} }

// PreviousBackup goes back to the backup that a newer one replaced.
func PreviousBackup() Action { return Action{Kind: ActionPrevious} }

// Expecting adds the generation the card must have; with another one it answers 6984 and does nothing.
func (a Action) Expecting(generation uint16) Action {
	a.Generation = &generation
	return a
}

// String is in words, without the IMEI.
func (a Action) String() string { return a.Kind.String() }

// RaisesGeneration tells whether the action counts as a change of configuration (03 and 04).
func (a Action) RaisesGeneration() bool { return a.Kind == ActionUnbind || a.Kind == ActionBind }

// FirstInsertOnly tells whether the card answers 6985 outside first-insert (03 and 04).
func (a Action) FirstInsertOnly() bool { return a.RaisesGeneration() }

const tagAction tlv.Tag = 0xE2

// Encode writes template E2. The error is *InputError.
func (a Action) Encode() ([]byte, error) {
	switch {
	case !a.Kind.known():
		return nil, &InputError{Field: "action", Reason: a.Kind.String()}
	case a.Kind == ActionBind && !a.IMEI.Valid():
		return nil, &InputError{Field: "IMEI", Reason: "no IMEI to bind to"}
	}
	v := tlv.Encode(0x80, []byte{byte(a.Kind)})
	if a.Kind == ActionBind {
		v = tlv.Append(v, 0x81, a.IMEI[:])
	}
	return tlv.Encode(tagAction, appendExpected(v, a.Generation)), nil
}
