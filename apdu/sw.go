package apdu

import "fmt"

// SW is a status word, SW1 in the high byte. It is an error: errors.Is(err, apdu.SWFileNotFound).
type SW uint16

// Status words this project acts on (TS 102 221 clause 10.2; GPCS clause 11.1.3).
const (
	SWOK                   SW = 0x9000
	SWFileDeactivated      SW = 0x6283 // selected file deactivated; GP: card locked
	SWTerminationState     SW = 0x6284
	SWMoreData             SW = 0x6310
	SWAuthenticationFailed SW = 0x6300
	SWNoChange             SW = 0x6400
	SWMemory               SW = 0x6581
	SWWrongLength          SW = 0x6700
	SWChannelUnsupported   SW = 0x6881
	SWSMUnsupported        SW = 0x6882
	SWIncompatibleFile     SW = 0x6981
	SWSecurityStatus       SW = 0x6982
	SWBlocked              SW = 0x6983
	SWReferencedData       SW = 0x6984 // referenced data invalidated; the binding applet: other generation
	SWConditions           SW = 0x6985
	SWNoEF                 SW = 0x6986
	SWWrongData            SW = 0x6A80
	SWFunctionUnsupported  SW = 0x6A81
	SWFileNotFound         SW = 0x6A82
	SWRecordNotFound       SW = 0x6A83
	SWNoMemory             SW = 0x6A84
	SWWrongP1P2            SW = 0x6A86
	SWReferenceNotFound    SW = 0x6A88
	SWWrongParameters      SW = 0x6B00
	SWUnknownINS           SW = 0x6D00
	SWUnknownCLA           SW = 0x6E00
	SWNoDiagnosis          SW = 0x6F00
	SWMemoryGSM            SW = 0x9240
	SWBusy                 SW = 0x9300
)

// SW1 is the first byte.
func (s SW) SW1() byte { return byte(s >> 8) }

// SW2 is the second byte.
func (s SW) SW2() byte { return byte(s) }

// OK tells whether the command was done: 9000, 91XX (a proactive command waits)
// and 92XX (information about a data transfer) but for 9240, the memory problem of
// TS 51.011 clause 9.4. Warnings are not OK.
func (s SW) OK() bool {
	return s == SWOK || s.SW1() == 0x91 || s.SW1() == 0x92 && s != SWMemoryGSM
}

// Proactive is the length of the proactive command that waits to be fetched (91XX),
// 1 to 256; ok is false when none does.
func (s SW) Proactive() (n int, ok bool) {
	if s.SW1() != 0x91 {
		return 0, false
	}
	return le(int(s.SW2()), MaxShortLe), true
}

// Counter is X of 63CX. What it counts only the command knows: tries left after
// VERIFY, internal retries after UPDATE.
func (s SW) Counter() (x int, ok bool) {
	if s&0xFFF0 != 0x63C0 {
		return 0, false
	}
	return int(s & 0x0F), true
}

// Warning tells whether the command was carried out with a warning (62XX, 63XX).
func (s SW) Warning() bool { return s.SW1() == 0x62 || s.SW1() == 0x63 }

// Error reads "6A82: file not found".
func (s SW) Error() string {
	return fmt.Sprintf("%04X: %s", uint16(s), s.Meaning())
}

func (s SW) String() string { return fmt.Sprintf("%04X", uint16(s)) }

// Meaning is the standard's meaning in a few words; a family when the word itself has no row.
func (s SW) Meaning() string {
	if m, ok := meanings[s]; ok {
		return m
	}
	if x, ok := s.Counter(); ok {
		return fmt.Sprintf("counter %d", x)
	}
	if m, ok := families[s.SW1()]; ok {
		return m
	}
	return "status word without a known meaning"
}

var meanings = map[SW]string{
	SWOK:                   "done",
	0x6200:                 "warning, nothing changed",
	0x6281:                 "part of the data may be corrupted",
	0x6282:                 "end of file before the length asked for",
	SWFileDeactivated:      "selected file deactivated",
	SWTerminationState:     "selected file in termination state",
	SWAuthenticationFailed: "authentication failed",
	SWMoreData:             "more data available",
	SWNoChange:             "execution error, nothing changed",
	0x6500:                 "execution error, memory changed",
	SWMemory:               "memory problem",
	SWWrongLength:          "wrong length",
	SWChannelUnsupported:   "logical channel not supported",
	SWSMUnsupported:        "secure messaging not supported",
	SWIncompatibleFile:     "command does not fit the file structure",
	SWSecurityStatus:       "security status not satisfied",
	SWBlocked:              "authentication method blocked",
	SWReferencedData:       "referenced data invalidated",
	SWConditions:           "conditions of use not satisfied",
	SWNoEF:                 "no EF selected",
	0x6987:                 "secure messaging objects missing",
	0x6988:                 "secure messaging objects incorrect",
	0x6989:                 "secure channel required",
	SWWrongData:            "incorrect parameters in the data field",
	SWFunctionUnsupported:  "function not supported",
	SWFileNotFound:         "file or application not found",
	SWRecordNotFound:       "record not found",
	SWNoMemory:             "not enough memory",
	SWWrongP1P2:            "incorrect P1 P2",
	0x6A87:                 "Lc inconsistent with P1 P2",
	SWReferenceNotFound:    "referenced data not found",
	0x6A89:                 "file exists already",
	SWWrongParameters:      "wrong parameters P1 P2",
	SWUnknownINS:           "instruction not supported",
	SWUnknownCLA:           "class not supported",
	SWNoDiagnosis:          "technical problem, no diagnosis",
	SWBusy:                 "toolkit busy",
	0x6438:                 "imported package missing",
	0x9400:                 "no EF selected",
	0x9402:                 "out of range",
	0x9404:                 "file not found",
	0x9408:                 "file type inconsistent with the command",
	0x9804:                 "access condition not fulfilled",
	0x9810:                 "contradiction with invalidation status",
	0x9840:                 "code blocked",
	0x9850:                 "maximum value reached",
	0x9862:                 "authentication error, incorrect MAC",
	SWMemoryGSM:            "memory problem",
}

var families = map[byte]string{
	0x61: "response bytes wait",
	0x62: "warning, nothing changed",
	0x63: "warning, memory changed",
	0x64: "execution error, nothing changed",
	0x65: "execution error, memory changed",
	0x67: "wrong length",
	0x68: "function in CLA not supported",
	0x69: "command not allowed",
	0x6A: "wrong parameters",
	0x6C: "wrong Le",
	0x91: "done, a proactive command waits",
	0x92: "done, data transfer information",
	0x9F: "response bytes wait",
}
