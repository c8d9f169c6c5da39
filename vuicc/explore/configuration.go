package explore

import (
	"bytes"

	"github.com/simbind/simbind/tlv"
)

// configuration is what the checks need of E0 (docs/card-interface.md §4), read apart from the model's own parser.
type configuration struct {
	set      bool
	scheme   byte
	patterns [][]byte
	policy   byte
	denial   string
	most     int
}

func (r *run) configured(m *memory) configuration {
	v := m.of("configuration")
	if v == r.cached.raw && r.cached.parsed.most != 0 {
		return r.cached.parsed
	}
	c := parse([]byte(v))
	c.set = v != ""
	r.cached.raw, r.cached.parsed = v, c
	return c
}

func parse(v []byte) configuration {
	c := configuration{denial: raw(denialNo), most: 1}
	objects, err := tlv.Parse(v)
	if err != nil {
		panic(err) // the model keeps nothing else
	}
	for _, o := range objects {
		switch o.Tag {
		case 0x80:
			c.scheme = o.Value[0]
		case 0x81:
			c.patterns = append(c.patterns, o.Value)
		case 0x83:
			c.policy = o.Value[0]
		case 0x84:
			c.denial = string(o.Value)
		case 0x86:
			c.most = int(o.Value[0])
		}
	}
	return c
}

func (c configuration) enforcing() bool { return c.set && c.scheme != 0x00 }
func (c configuration) preset() bool    { return c.scheme == 0x02 }
func (c configuration) blind() bool     { return c.policy&0x01 != 0 }
func (c configuration) keeps() bool     { return c.policy&0x10 != 0 }
func (c configuration) observe() bool   { return c.policy&0x20 != 0 }
func (c configuration) open() bool      { return len(c.patterns) == 0 }
func (c configuration) strict() bool {
	return c.enforcing() && c.policy&0x02 != 0 && !c.observe()
}

// admits knows whole IMEIs alone: the worlds have no wider patterns.
func (c configuration) admits(imei []byte) bool {
	for _, p := range c.patterns {
		if bytes.Equal(p, imei) {
			return true
		}
	}
	return false
}
