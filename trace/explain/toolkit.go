package explain

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/uicc/cat"
)

// toolkit names a template of the toolkit, a proactive command or an envelope, and what stands in it.
func (e *explainer) toolkit(b []byte) {
	outer, err := tlv.ParseLenient(b)
	if err != nil {
		e.add(Object{Name: "does not read as TLV", Value: fmt.Sprintf("%X", b)})
		return
	}
	for _, o := range outer {
		name, ok := cat.TemplateName(byte(o.Tag))
		if !ok || o.Tag > 0xFF {
			name = "unknown tag"
		}
		words := ""
		if p, err := cat.ParseProactive(tlv.Encode(o.Tag, o.Value)); err == nil {
			words = p.Words()
		}
		e.add(Object{Tag: o.Tag.String(), Name: name, Words: words})
		e.comprehension(o.Value, 1)
	}
}

// comprehension names COMPREHENSION-TLV objects. A command details object on its own tells what a TERMINAL RESPONSE answers.
func (e *explainer) comprehension(b []byte, depth int) {
	objects, err := tlv.ParseComprehension(b)
	if err != nil {
		e.add(Object{Depth: depth, Name: "does not read as COMPREHENSION-TLV", Value: fmt.Sprintf("%X", b)})
		return
	}
	for _, o := range objects {
		e.add(Object{
			Depth: depth, Tag: fmt.Sprintf("%02X", o.Tag), Name: cat.ObjectName(o.Tag), Value: fmt.Sprintf("%X", o.Value),
			Words: e.objectWords(o),
		})
		e.private = e.private || cat.PersonalObject(o.Tag) && !e.opt.Reveal
	}
}

const tagIMEI, tagIMEISV = 0x14, 0x62

func (e *explainer) objectWords(o tlv.CObject) string {
	if o.Tag == tagIMEI || o.Tag == tagIMEISV {
		i, err := binding.DecodeMobileIdentity(o.Value)
		if err != nil {
			return "not valid"
		}
		return binding.IMEIView(i).Text(e.opt.Reveal)
	}
	return cat.ObjectWords(o.Tag, o.Value)
}

// facilities of a profile a binding depends on, by number.
var facilities = []struct {
	n    int
	name string
}{
	{cat.FacilityRefresh, "REFRESH"}, {cat.FacilityPollInterval, "POLL INTERVAL"}, {cat.FacilityIMEI, "PROVIDE LOCAL INFORMATION (location, IMEI)"},
	{cat.FacilityIMEISV, "PROVIDE LOCAL INFORMATION (IMEISV)"}, {cat.FacilityEventList, "SET UP EVENT LIST"}, {cat.FacilityTimerStart, "TIMER MANAGEMENT"},
}

func (e *explainer) profile(q question) {
	var has, lacks []string
	for _, f := range facilities {
		if cat.Profile(q.Data).Has(f.n) {
			has = append(has, f.name)
		} else {
			lacks = append(lacks, f.name)
		}
	}
	e.add(Object{Name: "facilities", Value: fmt.Sprintf("%X", q.Data), Words: strings.Join(has, ", ")})
	if len(lacks) > 0 {
		e.add(Object{Name: "without", Words: strings.Join(lacks, ", ")})
	}
}

func resultWords(v []byte, _ bool) string {
	if len(v) != 2 {
		return ""
	}
	return cat.Result(v[0]).String()
}

func refreshWords(v []byte, _ bool) string {
	if len(v) != 2 {
		return ""
	}
	return fmt.Sprintf("%02X, %s", v[0], cat.Result(v[1]))
}
