package diagnose

import (
	"bytes"
	"strings"
	"testing"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// has holds facts against the whole table.
func has(f *Facts, id string) bool {
	for _, x := range f.Findings(Show{}) {
		if x.ID == id {
			return true
		}
	}
	return false
}

// TestOwnPairingRecord: a KO that the binding applet itself wrote into EF_IPS (card interface §8.8, no link to EF_IPD) is not told as the network's.
func TestOwnPairingRecord(t *testing.T) {
	for _, row := range []struct {
		policy binding.Policy
		link   int
		seen   bool
	}{{0, 0, true}, {0, 1, true}, {binding.PairingStatus, 1, true}, {binding.PairingStatus, 0, false}} {
		f := subscribed(t, "FFFFFFFF00F1100000FF01", &binding.State{Status: binding.Bound, Policy: row.policy})
		f.Pairing = &Pairing{Statuses: []usim.PairingStatus{{Link: row.link}}}
		if got := has(f, "pairing_refused"); got != row.seen {
			t.Errorf("policy %s, link %d: seen %v", row.policy, row.link, got)
		}
	}
}

// TestLimitsThatAreNone: a service is enabled when EF_UST has it available and EF_EST activated (TS 31.102 clause 4.2.47).
func TestLimitsThatAreNone(t *testing.T) {
	for _, row := range []struct {
		ust, est, says string
	}{
		{"0200000000", "01", "fixed dialling numbers"}, {"2000000000", "02", "barred dialling numbers"}, {"0000000004", "04", "APN control list"},
		{"0200000000", "06", ""}, {"0000000004", "03", ""}, {"2200000004", "00", ""},
	} {
		f := &Facts{UST: unhex(t, row.ust), EST: unhex(t, row.est)}
		if got := seeLimits(f, Show{}); !strings.HasSuffix(got, row.says) || (got == "") != (row.says == "") {
			t.Errorf("EF_UST %s, EF_EST %s: %q", row.ust, row.est, got)
		}
	}
}

// TestDenialInOneCopy: where one copy holds the denial value and the other does not, that is no IMSI that was written wrongly.
func TestDenialInOneCopy(t *testing.T) {
	for _, row := range []struct {
		state *binding.State
		wrong bool
	}{
		{nil, true}, {&binding.State{Status: binding.Unconfigured, Files: binding.FilesDifferent}, true},
		{&binding.State{Status: binding.Bound, Files: binding.FilesDifferent}, false},
	} {
		f := subscribed(t, "FFFFFFFF00F1100000FF01", row.state)
		f.Copies = append(f.Copies, Copy{Place: personalize.PlaceGSM, Content: binding.DefaultDenial[:]})
		if got := has(f, "imsi_implausible"); got != row.wrong {
			t.Errorf("%+v: imsi_implausible %v", row.state, got)
		}
		if !has(f, "imsi_copies_differ") {
			t.Errorf("%+v: that the copies differ is not told", row.state)
		}
	}
}

// TestForbiddenAmongOthers: the home network is found in a list that holds something unreadable, or that was cut behind 256 bytes.
func TestForbiddenAmongOthers(t *testing.T) {
	home := "00F110"
	for name, list := range map[string]string{
		"alone":                  home,
		"behind no network":      "62F2D0" + home,
		"in a list of 256 bytes": home + strings.Repeat("FFFFFF", 84) + "62",
	} {
		f := subscribed(t, "FFFFFFFF00F1100000FF01", nil)
		f.FPLMN = unhex(t, list)
		if !has(f, "home_forbidden") {
			t.Errorf("%s: not found", name)
		}
		if v := f.View(Show{}); len(v.Forbidden) == 0 || v.Forbidden[len(v.Forbidden)-1] != "001-01" {
			t.Errorf("%s: shown as %v", name, v.Forbidden)
		}
	}
}

// TestLockedAlone: a card that says it is locked and shows its USIM all the same is not told to keep every device out.
func TestLockedAlone(t *testing.T) {
	f := subscribed(t, "FFFFFFFF00F1100000FF01", nil)
	f.Domain = &Domain{Locked: true}
	if v := f.Judge(f.Findings(Show{}), Show{}); v.Answer != Denied {
		t.Errorf("%+v", v)
	}
	f.ADF = &uicc.FCP{}
	if v := f.Judge(f.Findings(Show{}), Show{}); v.Answer == Denied || !has(f, "card_locked") {
		t.Errorf("%+v", v)
	}
}

// TestService130: the service table alone does not take an EF_IMSI away that is there.
func TestService130(t *testing.T) {
	ust := bytes.Repeat([]byte{0}, 17)
	ust[16] = 0x02
	f := subscribed(t, "FFFFFFFF00F1100000FF01", &binding.State{Status: binding.Armed})
	f.UST = ust
	f.Copies[0].FCP = &uicc.FCP{}
	if has(f, "service_130") {
		t.Error("EF_IMSI is there, and told to be absent")
	}
	f.Copies[0] = Copy{Place: personalize.PlaceUSIM, Missing: true}
	if !has(f, "service_130") || has(f, "imsi_missing") {
		t.Error("EF_IMSI is absent by standard")
	}
}
