package explain

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// content says what a file holds. A part of a file that does not begin at its beginning is not read.
func (e *explainer) content(q question, b []byte) {
	f := q.file.row
	if f.Name == "" || !fromStart(q.Command) {
		e.add(Object{Name: "content", Value: fmt.Sprintf("%X", b)})
		return
	}
	e.add(Object{Name: "content", Value: fmt.Sprintf("%X", b), Words: e.contentWords(f, b)})
	if f.FID == usim.EFDIR.FID {
		e.walk(b, grammar{0x61: {name: "application", in: application}}, 1)
	}
}

func (e *explainer) written(q question) {
	q.Data = unsigned(q.Command)
	e.content(q, q.Data)
}

func fromStart(c apdu.Command) bool {
	switch c.INS {
	case apdu.INSReadBinary, apdu.INSUpdateBinary:
		return c.P2 == 0 && (c.P1&0x80 != 0 || c.P1 == 0)
	}
	return true
}

func (e *explainer) contentWords(f usim.File, b []byte) string {
	if f.FID == usim.EFIMSI.FID {
		return imsiWords(b, e.opt.Reveal)
	}
	if f.Decode == nil {
		return ""
	}
	v, err := f.Decode(b)
	if err != nil {
		return "not as the standard has it"
	}
	switch v := v.(type) {
	case uicc.ICCID:
		if e.opt.Reveal {
			return "ICCID " + v.String()
		}
		return "ICCID " + v.Short()
	case usim.AD:
		return fmt.Sprintf("mode %s, MNC of %d digits", v.ModeName(), usim.MNCLength(b))
	case usim.Location:
		return fmt.Sprintf("network %s, %s, %s", v.PLMN, v.StatusWords(), map[bool]string{true: "holds a temporary identity", false: "no temporary identity"}[v.HoldsIdentity()])
	case usim.Keys:
		return map[bool]string{true: fmt.Sprintf("keys of set %d, not shown", v.Set), false: "no keys"}[v.Held]
	case usim.NSC:
		return map[bool]string{true: "a security context, not shown", false: "no security context"}[v.Held]
	}
	return openWords(v, b)
}

// maxServices is more than a service table has, in bytes: each bit of it is said in words.
const maxServices = 64

// openWords are contents without an identity.
func openWords(v any, b []byte) string {
	switch v := v.(type) {
	case usim.Services:
		if len(v) > maxServices {
			return fmt.Sprintf("not as the standard has it: a service table of %d bytes", len(v))
		}
		var out []string
		for _, n := range v.List() {
			out = append(out, fmt.Sprintf("%d %s", n, usim.ServiceName(n)))
		}
		return strings.Join(out, ", ")
	case []usim.PLMN:
		var out []string
		for _, p := range v {
			out = append(out, p.String())
		}
		return "networks " + strings.Join(out, ", ")
	case usim.SPN:
		return fmt.Sprintf("name %q", v.Name)
	case usim.PairingStatus:
		if v.Empty {
			return "empty"
		}
		return fmt.Sprintf("%s, record %d of EF_IPD", map[bool]string{true: "OK", false: "KO"}[v.Paired], v.Link)
	case []uicc.AccessRule:
		return ruleWords(b)
	}
	return ""
}
