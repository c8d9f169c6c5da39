package binding

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// Tags of template E0 (card interface §4).
const (
	tagConfiguration tlv.Tag = 0xE0
	tagScheme        tlv.Tag = 0x80
	tagPattern       tlv.Tag = 0x81
	tagRange         tlv.Tag = 0x82
	tagPolicy        tlv.Tag = 0x83
	tagDenial        tlv.Tag = 0x84
	tagRefresh       tlv.Tag = 0x85
	tagTerminals     tlv.Tag = 0x86
	tagExpected      tlv.Tag = 0x8A // of E2 too
)

// configurationFields is E0 as read back: everything with a default is always present.
var configurationFields = map[tlv.Tag]field{
	tagScheme: one(1), tagPattern: many(7), tagRange: many(14), tagPolicy: one(1), tagDenial: one(9), tagRefresh: one(1), tagTerminals: one(1),
}

// Encode writes template E0, leaving out what has its default.
func (c Configuration) Encode() ([]byte, error) { return c.encode(nil) }

// EncodeExpecting is Encode with the generation the card must have (tag 8A); with another one the card answers 6984 and
// changes nothing. 0000 is a card that was never configured.
func (c Configuration) EncodeExpecting(generation uint16) ([]byte, error) {
	return c.encode(&generation)
}

func (c Configuration) encode(expected *uint16) ([]byte, error) {
	if err := c.Validate(nil); err != nil {
		return nil, err
	}
	v := c.encodeEntries()
	if c.Policy != 0 {
		v = tlv.Append(v, tagPolicy, []byte{byte(c.Policy)})
	}
	if c.Denial != DefaultDenial {
		v = tlv.Append(v, tagDenial, c.Denial[:])
	}
	if c.Refresh != 0 {
		v = tlv.Append(v, tagRefresh, []byte{c.Refresh})
	}
	if c.MaxTerminals != 1 {
		v = tlv.Append(v, tagTerminals, []byte{c.MaxTerminals})
	}
	return tlv.Encode(tagConfiguration, appendExpected(v, expected)), nil
}

// appendExpected writes tag 8A; nil writes nothing.
func appendExpected(v []byte, expected *uint16) []byte {
	if expected == nil {
		return v
	}
	return tlv.Append(v, tagExpected, []byte{byte(*expected >> 8), byte(*expected)})
}

func (c Configuration) encodeEntries() []byte {
	v := tlv.Encode(tagScheme, []byte{byte(c.Scheme)})
	for _, p := range c.Patterns {
		v = tlv.Append(v, tagPattern, p[:])
	}
	for _, r := range c.Ranges {
		v = tlv.Append(v, tagRange, r.Low[:], r.High[:])
	}
	return v
}

// Canonical is template E0 as a card reads it back: 80, all 81, all 82, then 83 84 85 86, always present.
func (c Configuration) Canonical() []byte {
	v := c.encodeEntries()
	v = tlv.Append(v, tagPolicy, []byte{byte(c.Policy)})
	v = tlv.Append(v, tagDenial, c.Denial[:])
	v = tlv.Append(v, tagRefresh, []byte{c.Refresh})
	v = tlv.Append(v, tagTerminals, []byte{c.MaxTerminals})
	return tlv.Encode(tagConfiguration, v)
}

// Hex is Canonical in upper-case hex, for records.
func (c Configuration) Hex() string { return strings.ToUpper(hex.EncodeToString(c.Canonical())) }

// Equal compares canonical forms: the order of the patterns counts, and that of the ranges, as on the card.
func (c Configuration) Equal(o Configuration) bool {
	return string(c.Canonical()) == string(o.Canonical())
}

// Differences names what the other configuration has otherwise, in the order of the tags; none when they are Equal.
func (c Configuration) Differences(o Configuration) []string {
	var out []string
	for _, d := range []struct {
		name    string
		differs bool
	}{
		{fmt.Sprintf("scheme (%s, not %s)", o.Scheme, c.Scheme), c.Scheme != o.Scheme},
		{"patterns", !slices.Equal(c.Patterns, o.Patterns)},
		{"ranges", !slices.Equal(c.Ranges, o.Ranges)},
		{fmt.Sprintf("policy (%02X, not %02X)", byte(o.Policy), byte(c.Policy)), c.Policy != o.Policy},
		{"denial value", c.Denial != o.Denial},
		{fmt.Sprintf("REFRESH (%02X, not %02X)", o.Refresh, c.Refresh), c.Refresh != o.Refresh},
		{fmt.Sprintf("terminals (%d, not %d)", o.MaxTerminals, c.MaxTerminals), c.MaxTerminals != o.MaxTerminals},
	} {
		if d.differs {
			out = append(out, d.name)
		}
	}
	return out
}

// ParseConfiguration reads template E0 as a card answers it: in canonical order, complete, valid. Unknown tags are ignored.
func ParseConfiguration(b []byte) (Configuration, error) {
	objects, err := open(b, tagConfiguration, configurationFields)
	if err != nil {
		return Configuration{}, err
	}
	var c Configuration
	last := tlv.Tag(0)
	for _, o := range objects {
		if _, known := configurationFields[o.Tag]; !known {
			continue
		}
		if o.Tag < last { // the canonical order is that of the tags
			return Configuration{}, fmt.Errorf("%w: E0 tag %s behind tag %s", ErrMalformed, o.Tag, last)
		}
		last = o.Tag
		c.set(o)
	}
	if err := c.Validate(nil); err != nil {
		return Configuration{}, fmt.Errorf("%w: E0: %w", ErrMalformed, err)
	}
	return c, nil
}

// set takes one object whose length was checked.
func (c *Configuration) set(o tlv.Object) {
	switch o.Tag {
	case tagScheme:
		c.Scheme = Scheme(o.Value[0])
	case tagPattern:
		c.Patterns = append(c.Patterns, Pattern(o.Value))
	case tagRange:
		c.Ranges = append(c.Ranges, Range{Low: IMEI(o.Value[:7]), High: IMEI(o.Value[7:])})
	case tagPolicy:
		c.Policy = Policy(o.Value[0])
	case tagDenial:
		c.Denial = [9]byte(o.Value)
	case tagRefresh:
		c.Refresh = o.Value[0]
	case tagTerminals:
		c.MaxTerminals = o.Value[0]
	}
}
