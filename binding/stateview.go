package binding

import (
	"encoding/json"
	"fmt"
	"strings"
)

// StateView is a state as reports show it. Backups of EF_IMSI are named, never shown.
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
	LastAnswer  string   `json:"last_answer,omitempty"`  // hex: general result, first additional byte
	LastRefresh string   `json:"last_refresh,omitempty"` // hex: qualifier, general result
	Resets      uint16   `json:"resets_without_decision"`
	words       [][2]string
}

// View is the state for reports; IMEIs are shortened unless reveal.
func (s State) View(reveal bool) StateView {
	v := StateView{
		Status: s.Status.Code(), EFIMSI: s.Files.Code(), Decision: s.Decision.Code(), Bound: []string{},
		Starts: s.Counters.Profiles, Allowed: s.Counters.Allowed, Denied: s.Counters.Denied, NoIMEI: s.Counters.NoIMEI,
		Generation: s.Generation, Backups: s.Backups.Codes(), Failure: s.Failure.Code(), Policy: s.Policy.Codes(),
		LastAnswer: pairHex(s.LastAnswer), LastRefresh: pairHex(s.LastRefresh), Resets: s.Resets,
	}
	for _, b := range s.Bound {
		v.Bound = append(v.Bound, b.Text(reveal))
	}
	if s.LastIMEI != nil {
		v.LastIMEI = s.LastIMEI.Text(reveal)
	}
	v.words = s.rows(v)
	return v
}

// MarshalJSON writes View with IMEIs shortened; Raw and the backups stay out.
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(s.View(false)) }

func (s State) rows(v StateView) [][2]string {
	failure := ""
	if s.Failure != FailureNone {
		failure = s.Failure.String()
	}
	return [][2]string{
		{"state", s.Status.String()}, {"EF_IMSI", s.Files.String()}, {"last decision", s.Decision.String()},
		{"bound to", strings.Join(v.Bound, ", ")}, {"last terminal", v.LastIMEI},
		{"starts", fmt.Sprintf("%d (allowed %d, denied %d, no IMEI %d)", v.Starts, v.Allowed, v.Denied, v.NoIMEI)},
		{"resets without decision", count(s.Resets)},
		{"generation", fmt.Sprint(v.Generation)}, {"backups held", s.Backups.String()},
		{"policy", strings.Join(s.Policy.Names(), ", ")}, {"last failure", failure},
	}
}

// Rows are name and value in words, values that are not there being empty.
func (v StateView) Rows() [][2]string { return v.words }

func count(n uint16) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func pairHex(p *[2]byte) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%X", p[:])
}
