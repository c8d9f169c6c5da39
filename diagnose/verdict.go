package diagnose

import (
	"github.com/simbind/simbind/binding"
)

// Answer is whether the card serves a device.
type Answer string

// Answers.
const (
	Allowed Answer = "allowed"
	Denied  Answer = "denied"
	Unknown Answer = "unknown"
)

// Verdict is the diagnosis in one sentence.
type Verdict struct {
	Answer  Answer `json:"answer"`
	Reason  string `json:"reason"`
	Finding string `json:"finding,omitempty"` // the finding that decided
}

// Judge makes one sentence of the facts and their findings: the first error decides; without one what the applet decided last.
func (f *Facts) Judge(fs []Finding, s Show) Verdict {
	for _, x := range fs {
		if x.Severity == Error {
			return Verdict{Denied, x.What, x.ID}
		}
	}
	for _, id := range []string{"imsi_denial_value", "imsi_copies_differ", "decision_pending", "armed", "pin1_enabled"} {
		for _, x := range fs {
			if x.ID == id {
				return Verdict{unless(id), x.What, x.ID}
			}
		}
	}
	return f.judgeBinding(s)
}

// unless: the denial value shuts everybody out; the others leave it open.
func unless(id string) Answer {
	if id == "imsi_denial_value" {
		return Denied
	}
	return Unknown
}

func (f *Facts) judgeBinding(s Show) Verdict {
	st := f.state()
	switch {
	case st == nil && f.unread("binding applet"):
		return Verdict{Answer: Unknown, Reason: "the binding applet could not be asked"}
	case st == nil:
		return Verdict{Allowed, "nothing binds this card, and EF_IMSI is in order: any device may use it", "applet_missing"}
	case st.Status == binding.Unconfigured:
		return Verdict{Allowed, "the binding applet was never configured: any device may use the card", "unconfigured"}
	case st.Status == binding.SwitchedOff:
		return Verdict{Allowed, "the binding is switched off: any device may use the card", "switched_off"}
	case st.Policy.Has(binding.ObserveOnly):
		return Verdict{Allowed, "the card only observes: any device may use it", "observe_only"}
	case st.Decision.Allows():
		return Verdict{Answer: Allowed, Reason: f.lastAllowed(s)}
	}
	return Verdict{Answer: Unknown, Reason: "no device was decided about yet (" + st.Status.String() + "): start the card in its device"}
}

func (f *Facts) lastAllowed(s Show) string {
	st := f.state()
	out := "the last device was allowed"
	if st.LastIMEI != nil {
		out = "the last device, " + s.IMEI(*st.LastIMEI) + ", was allowed"
	}
	if st.Files == binding.FilesBackup {
		out += ", and EF_IMSI is the subscriber's"
	}
	return out
}
