package diagnose

import (
	"strings"
	"testing"

	"github.com/simbind/simbind/binding"
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
