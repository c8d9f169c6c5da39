package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/uicc/usim"
)

// networkKinds are about where the subscriber last was, and what other binding there is.
var networkKinds = []kind{
	{"location_stale", Warning, "the location files look like another subscriber's, or were never renewed", "switch the device off and on with coverage; if it does not register, have the issuer reset the location files", seeStale},
	{"network_refused", Warning, "a network refused this card", "ask the operator whether the subscription is active and allowed there: the card was let through to the network", seeRefused},
	{"home_forbidden", Warning, "the home network stands in the list of forbidden networks", "select the network by hand in the device once: that takes it off the list", seeForbidden},
	{"pairing_refused", Warning, "the card's own 3GPP pairing says that the last device may not pair", "this is the network's binding (EF_IAL), not this applet's: ask the issuer which IMEIs it allows", seePairingRefused},
	{"pairing_files", Note, "3GPP application pairing was used on this card", "read the history in the evidence: newest first", seePairing},
}

// Update status, alike in all of the family (TS 31.102 clause 4.2.17).
const statusNotUpdated, statusRefused = 1, 2

func seeStale(f *Facts, _ Show) string {
	home, known := f.Home()
	return f.eachPlace(func(p Place) string {
		if p.Status != statusNotUpdated {
			return ""
		}
		switch {
		case known && p.PLMN != (usim.PLMN{}) && p.PLMN != home:
			return fmt.Sprintf("not updated, of network %s; the IMSI is of %s", p.PLMN, home)
		case p.HoldsIdentity():
			return "not updated, yet a temporary identity is kept"
		}
		return ""
	})
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
	v, err := usim.EFFPLMN.Decode(f.FPLMN)
	list, ok := v.([]usim.PLMN)
	if !known || err != nil || !ok || !slices.Contains(list, home) {
		return ""
	}
	return "EF_FPLMN holds " + home.String()
}

func seePairingRefused(f *Facts, _ Show) string {
	if f.Pairing == nil || len(f.Pairing.Statuses) == 0 || f.Pairing.Statuses[0].Paired {
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
		parts = append(parts, "EF_IPD: "+s.digits(d.Digits))
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
