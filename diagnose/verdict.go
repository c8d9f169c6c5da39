package diagnose

import (
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
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

// Judge makes one sentence of the facts and their findings: what keeps every device out decides first, then what EF_IMSI holds for the last one,
// then what keeps the applet from enforcing anything, then what it decided.
func (f *Facts) Judge(fs []Finding, s Show) Verdict {
	for _, by := range [][]decider{shut, f.shown(), open} {
		for _, d := range by {
			for _, x := range fs {
				if x.ID == d.id && f.decides(d.id) {
					return Verdict{d.answer, x.What + d.rest, x.ID}
				}
			}
		}
	}
	return f.judgeBinding(s)
}

// decides tells whether a finding keeps devices out, and not only from what they do without: a card that says it is locked and shows its USIM, or
// a copy of EF_IMSI that none but old modules read.
func (f *Facts) decides(id string) bool {
	switch id {
	case "card_locked":
		return f.ADF == nil
	case "imsi_blank", "imsi_implausible", "imsi_deactivated":
		one := *f
		one.Copies = slices.DeleteFunc(slices.Clone(f.Copies), func(c Copy) bool { return c.Place != personalize.PlaceUSIM })
		return slices.ContainsFunc(imsiKinds, func(k kind) bool { return k.id == id && k.see(&one, Show{}) != "" })
	}
	return true
}

// decider is a finding that decides, and what its sentence goes on with.
type decider struct {
	id     string
	answer Answer
	rest   string
}

// shut are findings with which no device gets in, or with which nobody knows.
var shut = []decider{
	{"card_locked", Denied, ""}, {"no_usim", Denied, ""}, {"usim_unlisted", Denied, ""}, {"pin1_blocked", Denied, ""}, {"imsi_missing", Denied, ""},
	{"imsi_deactivated", Denied, ""}, {"imsi_blank", Denied, ""}, {"imsi_implausible", Denied, ""},
	{"applet_unknown_version", Unknown, ""}, {"applet_foreign", Unknown, ""},
}

// shown: a device that was denied works on where EF_IMSI shows the subscriber all the same; where it was given back nobody knows until the next start.
func (f *Facts) shown() []decider {
	answer, rest, hides := Denied, "", Denied
	switch st := f.state(); {
	case f.undone():
		answer, rest = Unknown, "; EF_IMSI was given back since, and the next start decides anew"
	case seeUnmanaged(f, Show{}) != "" && plausible(f.copyOf(personalize.PlaceUSIM).Content):
		answer, rest = Allowed, "; but the applet does not look after EF_IMSI of the USIM, and a device that reads it works on"
		hides = answer
	case st != nil && st.Files == binding.FilesBackup:
		answer, rest = Allowed, "; but EF_IMSI shows the subscriber all the same, and it works on"
	}
	return []decider{{"denied_other", answer, rest}, {"denied_no_imei", answer, rest}, {"imsi_denial_value", hides, rest}}
}

// open are findings with which a device gets in, or may.
var open = []decider{
	{"imsi_copies_differ", Unknown, ""}, {"pin1_enabled", Unknown, ""},
	{"service_130", Allowed, ""}, {"applet_cannot_read", Allowed, ""}, {"access_domain_small", Allowed, ""}, {"memory_failed", Unknown, ""},
	{"decision_pending", Unknown, ""}, {"armed", Unknown, ""},
}

func (f *Facts) judgeBinding(s Show) Verdict {
	st := f.state()
	switch {
	case st == nil && f.unread("binding applet"):
		return Verdict{Answer: Unknown, Reason: "the binding applet could not be asked"}
	case f.unseen():
		return Verdict{Answer: Unknown, Reason: "EF_IMSI of the USIM could not be read: whether it is in order is not known"}
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

// unseen: neither was the copy of EF_IMSI read that a device reads, nor does the applet vouch for it.
func (f *Facts) unseen() bool {
	if st := f.state(); st != nil && st.Files == binding.FilesBackup {
		return false
	}
	return !slices.ContainsFunc(f.Copies, func(c Copy) bool { return c.Place == personalize.PlaceUSIM && c.Content != nil })
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
