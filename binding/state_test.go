package binding

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/tlv"
)

// Views of one card, written down by hand from card interface §5.
const (
	openState = "E1 3D 80 01 03 81 01 01 82 01 02 83 07 49015420FFFFFF 84 07 35693803FFFFFF" +
		"85 08 0005 0003 0001 0000 86 02 0002 87 01 03 89 01 00 90 01 00 91 02 0000 92 02 0202 93 02 0001"
	openStateLength = 3*3 + 9*2 + 10 + 4 + 3 + 3 + 3 + 4*3
	minimalState    = "E1 1E 80 01 00 82 01 00 85 08 0000000000000000 86 02 0000 87 01 00 89 01 00 90 01 00 93 02 0000"
)

// relength encodes a template written by hand, whatever its length byte says.
func relength(t testing.TB, s string) []byte {
	b := bytesOf(t, s)
	return tlv.Encode(tlv.Tag(b[0]), b[2:])
}

func TestParseStateOpen(t *testing.T) {
	b := relength(t, openState)
	if len(b) != 2+openStateLength {
		t.Fatalf("%d bytes", len(b))
	}
	s, err := ParseState(b)
	if err != nil {
		t.Fatal(err)
	}
	last := IMEIView(bytesOf(t, "35693803FFFFFF"))
	want := State{
		Raw: b, Status: Bound, Files: FilesBackup, Decision: Allowed, Bound: []IMEIView{IMEIView(bytesOf(t, "49015420FFFFFF"))}, LastIMEI: &last,
		Counters: Counters{5, 3, 1, 0}, Generation: 2, Backups: 3, LastAnswer: &[2]byte{0, 0}, LastRefresh: &[2]byte{2, 2}, Resets: 1,
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if _, ok := s.BoundIMEIs(); ok {
		t.Error("masked IMEIs were given as whole")
	}
}

func TestParseStateFull(t *testing.T) {
	s, err := ParseState(relength(t, "E100 80 01 03 81 01 00 82 01 03 83 07 49015420323751 83 07 49015420323769 84 07 35693803564380"+
		"85 08 FFFF 0003 0001 0002 86 02 FFFF 87 01 03 88 09 080910101032547698 95 09 080910101032547698 96 09 0829011001010000F1 97 09 0829011001010000F2"+
		"89 01 03 90 01 03 91 02 2001 92 02 0420 93 02 0000 9F01 01 00"))
	if err != nil {
		t.Fatal(err)
	}
	bound, ok := s.BoundIMEIs()
	if !ok || len(bound) != 2 || bound[1].String() != "49015420323769" {
		t.Error(bound, ok)
	}
	imsi := [9]byte(bytesOf(t, "080910101032547698"))
	if s.BackupUSIM == nil || *s.BackupUSIM != imsi || s.BackupGSM == nil || *s.BackupGSM != imsi || s.ReplacedUSIM[8] != 0xF1 || s.ReplacedGSM[8] != 0xF2 {
		t.Error(s.BackupUSIM, s.BackupGSM, s.ReplacedUSIM, s.ReplacedGSM)
	}
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"status":"bound","ef_imsi":"denial","decision":"denied_other","bound":["49015420******","49015420******"],"last_imei":"35693803******",` +
		`"starts":65535,"allowed":3,"denied":1,"no_imei":2,"generation":65535,"backups":["adf_usim","df_gsm"],"failure":"refresh_refused",` +
		`"policy":["allow_no_imei","strict_start"],"last_answer":"2001","last_refresh":"0420","resets_without_decision":0}`
	if diff := cmp.Diff(want, string(j)); diff != "" {
		t.Error(diff)
	}
	if v := s.View(true); v.Bound[0] != "49015420323751" || v.LastIMEI != "35693803564380" {
		t.Error(v.Bound, v.LastIMEI)
	}
	rows := fmt.Sprint(s.View(false).Rows())
	for _, want := range []string{"[state bound]", "[EF_IMSI the denial value in every copy]", "[last decision denied: other terminal]",
		"[starts 65535 (allowed 3, denied 1, no IMEI 2)]", "[policy no-imei allowed, strict start]", "[last failure the terminal refused REFRESH]"} {
		if !strings.Contains(rows, want) {
			t.Errorf("%s is not in %s", want, rows)
		}
	}
	if strings.Contains(rows, "323751") {
		t.Error(rows)
	}
}

func TestParseStateMinimal(t *testing.T) {
	s, err := ParseState(relength(t, minimalState))
	if err != nil {
		t.Fatal(err)
	}
	if s.Files != FilesUnreadable || s.Files.Code() != "unreadable" || s.Status != Unconfigured || s.LastIMEI != nil || s.Bound != nil || s.LastAnswer != nil {
		t.Errorf("%+v", s)
	}
}

func TestParseStateRefuses(t *testing.T) {
	edit := func(from, to string) string { return strings.Replace(openState, from, to, 1) }
	for _, row := range []struct{ what, bytes, reason string }{
		{"without status", edit("80 01 03", ""), "without tag 80"},
		{"without decision", edit("82 01 02", ""), "without tag 82"},
		{"without counters", edit("85 08 0005 0003 0001 0000", ""), "without tag 85"},
		{"without generation", edit("86 02 0002", ""), "without tag 86"},
		{"without backups held", edit("87 01 03", ""), "without tag 87"},
		{"without failure", edit("89 01 00", ""), "without tag 89"},
		{"without policy", edit("90 01 00", ""), "without tag 90"},
		{"without resets", edit("93 02 0001", ""), "without tag 93"},
		{"status twice", edit("80 01 03", "80 01 03 80 01 03"), "tag 80 stands twice"},
		{"last IMEI twice", edit("84 07 35693803FFFFFF", "84 07 35693803FFFFFF 84 07 35693803FFFFFF"), "tag 84 stands twice"},
		{"generation of one byte", edit("86 02 0002", "86 01 02"), "tag 86 has 1 bytes, want 2"},
		{"IMEI of eight bytes", edit("83 07 49015420FFFFFF", "83 08 49015420FFFFFFFF"), "tag 83 has 8 bytes"},
		{"IMEI half masked", edit("83 07 49015420FFFFFF", "83 07 490154203FFFFF"), "neither an IMEI nor a TAC"},
		{"five bound", edit("83 07 49015420FFFFFF", strings.Repeat("83 07 49015420FFFFFF", 5)), "more than 4"},
		{"EF_IMSI FF", edit("81 01 01", "81 01 FF"), "tag 81"},
		{"backup not announced", edit("87 01 03", "87 01 02 88 09 080910101032547698"), "tag 87"},
		{"second backup not announced", edit("87 01 03", "87 01 01 95 09 080910101032547698"), "tag 87"},
		{"another template", strings.Replace(openState, "E1", "E0", 1), "not one template E1"},
	} {
		t.Run(row.what, func(t *testing.T) {
			s, err := ParseState(relength(t, row.bytes))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("%+v, %v; want %q", s, err, row.reason)
			}
		})
	}
}

func TestWordsOfEnumerations(t *testing.T) {
	type enum interface {
		fmt.Stringer
		Code() string
		MarshalText() ([]byte, error)
	}
	// as many rows as card interface §4 to §6 have values
	for name, values := range map[string][]enum{
		"scheme": {Off, FirstInsert, Preset}, "status": {Unconfigured, SwitchedOff, Armed, Bound, PresetActive},
		"files":    {FilesDenial, FilesBackup, FilesOther, FilesDifferent, FilesUnreadable},
		"decision": {NoDecision, AllowedBoundNow, Allowed, DeniedOther, DeniedNoIMEI, AllowedNoIMEI, AllowedOff, NotEnforced, Pending},
		"failure":  {FailureNone, FailureNotReadable, FailureNotWritable, FailureRefreshRefused, FailureMemory, FailureContentUnknown, FailureStrictResting, FailureService130},
		"action":   {ActionBackUp, ActionRestore, ActionUnbind, ActionBind, ActionClear, ActionPrevious},
		"entry":    {EntryNone, EntryBound, EntryPattern, EntryRange, EntryArmed},
	} {
		seen := map[string]bool{"": true, "unknown": true}
		for _, v := range values {
			text, _ := v.MarshalText()
			if seen[v.Code()] || v.String() == "" || string(text) != v.Code() || strings.ToLower(v.Code()) != v.Code() || strings.ContainsAny(v.Code(), " -") {
				t.Errorf("%s: code %q, words %q", name, v.Code(), v)
			}
			seen[v.Code()] = true
		}
	}
	for _, v := range []enum{Scheme(3), Status(5), Files(4), Decision(9), Failure(8), ActionKind(7), EntryKind(5)} {
		if v.Code() != "unknown" || !strings.HasPrefix(v.String(), "unknown (0") {
			t.Errorf("%T: %q, %q", v, v.Code(), v)
		}
	}
	if got := Policy(0xC1).Codes(); !cmp.Equal(got, []string{"allow_no_imei", "b7", "b8"}) || Policy(0).String() != "none" {
		t.Error(got)
	}
}

func TestDecisionSides(t *testing.T) {
	for d := NoDecision; d <= Pending; d++ {
		code := d.Code()
		allows := strings.HasPrefix(code, "allowed") || d == NotEnforced
		if d.Allows() != allows || d.Denies() != strings.HasPrefix(code, "denied") {
			t.Errorf("%s: allows %v, denies %v", code, d.Allows(), d.Denies())
		}
	}
}

func TestStatusFits(t *testing.T) {
	fits := map[Scheme][]Status{Off: {SwitchedOff}, FirstInsert: {Armed, Bound}, Preset: {PresetActive}, 3: nil}
	for scheme, want := range fits {
		var got []Status
		for s := Unconfigured; s <= PresetActive+1; s++ {
			if s.Fits(scheme) {
				got = append(got, s)
			}
		}
		if !cmp.Equal(got, want) {
			t.Errorf("%s: %v", scheme, got)
		}
	}
}

func TestNextGeneration(t *testing.T) {
	for g, want := range map[uint16]uint16{0: 1, 1: 2, 0xFFFE: 0xFFFF, 0xFFFF: 1} {
		if got := NextGeneration(g); got != want {
			t.Errorf("%04X: %04X", g, got)
		}
	}
}

func TestParseLog(t *testing.T) {
	log, err := ParseLog(bytesOf(t, "E4 18 80 0A 03 35693803564380 0002 80 0A 04 FFFFFFFFFFFFFF 0001"))
	if err != nil || len(log) != 2 {
		t.Fatal(log, err)
	}
	got := []LogView{log[0].View(false), log[1].View(false), log[0].View(true)}
	want := []LogView{{"denied_other", "35693803******", 2}, {"denied_no_imei", "none", 1}, {"denied_other", "35693803564380", 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if log, err := ParseLog(bytesOf(t, "E4 00")); err != nil || len(log) != 0 {
		t.Error(log, err)
	}
	entry := "80 0A 03 35693803564380 0002"
	for what, s := range map[string]string{
		"nine bytes": "E400 80 09 03 356938035643 0002", "nine entries": "E400" + strings.Repeat(entry, 9), "no IMEI, no F": "E400 80 0A 03 3569380356438A 0002",
	} {
		if log, err := ParseLog(relength(t, s)); !errors.Is(err, ErrMalformed) {
			t.Error(what, log, err)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add(relength(f, openState))
	f.Add(relength(f, minimalState))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseState(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
		for _, v := range s.Bound {
			if strings.ContainsAny(v.Short(), "ABCDEF") {
				t.Error(v.Short())
			}
		}
	})
}

func FuzzParseLog(f *testing.F) {
	f.Add(bytesOf(f, "E4 18 80 0A 03 35693803564380 0002 80 0A 04 FFFFFFFFFFFFFF 0001"))
	f.Fuzz(func(t *testing.T, b []byte) {
		log, err := ParseLog(b)
		if err != nil && !errors.Is(err, ErrMalformed) || len(log) > maxLog {
			t.Error(len(log), err)
		}
		for _, e := range log {
			_ = e.View(false)
		}
	})
}
