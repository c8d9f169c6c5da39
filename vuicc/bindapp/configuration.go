package bindapp

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Schemes of E0 tag 80 (§4).
const (
	schemeOff         = 0x00
	schemeFirstInsert = 0x01
	schemePreset      = 0x02
)

// Bits of the policy, E0 tag 83 (§4).
const (
	policyAllowNoIMEI  = 0x01
	policyStrict       = 0x02
	policyOpenIdentity = 0x04
	policyEFIPS        = 0x08
	policyKeepLocation = 0x10
	policyObserve      = 0x20
	policyReserved     = 0xC0
)

// capacity is how many patterns and ranges together the applet holds (E3 tag 82).
const capacity = 16

// configuration is the content of E0 (§4).
type configuration struct {
	set      bool // false: never configured
	scheme   byte
	patterns [][]byte // 7 bytes each
	ranges   [][]byte // 14 bytes each, lowest ‖ highest
	policy   byte
	denial   []byte // 9 bytes
	refresh  byte
	most     int // terminals that may become bound, 1 to 4
}

// unconfigured is what holds before the first E0: nothing is enforced, and the denial value is the default one.
func unconfigured() configuration {
	return configuration{denial: append([]byte{0x00}, bytes.Repeat([]byte{0xFF}, 8)...), most: 1}
}

func (c configuration) has(bit byte) bool { return c.policy&bit != 0 }

// enforcing tells whether the scheme decides anything.
func (c configuration) enforcing() bool { return c.set && c.scheme != schemeOff }

// hides tells whether strict start applies: a scheme that decides, and one that may touch EF_IMSI.
func (c configuration) hides() bool {
	return c.enforcing() && c.has(policyStrict) && !c.has(policyObserve)
}

// encode is the canonical form of E0 (§4): 80, all 81, all 82, then 83 84 85 86, without the template around it.
func (c configuration) encode() []byte {
	b := tlv.Encode(0x80, []byte{c.scheme})
	for _, p := range c.patterns {
		b = tlv.Append(b, 0x81, p)
	}
	for _, r := range c.ranges {
		b = tlv.Append(b, 0x82, r)
	}
	b = tlv.Append(b, 0x83, []byte{c.policy})
	b = tlv.Append(b, 0x84, c.denial)
	b = tlv.Append(b, 0x85, []byte{c.refresh})
	return tlv.Append(b, 0x86, []byte{byte(c.most)})
}

// expectation is tag 8A of E0 and E2: the generation the writer expects, if he told.
type expectation struct {
	told       bool
	generation uint16
}

func (x *expectation) read(v []byte) bool {
	if len(v) != 2 {
		return false
	}
	x.told, x.generation = true, uint16(v[0])<<8|uint16(v[1])
	return true
}

// parseConfiguration reads the value of E0. The error is the status word to answer: 6A80, or 6A84 for too many entries.
// What depends on the card (denial value against the copies) is not checked here.
func parseConfiguration(v []byte, features byte) (configuration, expectation, error) {
	c, x := unconfigured(), expectation{}
	c.set = true
	objects, err := tlv.Parse(v)
	if err != nil || repeated(objects, 0x81, 0x82) {
		return c, x, apdu.SWWrongData
	}
	if _, ok := objects.Find(0x80); !ok {
		return c, x, apdu.SWWrongData
	}
	for _, o := range objects {
		if !c.object(o, &x) || c.refresh >= 0x05 && features&FeatureRefreshReset == 0 {
			return c, x, apdu.SWWrongData
		}
	}
	if len(c.patterns)+len(c.ranges) > capacity { // before what depends on several objects: those are looked at when they are held
		return c, x, apdu.SWNoMemory
	}
	if !c.consistent(features) {
		return c, x, apdu.SWWrongData
	}
	return c, x, nil
}

// object takes one data object and tells whether its tag is known and its value in range.
func (c *configuration) object(o tlv.Object, x *expectation) bool {
	v := bytes.Clone(o.Value)
	switch o.Tag {
	case 0x81:
		c.patterns = append(c.patterns, v)
		return validPattern(v)
	case 0x82:
		c.ranges = append(c.ranges, v)
		return validRange(v)
	case 0x84:
		c.denial = v
		return len(v) == sizeIMSI
	case 0x8A:
		return x.read(v)
	}
	if len(v) != 1 {
		return false
	}
	switch b := v[0]; o.Tag {
	case 0x80:
		c.scheme = b
		return b <= schemePreset
	case 0x83:
		c.policy = b
		return b&policyReserved == 0
	case 0x85:
		c.refresh = b
		return slices.Contains([]byte{0x00, 0x02, 0x04, 0x05, 0x06}, b)
	case 0x86:
		c.most = int(b)
		return b >= 1 && b <= 4
	}
	return false
}

// consistent checks what one object alone does not show (§4, §7).
func (c configuration) consistent(features byte) bool {
	switch {
	case c.scheme == schemePreset && len(c.patterns)+len(c.ranges) == 0:
		return false
	case plausible(c.denial) && (c.has(policyStrict) || c.has(policyKeepLocation)):
		return false // the kept location would let a foreign terminal in
	case c.has(policyStrict) && features&FeatureStrictStart == 0:
		return false
	case c.has(policyEFIPS) && features&FeatureEFIPS == 0:
		return false
	}
	return true
}

// validPattern: 14 nibbles, each 0–9 or F, not all F.
func validPattern(p []byte) bool {
	for _, b := range p {
		if hi, lo := b>>4, b&0x0F; hi > 9 && hi != 0x0F || lo > 9 && lo != 0x0F {
			return false
		}
	}
	return len(p) == sizeIMEI && !filled(p)
}

// validRange: two times 14 decimal digits, the first not above the second.
func validRange(r []byte) bool {
	return len(r) == 2*sizeIMEI && allDecimal(r) && bytes.Compare(r[:sizeIMEI], r[sizeIMEI:]) <= 0
}

// admits tells whether a pattern or a range matches the IMEI.
func (c configuration) admits(imei []byte) bool {
	return slices.ContainsFunc(c.patterns, func(p []byte) bool { return matches(p, imei) }) ||
		slices.ContainsFunc(c.ranges, func(r []byte) bool {
			return bytes.Compare(r[:sizeIMEI], imei) <= 0 && bytes.Compare(imei, r[sizeIMEI:]) <= 0
		})
}

// open tells whether first-insert is not narrowed by patterns or ranges.
func (c configuration) open() bool { return len(c.patterns)+len(c.ranges) == 0 }

func matches(pattern, imei []byte) bool {
	for i, p := range pattern {
		if p>>4 != 0x0F && p>>4 != imei[i]>>4 || p&0x0F != 0x0F && p&0x0F != imei[i]&0x0F {
			return false
		}
	}
	return true
}

// repeated tells whether a tag stands twice, but for those that may.
func repeated(objects tlv.Objects, may ...tlv.Tag) bool {
	seen := map[tlv.Tag]bool{}
	for _, o := range objects {
		if seen[o.Tag] && !slices.Contains(may, o.Tag) {
			return true
		}
		seen[o.Tag] = true
	}
	return false
}
