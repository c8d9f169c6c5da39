package diagnose

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// imsiKinds are about EF_IMSI and what EF_UST says of it.
var imsiKinds = []kind{
	{"service_130", Warning, "the subscriber's identity is no IMSI (UST service 130): there is no EF_IMSI to bind", "bind another way: on such a card the applet enforces nothing", seeService130},
	{"imsi_missing", Error, "EF_IMSI is not on the card", "put the card aside: it is not a usable USIM; ask the issuer", seeIMSIMissing},
	{"imsi_deactivated", Error, "EF_IMSI is deactivated", "have the issuer activate the file; a phone does so itself where fixed dialling keeps it closed", seeIMSIDeactivated},
	{"imsi_blank", Error, "EF_IMSI is blank", "restore it: 'simbind restore FILE' from this card's backup, or by the issuer; take no backup of it now", seeIMSIBlank},
	{"imsi_implausible", Error, "EF_IMSI holds nothing a network would take", "restore it: 'simbind restore FILE' from this card's backup, or by the issuer; take no backup of it now", seeIMSIImplausible},
	{"imsi_denial_value", Warning, "EF_IMSI holds the denial value: the network sees no subscriber", "see which device was denied; a start in the right one gives the IMSI back, and so does a change of the binding with the issuer's keys", seeDenialValue},
	{"strict_start_hides", Note, "EF_IMSI is hidden until a device was checked (strict start)", "nothing: in any reader such a card shows the denial value", seeStrictHides},
	{"imsi_copies_differ", Warning, "the two copies of EF_IMSI differ", "find out which one the device reads (a 2G device the one of DF_GSM); the next start of an allowed device makes the applet's copies right", seeCopiesDiffer},
	{"imsi_unknown_to_applet", Note, "EF_IMSI is neither the applet's backup nor its denial value", "nothing, when the issuer wrote a new IMSI: the next start takes it as the backup", seeUnknown},
	{"no_toolkit", Warning, "the service table offers nothing of the toolkit", "have the issuer set the toolkit services of EF_UST: a device that believes the table sends no TERMINAL PROFILE, and is never asked for its IMEI", seeNoToolkit},
}

// shown gives the applet's state, when there is one and it is configured or says something of EF_IMSI.
func (f *Facts) state() *binding.State {
	if f.Applet == nil {
		return nil
	}
	return &f.Applet.State
}

func (f *Facts) denied() bool { s := f.state(); return s != nil && s.Files == binding.FilesDenial }

// service130: the service table says that there is no EF_IMSI, and there is none in the USIM.
func (f *Facts) service130() bool {
	there := slices.ContainsFunc(f.Copies, func(c Copy) bool { return c.Place == personalize.PlaceUSIM && c.FCP != nil })
	return !there && usim.Services(f.UST).Available(usim.ServiceNonIMSISUPI)
}

func seeService130(f *Facts, _ Show) string {
	switch s := f.state(); {
	case f.service130():
		return "EF_UST: service 130 is available"
	case s != nil && s.Failure == binding.FailureService130:
		return "the applet says so (tag 89 = 07)"
	}
	return ""
}

func seeIMSIMissing(f *Facts, _ Show) string {
	if f.ADF == nil || f.service130() {
		return ""
	}
	for _, c := range f.Copies {
		if c.Place == personalize.PlaceUSIM && c.Missing {
			return "SELECT " + c.Place + ": 6A82"
		}
	}
	return ""
}

func seeIMSIDeactivated(f *Facts, _ Show) string {
	return f.eachCopy(func(c Copy) string {
		if !c.Deactivated() {
			return ""
		}
		if c.FCP.Deactivated {
			return "SELECT answers 6283"
		}
		return "life cycle " + c.FCP.LifeCycle.String()
	})
}

// eachCopy joins what is said of the copies.
func (f *Facts) eachCopy(see func(Copy) string) string {
	var out []string
	for _, c := range f.Copies {
		if said := see(c); said != "" {
			out = append(out, c.Place+": "+said)
		}
	}
	return strings.Join(out, "; ")
}

func seeIMSIBlank(f *Facts, _ Show) string {
	return f.eachCopy(func(c Copy) string {
		if rule, _ := broken(c); rule != usim.RulePresent || f.denied() {
			return ""
		}
		return "all FF"
	})
}

func seeIMSIImplausible(f *Facts, _ Show) string {
	return f.eachCopy(func(c Copy) string {
		rule, why := broken(c)
		switch {
		case c.FCP != nil && c.FCP.Structure != uicc.StructureUnknown && (!c.FCP.IsTransparent() || c.FCP.Size != usim.EFIMSI.Size):
			return fmt.Sprintf("%s file of %d bytes, not transparent of %d", c.FCP.Structure, c.FCP.Size, usim.EFIMSI.Size)
		case rule == "" || rule == usim.RulePresent || f.denied() || f.hides(c):
			return ""
		}
		return why
	})
}

// hides tells whether a copy holds the denial value although not all do, which happens where the applet could not write the others. Of a
// denial value that is not the default one nobody knows without keys.
func (f *Facts) hides(c Copy) bool {
	st := f.state()
	return st != nil && st.Status != binding.Unconfigured && st.Files == binding.FilesDifferent && bytes.Equal(c.Content, binding.DefaultDenial[:])
}

// broken names the rule a copy breaks, "" when none or when it could not be read.
func broken(c Copy) (usim.Rule, string) {
	if len(c.Content) != usim.EFIMSI.Size {
		return "", ""
	}
	var e *usim.ImplausibleError
	if errors.As(usim.Plausible([9]byte(c.Content)), &e) {
		return e.Rule, fmt.Sprintf("rule %s: %s", e.Rule, e.Reason)
	}
	return "", ""
}

// hidden tells whether the denial value stands only because no device was checked since the reset.
func (f *Facts) hidden() bool {
	s := f.state()
	return f.denied() && s.Policy.Has(binding.StrictStart) && !s.Decision.Denies()
}

func seeDenialValue(f *Facts, _ Show) string {
	if !f.denied() || f.hidden() {
		return ""
	}
	return "the applet says so of every copy (tag 81 = 00)"
}

func seeStrictHides(f *Facts, _ Show) string {
	if !f.hidden() {
		return ""
	}
	return "policy strict start, last decision " + f.state().Decision.String()
}

func seeCopiesDiffer(f *Facts, s Show) string {
	if st := f.state(); st != nil && st.Files == binding.FilesDifferent {
		return "the applet says so (tag 81 = 03)"
	}
	if len(f.Copies) < 2 || f.Copies[0].Content == nil || f.Copies[1].Content == nil || bytes.Equal(f.Copies[0].Content, f.Copies[1].Content) {
		return ""
	}
	return f.eachCopy(func(c Copy) string { return s.IMSI(c.Content, f.MNC()) })
}

func seeUnknown(f *Facts, _ Show) string {
	s := f.state()
	if s == nil || s.Files != binding.FilesOther || s.Backups == 0 {
		return ""
	}
	return "the applet says so (tag 81 = 02), and holds a backup of " + s.Backups.String()
}

// toolkitServices are those of EF_UST that belong to the toolkit: data download, call and message control, RUN AT COMMAND, and 33,
// which is always 1 (TS 31.102 clause 4.2.8). The table has none for the toolkit as such.
var toolkitServices = []int{28, 29, 30, 31, 32, 33}

func seeNoToolkit(f *Facts, _ Show) string {
	if f.UST == nil || slices.ContainsFunc(toolkitServices, usim.Services(f.UST).Available) {
		return ""
	}
	return "EF_UST: none of the services 28 to 33 is available"
}
