package binding

import "slices"

// Status is where a card stands (card interface §5, tag 80).
type Status byte

// Statuses.
const (
	Unconfigured Status = iota
	SwitchedOff
	Armed // first-insert, nothing bound
	Bound
	PresetActive
)

var statusWords = []word{
	{"unconfigured", "unconfigured"}, {"off", "off"}, {"armed", "armed: first-insert, nothing bound yet"},
	{"bound", "bound"}, {"preset", "preset"},
}

// String is in words.
func (s Status) String() string { return wordOf(statusWords, byte(s)).text }

// Code is stable snake_case.
func (s Status) Code() string { return wordOf(statusWords, byte(s)).code }

// MarshalText is Code.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.Code()), nil }

// Fits tells whether a card of that scheme may stand so.
func (s Status) Fits(scheme Scheme) bool {
	switch scheme {
	case Off:
		return s == SwitchedOff
	case FirstInsert:
		return s == Armed || s == Bound
	case Preset:
		return s == PresetActive
	}
	return false
}

// Files is EF_IMSI as it stands (card interface §5, tag 81), read from the files by the applet.
type Files byte

// How the copies of EF_IMSI stand.
const (
	FilesDenial     Files = 0x00 // the denial value in every copy
	FilesBackup     Files = 0x01 // the backup, that is the subscriber's, in every copy
	FilesOther      Files = 0x02
	FilesDifferent  Files = 0x03
	FilesUnreadable Files = 0xFF // tag absent: EF_IMSI cannot be read
)

var (
	filesWords = []word{
		{"denial", "the denial value in every copy"}, {"backup", "the subscriber's in every copy"},
		{"other", "something else"}, {"differ", "copies differ"},
	}
	filesUnreadable = word{"unreadable", "not readable"}
)

func (f Files) word() word {
	if f == FilesUnreadable {
		return filesUnreadable
	}
	return wordOf(filesWords, byte(f))
}

// String is in words.
func (f Files) String() string { return f.word().text }

// Code is stable snake_case.
func (f Files) Code() string { return f.word().code }

// MarshalText is Code.
func (f Files) MarshalText() ([]byte, error) { return []byte(f.Code()), nil }

// Decision is what the applet decided last (card interface §5, tag 82).
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

var decisionWords = []word{
	{"none", "none yet"}, {"allowed_bound", "allowed, bound now"}, {"allowed", "allowed"},
	{"denied_other", "denied: other terminal"}, {"denied_no_imei", "denied: no IMEI"}, {"allowed_no_imei", "allowed without IMEI"},
	{"allowed_off", "allowed: off"}, {"not_enforced", "not enforced: no backup could be taken"}, {"pending", "pending"},
}

// String is in words.
func (d Decision) String() string { return wordOf(decisionWords, byte(d)).text }

// Code is stable snake_case.
func (d Decision) Code() string { return wordOf(decisionWords, byte(d)).code }

// MarshalText is Code.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.Code()), nil }

// Allows tells whether the decision lets the terminal use the subscription.
func (d Decision) Allows() bool {
	return slices.Contains([]Decision{AllowedBoundNow, Allowed, AllowedNoIMEI, AllowedOff, NotEnforced}, d)
}

// Denies tells whether it does not. None yet and pending are neither.
func (d Decision) Denies() bool { return d == DeniedOther || d == DeniedNoIMEI }

// Failure is why the applet's last step failed (card interface §5, tag 89).
type Failure byte

// Failures.
const (
	FailureNone Failure = iota
	FailureNotReadable
	FailureNotWritable
	FailureRefreshRefused
	FailureMemory
	FailureContentUnknown
	FailureStrictResting
	FailureService130
)

var failureWords = []word{
	{"none", "none"}, {"not_readable", "EF_IMSI not readable"}, {"not_writable", "EF_IMSI not writable (access domain)"},
	{"refresh_refused", "the terminal refused REFRESH"}, {"memory", "memory"}, {"content_unknown", "EF_IMSI neither plausible nor known"},
	{"strict_resting", "strict start rests"}, {"service_130", "UST service 130: no EF_IMSI"},
}

// String is in words.
func (f Failure) String() string { return wordOf(failureWords, byte(f)).text }

// Code is stable snake_case.
func (f Failure) Code() string { return wordOf(failureWords, byte(f)).code }

// MarshalText is Code.
func (f Failure) MarshalText() ([]byte, error) { return []byte(f.Code()), nil }
