package diagnose

import (
	"fmt"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc/usim"
)

// Severity says how much a finding stands in the way.
type Severity byte

// Severities.
const (
	Note    Severity = iota // worth knowing
	Warning                 // may be the cause, or become one
	Error                   // the card cannot serve a device like this
)

var severities = [...]string{"note", "warning", "error"}

// String is note, warning or error.
func (s Severity) String() string {
	if int(s) < len(severities) {
		return severities[s]
	}
	return severities[Error]
}

// MarshalText is String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Page is where every finding has a section whose heading is its id.
const Page = "docs/field.md"

// Finding is one thing found, as reports show it.
type Finding struct {
	ID       string   `json:"id"` // stable, snake_case
	Severity Severity `json:"severity"`
	What     string   `json:"what"`
	Evidence string   `json:"evidence"` // identities shortened unless they were to be revealed
	Next     string   `json:"next"`
	Doc      string   `json:"doc"` // docs/field.md#id
}

// kind is one row of the table: what a finding is, and how it is seen in the facts. See gives the evidence, empty when the card
// has not got it; nil for findings of the way to the card, which the caller sees.
type kind struct {
	id       string
	severity Severity
	what     string
	next     string
	see      func(*Facts, Show) string
}

func (k kind) finding(evidence string) Finding {
	return Finding{ID: k.id, Severity: k.severity, What: k.what, Evidence: evidence, Next: k.next, Doc: Page + "#" + k.id}
}

// kinds is the whole table: what decides most comes first.
func kinds() []kind {
	var out []kind
	for _, group := range [][]kind{linkKinds, codeKinds, imsiKinds, appletKinds, failureKinds, networkKinds, stationKinds} {
		out = append(out, group...)
	}
	return out
}

// IDs lists every finding there is, in the order of the table.
func IDs() []string {
	var out []string
	for _, k := range kinds() {
		out = append(out, k.id)
	}
	return out
}

// Table gives every finding there is, without evidence, in the order of the table.
func Table() []Finding {
	var out []Finding
	for _, k := range kinds() {
		out = append(out, k.finding(""))
	}
	return out
}

// Findings holds the facts against the table; errors come first, notes last.
func (f *Facts) Findings(s Show) []Finding {
	out := []Finding{}
	for _, k := range kinds() {
		if k.see == nil {
			continue
		}
		if evidence := k.see(f, s); evidence != "" {
			out = append(out, k.finding(evidence))
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
	return out
}

// Worst is the highest severity; ok is false without findings.
func Worst(fs []Finding) (worst Severity, ok bool) {
	for _, f := range fs {
		worst = max(worst, f.Severity)
	}
	return worst, len(fs) > 0
}

// Show says how identities appear.
type Show struct {
	Reveal bool
	Models binding.Models // names of TACs; nil: none are known
}

// IMEI is the identity a card shows, with brand and model when they are known.
func (s Show) IMEI(v binding.IMEIView) string {
	text := v.Text(s.Reveal)
	if m, ok := s.Models.Find(v.String()); ok {
		text += " (" + m.String() + ")"
	}
	return text
}

// IMSI is the content of an EF_IMSI. What is no plausible IMSI is personal data too, as far as it goes: only its length byte is shown.
func (s Show) IMSI(content []byte, mnc int) string {
	if s.Reveal {
		if imsi, err := usim.DecodeIMSI(content); err == nil {
			return imsi.String()
		}
		return fmt.Sprintf("%X", content)
	}
	if !plausible(content) {
		return "not plausible"
	}
	imsi, err := usim.DecodeIMSI(content)
	if err != nil {
		return "not plausible"
	}
	return imsi.Short(mnc)
}
