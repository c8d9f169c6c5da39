package explain

import (
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// row is what is known of one tag in its template.
type row struct {
	name    string
	words   func(v []byte, reveal bool) string // nil, or "" from it: the value speaks for itself
	in      grammar                            // of what stands in it; nil: nothing
	private bool                               // an identity: its value is masked unless revealed
}

// grammar is what tags mean in one template: the same tag means different things in different ones.
type grammar map[tlv.Tag]row

// walk names every object of b. What is no TLV is shown as it is.
func (e *explainer) walk(b []byte, g grammar, depth int) {
	objects, err := tlv.ParseLenient(b)
	if err != nil || depth > maxDepth {
		e.add(Object{Depth: depth, Name: "does not read as TLV", Value: fmt.Sprintf("%X", b)})
		return
	}
	for _, o := range objects {
		e.object(o, g, depth)
	}
}

func (e *explainer) object(o tlv.Object, g grammar, depth int) {
	known, ok := g[o.Tag]
	out := Object{Depth: depth, Tag: o.Tag.String(), Name: known.name}
	if !ok {
		out.Name = "unknown tag"
	}
	nested := known.in
	if !ok && o.Tag.Constructed() {
		if _, err := tlv.ParseLenient(o.Value); err == nil {
			nested = grammar{}
		}
	}
	if known.words != nil {
		out.Words = known.words(o.Value, e.opt.Reveal)
	}
	if nested == nil {
		out.Value = fmt.Sprintf("%X", o.Value)
	}
	e.private = e.private || known.private && !e.opt.Reveal
	e.add(out)
	if nested != nil {
		e.walk(o.Value, nested, depth+1)
	}
}

// Readers of values.

func decimalWords(unit string) func([]byte, bool) string {
	return func(v []byte, _ bool) string {
		if len(v) == 0 || len(v) > 4 {
			return ""
		}
		n := uint32(0)
		for _, b := range v {
			n = n<<8 | uint32(b)
		}
		return fmt.Sprintf("%d%s", n, unit)
	}
}

// ofOne reads a value of one byte.
func ofOne(f func(byte) string) func([]byte, bool) string {
	return func(v []byte, _ bool) string {
		if len(v) != 1 {
			return ""
		}
		return f(v[0])
	}
}

func text(v []byte, _ bool) string {
	for _, b := range v {
		if b < 0x20 || b > 0x7E {
			return ""
		}
	}
	return fmt.Sprintf("%q", v)
}
