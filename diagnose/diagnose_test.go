package diagnose

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	ownIMSI   = "080910100000214365" // 001010000123456
	otherIMSI = "082926101160845740"
)

// subscribed are the facts of a card with an IMSI of 001-01 and a location.
func subscribed(t *testing.T, loci string, state *binding.State) *Facts {
	f := &Facts{AD: unhex(t, "00000002"), Copies: []Copy{{Place: personalize.PlaceUSIM, Content: unhex(t, ownIMSI)}}}
	v, err := usim.EFLOCI.Decode(unhex(t, loci))
	if err != nil {
		t.Fatal(err)
	}
	f.Places = []Place{{Name: "EF_LOCI", Location: v.(usim.Location)}}
	if state != nil {
		f.Applet = &personalize.Applet{State: *state}
	}
	return f
}

// TestStaleLocation: what is kept of another subscriber, and what is a device abroad.
func TestStaleLocation(t *testing.T) {
	changed := &Station{Backup: &personalize.Backup{Time: time.Now(), Copies: []personalize.BackupCopy{{Place: personalize.PlaceUSIM, Content: otherIMSI}}}}
	for name, row := range map[string]struct {
		loci         string
		state        *binding.State
		station      *Station
		stale, other string
	}{
		"pristine":                             {"FFFFFFFF00F1100000FF01", nil, nil, "", ""},
		"at home":                              {"1122334400F1101234FF00", nil, nil, "", ""},
		"abroad":                               {"1122334462F2101234FF00", nil, nil, "", "updated in network 262-01; the IMSI is of 001-01"},
		"not updated, identity kept":           {"1122334400F1101234FF01", nil, nil, "identity is kept", ""},
		"not updated, foreign":                 {"FFFFFFFF62F2101234FF01", nil, nil, "of network 262-01", ""},
		"denied, nothing kept":                 {"FFFFFFFF00F1100000FF01", &binding.State{Files: binding.FilesDenial, Decision: binding.DeniedOther}, nil, "", ""},
		"denied, identity kept":                {"1122334400F1101234FF00", &binding.State{Files: binding.FilesDenial, Decision: binding.DeniedOther}, nil, "was changed", ""},
		"hidden by strict start":               {"1122334400F1101234FF00", &binding.State{Files: binding.FilesDenial, Policy: binding.StrictStart}, nil, "", ""},
		"another IMSI saved":                   {"1122334400F1101234FF00", nil, changed, "was changed", ""},
		"another IMSI saved, location renewed": {"FFFFFFFF00F1100000FF01", nil, changed, "", ""},
	} {
		f := subscribed(t, row.loci, row.state)
		f.Station = row.station
		if got := seeStale(f, Show{}); !strings.Contains(got, row.stale) || (row.stale == "") != (got == "") {
			t.Errorf("%s: stale %q", name, got)
		}
		if got := seeAbroad(f, Show{}); !strings.Contains(got, row.other) || (row.other == "") != (got == "") {
			t.Errorf("%s: abroad %q", name, got)
		}
	}
}

// TestDifference says how two identities part, without a whole serial number.
func TestDifference(t *testing.T) {
	a := binding.IMEIView{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51}
	for want, b := range map[string]binding.IMEIView{
		"the TACs differ from digit 1 on":           {0x35, 0x20, 0x99, 0x00, 0x17, 0x61, 0x48},
		"the TACs differ from digit 8 on":           {0x49, 0x01, 0x54, 0x21, 0x32, 0x37, 0x51},
		"the serial numbers differ from digit 9 on": {0x49, 0x01, 0x54, 0x20, 0x42, 0x37, 0x51},
		"serial numbers are not shown without keys": {0x49, 0x01, 0x54, 0x20, 0xFF, 0xFF, 0xFF},
		"the same identity":                         a,
	} {
		if got := difference(a, b); !strings.Contains(got, want) {
			t.Errorf("%s: %s", b, got)
		}
	}
}

// TestDenialTakenBack: what was restored, bound anew, armed or switched off since the last denial is not told as another device.
func TestDenialTakenBack(t *testing.T) {
	seen := binding.IMEIView{0x49, 0x01, 0x54, 0x20, 0xFF, 0xFF, 0xFF}
	for name, row := range map[string]struct {
		state binding.State
		says  string // empty: nothing
	}{
		"denied":                   {binding.State{Status: binding.Bound, Files: binding.FilesDenial}, "the same model, another device"},
		"it cannot be hidden":      {binding.State{Status: binding.Bound, Files: binding.FilesBackup, Failure: binding.FailureNotWritable}, "the same model, another device"},
		"bound anew":               {binding.State{Status: binding.Bound, Files: binding.FilesBackup}, "given back since"},
		"armed, none fits":         {binding.State{Status: binding.Armed, Files: binding.FilesDenial}, "seen 49015420"},
		"armed anew":               {binding.State{Status: binding.Armed, Files: binding.FilesBackup}, ""},
		"switched off":             {binding.State{Status: binding.SwitchedOff, Files: binding.FilesBackup}, ""},
		"counted, not carried out": {binding.State{Status: binding.Bound, Files: binding.FilesBackup, Policy: binding.ObserveOnly}, ""},
	} {
		row.state.LastIMEI, row.state.Bound = &seen, []binding.IMEIView{seen}
		if row.state.Status != binding.Bound {
			row.state.Bound = nil
		}
		for _, decision := range []binding.Decision{binding.DeniedOther, binding.DeniedNoIMEI} {
			row.state.Decision = decision
			f := &Facts{Applet: &personalize.Applet{State: row.state}}
			got := seeDeniedOther(f, Show{}) + seeDeniedNoIMEI(f, Show{})
			if (got == "") != (row.says == "") || decision == binding.DeniedOther && !strings.Contains(got, row.says) {
				t.Errorf("%s, %s: %q", name, decision, got)
			}
		}
	}
}

// TestCounters: how many sessions are left, by SCP02 with two bytes and SCP03 with three.
func TestCounters(t *testing.T) {
	for _, row := range []struct {
		counter uint32
		size    int
		seen    bool
	}{{0, 0, false}, {5, 2, false}, {0xEFFE, 2, false}, {0xEFFF, 2, true}, {0xFFFF, 2, true}, {0xFFFF, 3, false}, {0xFFFFF0, 3, true}} {
		f := &Facts{Domain: &Domain{Counter: row.counter, CounterSize: row.size}}
		if got := seeCounter(f, Show{}); (got != "") != row.seen {
			t.Errorf("%d in %d bytes: %q", row.counter, row.size, got)
		}
	}
}

// TestKeySets: a set that opens a session has ENC and MAC under one version.
func TestKeySets(t *testing.T) {
	whole := []gp.KeyEntry{{ID: 1, KVN: 0x30}, {ID: 2, KVN: 0x30}, {ID: 3, KVN: 0x30}}
	mixed := []gp.KeyEntry{{ID: 1, KVN: 0x30}, {ID: 2, KVN: 0x31}}
	for _, row := range []struct {
		keys []gp.KeyEntry
		seen bool
	}{{whole, false}, {append(mixed, whole...), false}, {mixed, true}, {nil, true}} {
		f := &Facts{Domain: &Domain{Told: true, Keys: row.keys}}
		if got := seeKeySet(f, Show{}); (got != "") != row.seen {
			t.Errorf("%v: %q", row.keys, got)
		}
	}
}

// TestTable: ids are unique and stable words, and every row has something to say.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kinds() {
		if seen[k.id] || k.id == "" || strings.Trim(k.id, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" || k.what == "" || k.next == "" {
			t.Errorf("%+v", k)
		}
		seen[k.id] = true
	}
	if len((&Facts{}).Findings(Show{})) == 0 {
		t.Error("nothing was read, and nothing is found")
	}
}

// TestJudge: an error decides, then what hides or holds EF_IMSI, then what the applet said.
func TestJudge(t *testing.T) {
	allowed := &binding.State{Status: binding.Bound, Decision: binding.Allowed, Files: binding.FilesOther}
	for name, row := range map[string]struct {
		found  []Finding
		state  *binding.State
		answer Answer
	}{
		"nothing found":            {nil, allowed, Allowed},
		"blank":                    {[]Finding{{ID: "home_forbidden"}, {ID: "imsi_blank"}}, allowed, Denied},
		"the denial value":         {[]Finding{{ID: "imsi_denial_value"}}, allowed, Denied},
		"denied":                   {[]Finding{{ID: "access_domain_small"}, {ID: "denied_other"}}, &binding.State{Files: binding.FilesDenial}, Denied},
		"denied, yet not hidden":   {[]Finding{{ID: "access_domain_small"}, {ID: "denied_other"}}, &binding.State{Files: binding.FilesBackup, Decision: binding.DeniedOther, Failure: binding.FailureNotWritable}, Allowed},
		"denied, and given back":   {[]Finding{{ID: "denied_other"}}, &binding.State{Status: binding.Bound, Files: binding.FilesBackup, Decision: binding.DeniedOther}, Unknown},
		"denied, PIN1 blocked":     {[]Finding{{ID: "denied_other"}, {ID: "pin1_blocked"}}, &binding.State{Files: binding.FilesBackup}, Denied},
		"enforces nothing":         {[]Finding{{ID: "applet_cannot_read"}}, allowed, Allowed},
		"an unknown applet":        {[]Finding{{ID: "applet_unknown_version"}}, nil, Unknown},
		"no IMSI, by standard":     {[]Finding{{ID: "service_130"}, {ID: "unconfigured"}}, &binding.State{}, Allowed},
		"armed":                    {[]Finding{{ID: "armed"}}, &binding.State{Status: binding.Armed}, Unknown},
		"PIN1":                     {[]Finding{{ID: "pin1_enabled"}}, allowed, Unknown},
		"a warning about the rest": {[]Finding{{ID: "home_forbidden"}}, allowed, Allowed},
		"no applet":                {nil, nil, Allowed},
		"never decided":            {nil, &binding.State{Status: binding.PresetActive}, Unknown},
		"observe only":             {nil, &binding.State{Status: binding.Bound, Policy: binding.ObserveOnly, Decision: binding.DeniedOther}, Allowed},
	} {
		f := &Facts{Copies: []Copy{{Place: personalize.PlaceUSIM, Content: unhex(t, ownIMSI)}}}
		if slices.ContainsFunc(row.found, func(x Finding) bool { return x.ID == "imsi_blank" }) {
			f.Copies[0].Content = unhex(t, "FFFFFFFFFFFFFFFFFF")
		}
		if row.state != nil {
			f.Applet = &personalize.Applet{State: *row.state}
		}
		if v := f.Judge(row.found, Show{}); v.Answer != row.answer || v.Reason == "" && len(row.found) == 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestShortened: facts as JSON show no whole identity; with Reveal they do.
func TestShortened(t *testing.T) {
	f := subscribed(t, "1122334400F1101234FF00", &binding.State{Status: binding.Bound, Bound: []binding.IMEIView{{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51}}})
	f.ICCID = uicc.ICCID("8988211000000430010")
	f.Pairing = &Pairing{Devices: []Device{{1, usim.PairingDevice{Digits: "490154203237518"}}}, Ranges: []usim.PairingRange{{Low: "490154203237510", High: "490154203237599"}}}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	short, whole := text(f), text(f.View(Show{Reveal: true}))
	for _, secret := range []string{"8988211000000430010", "001010000123456", "49015420323751", "11223344"} {
		if strings.Contains(short, secret) {
			t.Errorf("%s is shown: %s", secret, short)
		}
		if secret != "11223344" && !strings.Contains(whole, secret) {
			t.Errorf("%s is not shown with Reveal: %s", secret, whole)
		}
	}
}

// TestLinked: the history says which devices are read; without one the first is.
func TestLinked(t *testing.T) {
	for want, links := range map[string][]int{"[1]": nil, "[3 1]": {3, 1, 3, 0}, "[254]": {254}} {
		p := &Pairing{}
		for _, n := range links {
			p.Statuses = append(p.Statuses, usim.PairingStatus{Link: n})
		}
		if got := fmt.Sprint(p.linked()); got != want {
			t.Errorf("%v: %s, want %s", links, got, want)
		}
	}
	p := &Pairing{}
	if p.add(2, usim.PairingDevice{Digits: "490154203237518"}); p.Devices[0].Number != 2 {
		t.Errorf("%+v", p.Devices)
	}
	if p.add(1, usim.PairingStatus{Empty: true}) || !p.add(1, usim.PairingStatus{Paired: true}) || len(p.Statuses) != 1 {
		t.Errorf("%+v", p.Statuses)
	}
}
