package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc/usim"
)

// networkKinds are about where the subscriber last was, and what other binding there is.
var networkKinds = []kind{
	{"location_stale", Warning, "the location files look like another subscriber's, or were never renewed", "switch the device off and on with coverage; if it does not register, have the issuer reset the location files", seeStale},
	{"location_abroad", Note, "the last network was a foreign one", "nothing, when the device was abroad; after a change of the IMSI switch it off and on with coverage, so that the location is renewed", seeAbroad},
	{"network_refused", Warning, "a network refused this card", "ask the operator whether the subscription is active and allowed there: the card was let through to the network", seeRefused},
	{"home_forbidden", Warning, "the home network stands in the list of forbidden networks", "select the network by hand in the device once: that takes it off the list", seeForbidden},
	{"access_class_missing", Warning, "the card belongs to no access class", "have the issuer write EF_ACC: a network that restricts access lets no such card in", seeNoAccessClass},
	{"services_limited", Warning, "the card itself limits what a device may dial or connect to", "switch the limit off in a phone (PIN2), or have the issuer do it: the device registers, but calls, messages or data beyond the lists are refused", seeLimits},
	{"operation_mode", Warning, "the card puts the device into a mode that is not the normal one", "have the issuer write EF_AD: such cards are for tests, and a device behaves differently with them", seeMode},
	{"mnc_length_unknown", Warning, "the card does not say how long its MNC is", "have the issuer write the fourth byte of EF_AD: a device that guesses takes another network for its own", seeMNC},
	{"pairing_refused", Warning, "the card's own 3GPP pairing says that the last device may not pair", "this is the network's binding (EF_IAL), not this applet's: ask the issuer which IMEIs it allows", seePairingRefused},
	{"pairing_files", Note, "3GPP application pairing was used on this card", "read the history in the evidence: newest first", seePairing},
}

// Update status, alike in all of the family (TS 31.102 clause 4.2.17).
const statusNotUpdated, statusRefused = 1, 2

func seeStale(f *Facts, s Show) string {
	home, known := f.Home()
	changed := f.denied() && !f.hidden() || seeStationBackup(f, s) != ""
	return f.eachPlace(func(p Place) string {
		switch {
		case changed && p.HoldsIdentity():
			return "EF_IMSI was changed, yet a temporary identity of network " + p.PLMN.String() + " is kept"
		case p.Status != statusNotUpdated:
			return ""
		case known && p.PLMN != (usim.PLMN{}) && p.PLMN != home:
			return fmt.Sprintf("not updated, of network %s; the IMSI is of %s", p.PLMN, home)
		case p.HoldsIdentity():
			return "not updated, yet a temporary identity is kept"
		}
		return ""
	})
}

func seeAbroad(f *Facts, _ Show) string {
	home, known := f.Home()
	if !known {
		return ""
	}
	return f.eachPlace(func(p Place) string {
		if p.Status >= statusNotUpdated || p.PLMN == (usim.PLMN{}) || p.PLMN == home {
			return ""
		}
		return fmt.Sprintf("updated in network %s; the IMSI is of %s", p.PLMN, home)
	})
}

func seeNoAccessClass(f *Facts, _ Show) string {
	v, err := usim.EFACC.Decode(f.ACC)
	if classes, ok := v.([]int); err != nil || !ok || len(classes) > 0 {
		return ""
	}
	return "EF_ACC holds 0000"
}

// seeLimits: a service is enabled when EF_UST has it available and EF_EST activated (TS 31.102 clause 4.2.47).
func seeLimits(f *Facts, _ Show) string {
	v, err := usim.EFEST.Decode(f.EST)
	est, ok := v.(usim.EST)
	if err != nil || !ok {
		return ""
	}
	var on []string
	for _, x := range []struct {
		on      bool
		service int
	}{{est.FDN, usim.ServiceFDN}, {est.BDN, usim.ServiceBDN}, {est.ACL, usim.ServiceACL}} {
		if x.on && f.offered(x.service) {
			on = append(on, usim.ServiceName(x.service))
		}
	}
	if on == nil {
		return ""
	}
	return "EF_EST: switched on are " + strings.Join(on, ", ")
}

// Modes of EF_AD that are normal for a device: 00, and 01 with specific facilities.
func seeMode(f *Facts, _ Show) string {
	ad, err := usim.DecodeAD(f.AD)
	if err != nil || ad.Mode <= 0x01 {
		return ""
	}
	return "EF_AD: " + ad.ModeName()
}

func seeMNC(f *Facts, _ Show) string {
	if f.AD == nil || f.MNC() != 0 || f.service130() {
		return ""
	}
	return fmt.Sprintf("EF_AD holds %X", f.AD)
}

func seeRefused(f *Facts, _ Show) string {
	return f.eachPlace(func(p Place) string {
		if p.Status < statusRefused || p.StatusWords() == "reserved" {
			return ""
		}
		return fmt.Sprintf("%s, network %s", p.StatusWords(), p.PLMN)
	})
}

func (f *Facts) eachPlace(see func(Place) string) string {
	var out []string
	for _, p := range f.Places {
		if said := see(p); said != "" {
			out = append(out, p.Name+": "+said)
		}
	}
	return strings.Join(out, "; ")
}

func seeForbidden(f *Facts, _ Show) string {
	home, known := f.Home()
	if !known || !slices.Contains(f.forbidden(), home) {
		return ""
	}
	return "EF_FPLMN holds " + home.String()
}

// forbidden are the networks of EF_FPLMN, as far as it was read; places that hold none are passed over, one by one.
func (f *Facts) forbidden() []usim.PLMN {
	var out []usim.PLMN
	for b := f.FPLMN; len(b) >= 3; b = b[3:] {
		if p, err := usim.DecodePLMN(b[:3]); err == nil && p != (usim.PLMN{}) {
			out = append(out, p)
		}
	}
	return out
}

// seePairingRefused: a record without a link to EF_IPD is the binding applet's own, where its policy has it write them (card interface §8.8).
func seePairingRefused(f *Facts, _ Show) string {
	if f.Pairing == nil || len(f.Pairing.Statuses) == 0 || f.Pairing.Statuses[0].Paired {
		return ""
	}
	if st := f.state(); st != nil && st.Policy.Has(binding.PairingStatus) && f.Pairing.Statuses[0].Link == 0 {
		return ""
	}
	return "EF_IPS: the newest record is KO"
}

func seePairing(f *Facts, s Show) string {
	if f.Pairing == nil {
		return ""
	}
	var parts []string
	if words := statusWords(f.Pairing.Statuses); words != "" {
		parts = append(parts, "EF_IPS: "+words)
	}
	for _, d := range f.Pairing.Devices {
		parts = append(parts, fmt.Sprintf("EF_IPD, device %d: %s", d.Number, s.digits(d.Digits)))
	}
	for _, r := range f.Pairing.Ranges {
		parts = append(parts, fmt.Sprintf("EF_IAL: %s to %s", s.digits(r.Low), s.digits(r.High)))
	}
	return strings.Join(parts, "; ")
}

func statusWords(list []usim.PairingStatus) string {
	var words []string
	for _, x := range list {
		w := "KO"
		if x.Paired {
			w = "OK"
		}
		if x.Link > 0 {
			w += fmt.Sprintf(" (device %d)", x.Link)
		}
		words = append(words, w)
	}
	return strings.Join(words, ", then ")
}

// digits shows an IMEI or IMEISV of a file.
func (s Show) digits(d string) string {
	text := d
	if !s.Reveal {
		text = d[:min(8, len(d))] + "******"
	}
	if m, ok := s.Models.Find(d); ok {
		text += " (" + m.String() + ")"
	}
	return text
}
