package binding

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// Status is where a card stands (E1, tag 80).
type Status byte

// Statuses.
const (
	Unconfigured Status = iota
	SwitchedOff
	Armed
	Bound
	PresetActive
)

var statusNames = []word{
	{"unconfigured", "unconfigured"}, {"off", "off"}, {"armed", "armed: first-insert, nothing bound yet"},
	{"bound", "bound"}, {"preset", "preset"},
}

// word is an enumeration's code for scripts and its words for people.
type word struct{ code, text string }

func wordOf(table []word, i int) word {
	if i < len(table) {
		return table[i]
	}
	return word{"unknown", fmt.Sprintf("unknown (%02X)", i)}
}

func (s Status) String() string { return wordOf(statusNames, int(s)).text }

// Code is stable snake_case.
func (s Status) Code() string { return wordOf(statusNames, int(s)).code }

// Fits tells whether a card of that scheme may stand so.
func (s Status) Fits(scheme Scheme) bool {
	switch scheme {
	case Off:
		return s == SwitchedOff
	case FirstInsert:
		return s == Armed || s == Bound
	}
	return s == PresetActive
}

// Files is EF_IMSI as it stands (tag 81).
type Files byte

// How the copies of EF_IMSI stand.
const (
	FilesUnknown   Files = 0x00FF & 0xFF // tag absent: EF_IMSI cannot be read
	FilesDenial    Files = 0x00
	FilesBackup    Files = 0x01
	FilesOther     Files = 0x02
	FilesDifferent Files = 0x03
)

var filesNames = []word{
	{"denial", "the denial value in every copy"}, {"backup", "the subscriber's in every copy"},
	{"other", "something else"}, {"differ", "copies differ"},
}

func (f Files) String() string {
	if f == FilesUnknown {
		return "not readable"
	}
	return wordOf(filesNames, int(f)).text
}

// Code is stable snake_case.
func (f Files) Code() string {
	if f == FilesUnknown {
		return "unreadable"
	}
	return wordOf(filesNames, int(f)).code
}

// Decision is what the applet decided last (tag 82).
type Decision byte

// Decisions.
const (
	NoDecision Decision = iota
	AllowedBoundNow
	Allowed
	DeniedOther
	DeniedNoIMEI
	AllowedNoIMEI
	AllowedOff
	NotEnforced
	Pending
)

var decisionNames = []word{
	{"none", "none yet"}, {"allowed_bound", "allowed, bound now"}, {"allowed", "allowed"},
	{"denied_other", "denied: other terminal"}, {"denied_no_imei", "denied: no IMEI"}, {"allowed_no_imei", "allowed without IMEI"},
	{"allowed_off", "allowed: off"}, {"not_enforced", "not enforced: no backup could be taken"}, {"pending", "pending"},
}

func (d Decision) String() string { return wordOf(decisionNames, int(d)).text }

// Code is stable snake_case.
func (d Decision) Code() string { return wordOf(decisionNames, int(d)).code }

// Allows tells whether the decision lets the terminal use the subscription.
func (d Decision) Allows() bool {
	switch d {
	case AllowedBoundNow, Allowed, AllowedNoIMEI, AllowedOff, NotEnforced:
		return true
	}
	return false
}

var failureNames = []word{
	{"none", ""}, {"not_readable", "EF_IMSI not readable"}, {"not_writable", "EF_IMSI not writable (access domain)"},
	{"refresh_refused", "the terminal refused REFRESH"}, {"memory", "memory"}, {"content_unknown", "EF_IMSI neither plausible nor known"},
	{"strict_resting", "strict start rests"}, {"service_130", "UST service 130: no EF_IMSI"},
}

// Failure is why the applet's last step failed (tag 89).
type Failure byte

func (f Failure) String() string { return wordOf(failureNames, int(f)).text }

// Code is stable snake_case.
func (f Failure) Code() string { return wordOf(failureNames, int(f)).code }

// Counters of terminal starts (tag 85); each stops at 65535.
type Counters struct {
	Profiles, Allowed, Denied, NoIMEI uint16
}

// State is template E1, open or full. What a view does not carry is nil or zero.
type State struct {
	Raw                       []byte // the template as it came
	Status                    Status
	Files                     Files
	Decision                  Decision
	Bound                     []IMEIView
	LastIMEI                  *IMEIView
	Counters                  Counters
	Generation                uint16 // 0: never configured
	Backups                   Copies
	BackupUSIM, BackupGSM     *[9]byte // full view
	ReplacedUSIM, ReplacedGSM *[9]byte // full view
	Failure                   Failure
	Policy                    Policy
	LastAnswer                *[2]byte // general result, first additional byte of PROVIDE LOCAL INFORMATION
	LastRefresh               *[2]byte // qualifier, general result
	Resets                    uint16   // not followed by a decision
}

// stateTags gives the length of every tag of E1.
var stateTags = map[tlv.Tag]int{
	0x80: 1, 0x81: 1, 0x82: 1, 0x83: 7, 0x84: 7, 0x85: 8, 0x86: 2, 0x87: 1, 0x88: 9, 0x95: 9, 0x96: 9, 0x97: 9,
	0x89: 1, 0x90: 1, 0x91: 2, 0x92: 2, 0x93: 2,
}

// ParseState reads template E1. Unknown tags are ignored; status and generation must be there.
func ParseState(b []byte) (State, error) {
	s := State{Files: FilesUnknown, Raw: append([]byte(nil), b...)}
	objects, err := template(b, 0xE1)
	if err != nil {
		return s, err
	}
	for _, required := range []tlv.Tag{0x80, 0x86} {
		if _, ok := objects.Find(required); !ok {
			return s, fmt.Errorf("%w: E1 without tag %s", ErrMalformed, required)
		}
	}
	for _, o := range objects {
		want, known := stateTags[o.Tag]
		if !known {
			continue
		}
		if len(o.Value) != want {
			return s, fmt.Errorf("%w: E1 tag %s has %d bytes, want %d", ErrMalformed, o.Tag, len(o.Value), want)
		}
		s.set(o.Tag, o.Value)
	}
	return s, nil
}

func (s *State) set(tag tlv.Tag, v []byte) {
	nine := func() *[9]byte { x := [9]byte(v); return &x }
	switch tag {
	case 0x80:
		s.Status = Status(v[0])
	case 0x81:
		s.Files = Files(v[0])
	case 0x82:
		s.Decision = Decision(v[0])
	case 0x83:
		s.Bound = append(s.Bound, IMEIView(v))
	case 0x84:
		x := IMEIView(v)
		s.LastIMEI = &x
	case 0x85:
		s.Counters = Counters{binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:]), binary.BigEndian.Uint16(v[4:]), binary.BigEndian.Uint16(v[6:])}
	case 0x86:
		s.Generation = binary.BigEndian.Uint16(v)
	case 0x87:
		s.Backups = Copies(v[0])
	case 0x88:
		s.BackupUSIM = nine()
	case 0x95:
		s.BackupGSM = nine()
	case 0x96:
		s.ReplacedUSIM = nine()
	case 0x97:
		s.ReplacedGSM = nine()
	case 0x89:
		s.Failure = Failure(v[0])
	case 0x90:
		s.Policy = Policy(v[0])
	case 0x91:
		s.LastAnswer = &[2]byte{v[0], v[1]}
	case 0x92:
		s.LastRefresh = &[2]byte{v[0], v[1]}
	case 0x93:
		s.Resets = binary.BigEndian.Uint16(v)
	}
}

// NextGeneration is the generation after an accepted change: FFFF is followed by 0001.
func NextGeneration(g uint16) uint16 {
	if g == 0xFFFF {
		return 1
	}
	return g + 1
}

// StateView is a state as reports show it.
type StateView struct {
	Status      string   `json:"status"`
	EFIMSI      string   `json:"ef_imsi"`
	Decision    string   `json:"decision"`
	Bound       []string `json:"bound"`
	LastIMEI    string   `json:"last_imei,omitempty"`
	Starts      uint16   `json:"starts"`
	Allowed     uint16   `json:"allowed"`
	Denied      uint16   `json:"denied"`
	NoIMEI      uint16   `json:"no_imei"`
	Generation  uint16   `json:"generation"`
	Backups     []string `json:"backups"`
	Failure     string   `json:"failure"`
	Policy      []string `json:"policy"`
	LastAnswer  string   `json:"last_answer,omitempty"`
	LastRefresh string   `json:"last_refresh,omitempty"`
	Resets      uint16   `json:"resets_without_decision"`
	words       [][2]string
}

// View is the state for reports; IMEIs are shortened unless reveal.
func (s State) View(reveal bool) StateView {
	imei := func(v IMEIView) string {
		if reveal {
			return v.String()
		}
		return v.Short()
	}
	v := StateView{
		Status: s.Status.Code(), EFIMSI: s.Files.Code(), Decision: s.Decision.Code(), Bound: []string{},
		Starts: s.Counters.Profiles, Allowed: s.Counters.Allowed, Denied: s.Counters.Denied, NoIMEI: s.Counters.NoIMEI,
		Generation: s.Generation, Backups: s.Backups.names(), Failure: s.Failure.Code(), Policy: s.Policy.Names(), Resets: s.Resets,
	}
	for _, b := range s.Bound {
		v.Bound = append(v.Bound, imei(b))
	}
	if s.LastIMEI != nil {
		v.LastIMEI = imei(*s.LastIMEI)
	}
	if a := s.LastAnswer; a != nil {
		v.LastAnswer = fmt.Sprintf("%02X%02X", a[0], a[1])
	}
	if a := s.LastRefresh; a != nil {
		v.LastRefresh = fmt.Sprintf("%02X%02X", a[0], a[1])
	}
	v.words = [][2]string{
		{"state", s.Status.String()}, {"EF_IMSI", s.Files.String()}, {"last decision", s.Decision.String()},
		{"bound to", strings.Join(v.Bound, ", ")}, {"last terminal", v.LastIMEI},
		{"starts", fmt.Sprintf("%d (allowed %d, denied %d, no IMEI %d)", v.Starts, v.Allowed, v.Denied, v.NoIMEI)},
		{"generation", fmt.Sprint(v.Generation)}, {"backups held", strings.Join(v.Backups, ", ")},
		{"policy", strings.Join(v.Policy, ", ")}, {"last failure", s.Failure.String()},
	}
	return v
}

func (c Copies) names() []string {
	out := []string{}
	if c.USIM() {
		out = append(out, "ADF.USIM")
	}
	if c.GSM() {
		out = append(out, "DF_GSM")
	}
	return out
}

// Rows are name and value in words, values that are not there being empty.
func (v StateView) Rows() [][2]string { return v.words }

// LogEntry is one entry of E4.
type LogEntry struct {
	Decision Decision
	IMEI     *IMEIView // nil: none
	Start    uint16    // number of the TERMINAL PROFILE
}

// LogView is an entry as reports show it.
type LogView struct {
	Decision string `json:"decision"`
	IMEI     string `json:"imei"`
	Start    uint16 `json:"start"`
}

// View is the entry for reports.
func (e LogEntry) View(reveal bool) LogView {
	v := LogView{Decision: e.Decision.Code(), IMEI: "none", Start: e.Start}
	switch {
	case e.IMEI == nil:
	case reveal:
		v.IMEI = e.IMEI.String()
	default:
		v.IMEI = e.IMEI.Short()
	}
	return v
}

// ParseLog reads template E4: entries of 10 bytes, newest first.
func ParseLog(b []byte) ([]LogEntry, error) {
	objects, err := template(b, 0xE4)
	if err != nil {
		return nil, err
	}
	var out []LogEntry
	for _, v := range objects.All(0x80) {
		if len(v) != 10 {
			return nil, fmt.Errorf("%w: log entry of %d bytes, want 10", ErrMalformed, len(v))
		}
		e := LogEntry{Decision: Decision(v[0]), Start: binary.BigEndian.Uint16(v[8:])}
		if view := IMEIView(v[1:8]); view != (IMEIView{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}) {
			e.IMEI = &view
		}
		out = append(out, e)
	}
	return out, nil
}
