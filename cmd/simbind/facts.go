package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/uicc/usim"
)

// factsOf says in words, line by line, what a report holds: for people, and to be compared.
func factsOf(r *cardFile, facts *diagnose.Facts, salt reportSalt) []fact {
	return slices.Concat(
		sectioned("card", cardFacts(r.Card, facts, salt)), sectioned("binding", bindingFacts(r.Card, facts, salt)),
		sectioned("files", fileFacts(r.Card)), sectioned(fileSection, inventoryFacts(facts.Files)), sectioned("security domain", domainFacts(r.Card.Domain)), sectioned("findings", findingFacts(r.Findings)),
	)
}

// sectioned puts facts into a section; those without a value are left out.
func sectioned(name string, fs []fact) []fact {
	var out []fact
	for _, f := range fs {
		if f.Value != "" {
			f.Section = name
			out = append(out, f)
		}
	}
	return out
}

func cardFacts(v *diagnose.View, facts *diagnose.Facts, salt reportSalt) []fact {
	out := []fact{
		{Name: "ATR", Value: v.ATR.Hex}, {Name: "protocols", Value: strings.Join(v.ATR.Protocols, ", ")}, {Name: "speed", Value: v.ATR.Speed},
		{Name: "ICCID", Value: v.ICCID, Token: salt.token("iccid", facts.ICCID.String())},
	}
	for i, x := range v.Applications {
		out = append(out, fact{Name: fmt.Sprintf("application %d", i+1), Value: strings.TrimSpace(x.AID + " " + x.Label)})
	}
	for i, c := range v.EFIMSI {
		out = append(out, fact{Name: "EF_IMSI of " + c.Place, Value: copyWords(c, facts.Copies[i].Content), Token: imsiToken(facts.Copies[i].Content, salt)})
	}
	return append(out,
		fact{Name: "home network", Value: v.Home}, fact{Name: "network name", Value: v.Network},
		fact{Name: "PIN1", Value: v.PIN1.State}, fact{Name: "ADM1", Value: v.ADM1.State},
	)
}

// copyWords are the life cycle of a copy of EF_IMSI and what it shows. What is no IMSI may be one with a fault in it: its bytes are left out.
func copyWords(c diagnose.CopyView, content []byte) string {
	if content == nil {
		return c.State
	}
	if _, err := usim.DecodeIMSI(content); err != nil {
		return c.State + ", no IMSI"
	}
	return c.State + ", " + c.IMSI
}

func imsiToken(content []byte, salt reportSalt) string {
	i, err := usim.DecodeIMSI(content)
	if err != nil {
		return ""
	}
	return salt.token("imsi", i.String())
}

// bindingFacts are those of the applet. An IMEI of which the open view shows the TAC alone has no token.
func bindingFacts(v *diagnose.View, facts *diagnose.Facts, salt reportSalt) []fact {
	if facts.Applet == nil {
		return []fact{{Name: "binding applet", Value: "none that is understood"}}
	}
	s := &facts.Applet.State
	out := []fact{
		{Name: "binding applet", Value: fmt.Sprintf("version %s, interface %d", v.Applet.Version, v.Applet.Interface)},
		{Name: "features", Value: strings.Join(v.Applet.Features, ", ")},
	}
	for _, row := range v.State.Rows() {
		f := fact{Name: row[0], Value: row[1]}
		switch {
		case row[1] == "":
			f.Value = "none"
		case row[0] == "bound to":
			f.Token = imeiToken(s.Bound, salt)
		case row[0] == "last terminal" && s.LastIMEI != nil:
			f.Token = imeiToken([]binding.IMEIView{*s.LastIMEI}, salt)
		}
		out = append(out, f)
	}
	return out
}

func imeiToken(views []binding.IMEIView, salt reportSalt) string {
	var all []string
	for _, v := range views {
		i, whole := v.IMEI()
		if !whole {
			return ""
		}
		all = append(all, i.String())
	}
	return salt.token("imei", strings.Join(all, ","))
}

func fileFacts(v *diagnose.View) []fact {
	var services []string
	for _, s := range v.Services {
		services = append(services, fmt.Sprintf("%d %s", s.Number, s.Name))
	}
	out := []fact{{Name: "services", Value: strings.Join(services, ", ")}, {Name: "forbidden networks", Value: strings.Join(v.Forbidden, ", ")}}
	for _, p := range v.Location {
		words := p.Status + ", network " + p.Network
		if p.Identity {
			words += ", holds a temporary identity"
		}
		out = append(out, fact{Name: p.File, Value: words})
	}
	if p := v.Pairing; p != nil {
		out = append(out, fact{Name: "application pairing", Value: p.Statuses})
	}
	return out
}

// fileSection has a line for every file, when --files was given.
const fileSection = "files and who may use them"

func inventoryFacts(files []diagnose.FileView) []fact {
	var out []fact
	for _, f := range files {
		words := f.Refused
		if words == "" {
			words = fmt.Sprintf("%s, %s, read %s, update %s", f.Shape(), f.State, f.Read, f.Update)
		}
		if f.Link != "" {
			words += ", is " + f.Link
		}
		out = append(out, fact{Name: f.Name, Value: words})
	}
	return out
}

func domainFacts(d *diagnose.DomainView) []fact {
	if d == nil {
		return []fact{{Name: "AID", Value: "none answers"}}
	}
	return []fact{
		{Name: "AID", Value: d.AID}, {Name: "locked", Value: map[bool]string{true: "yes", false: "no"}[d.Locked]},
		{Name: "key versions", Value: strings.Join(d.Keys, ", ")},
	}
}

// findingFacts leave the evidence out: it has numbers that change with every look.
func findingFacts(fs []savedFinding) []fact {
	var out []fact
	for _, f := range fs {
		out = append(out, fact{Name: f.ID, Value: f.Severity + ": " + f.What})
	}
	return out
}
