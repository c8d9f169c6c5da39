package binding

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// ErrMalformed is wrapped by every refusal of bytes that do not follow the card interface.
var ErrMalformed = errors.New("not as the card interface says")

// Scheme is how a card is bound (card interface §4, tag 80).
type Scheme byte

// Schemes.
const (
	Off         Scheme = 0x00
	FirstInsert Scheme = 0x01
	Preset      Scheme = 0x02
)

var schemeNames = map[Scheme]string{Off: "off", FirstInsert: "first-insert", Preset: "preset"}

func (s Scheme) String() string {
	if n, ok := schemeNames[s]; ok {
		return n
	}
	return fmt.Sprintf("unknown (%02X)", byte(s))
}

// ParseScheme takes off, first-insert or preset.
func ParseScheme(text string) (Scheme, error) {
	for s, n := range schemeNames {
		if strings.EqualFold(strings.TrimSpace(text), n) {
			return s, nil
		}
	}
	return 0, &InputError{Field: "scheme", Reason: "off, first-insert or preset"}
}

// Policy is the policy byte (tag 83).
type Policy byte

// Bits of the policy.
const (
	AllowNoIMEI   Policy = 1 << iota // b1: a terminal that answers without an IMEI is allowed
	StrictStart                      // b2: EF_IMSI is hidden until the terminal was checked
	OpenIdentity                     // b3: whole IMEIs in the open view
	PairingStatus                    // b4: EF_IPS is written
	KeepLocation                     // b5: location and key files stay when access changes
	ObserveOnly                      // b6: decide and count, never touch EF_IMSI
	policyUnused  Policy = 0xC0
)

var policyNames = []struct {
	bit  Policy
	name string
}{
	{AllowNoIMEI, "no-imei allowed"}, {StrictStart, "strict start"}, {OpenIdentity, "open identity"},
	{PairingStatus, "pairing status"}, {KeepLocation, "keep location"}, {ObserveOnly, "observe only"},
}

// Names are the bits that are set, in words.
func (p Policy) Names() []string {
	out := []string{}
	for _, n := range policyNames {
		if p&n.bit != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

// Has tells whether all of the bits are set.
func (p Policy) Has(bits Policy) bool { return p&bits == bits }

// Configuration is template E0: what the issuer wants of one card.
type Configuration struct {
	Scheme       Scheme
	Patterns     []Pattern
	Ranges       []Range
	Policy       Policy
	Denial       [9]byte // EF_IMSI while access is denied
	Refresh      byte    // REFRESH qualifier after EF_IMSI changed: 00, 02, 04, 05, 06
	MaxTerminals byte    // how many terminals may become bound, 1 to 4
}

// DefaultDenial is the denial value of EF_IMSI: no IMSI at all.
var DefaultDenial = [9]byte{0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// DefaultConfiguration has the defaults of card interface §4.
func DefaultConfiguration(s Scheme) Configuration {
	return Configuration{Scheme: s, Denial: DefaultDenial, MaxTerminals: 1}
}

// Tags of template E0.
const (
	tagConfiguration tlv.Tag = 0xE0
	tagScheme        tlv.Tag = 0x80
	tagPattern       tlv.Tag = 0x81
	tagRange         tlv.Tag = 0x82
	tagPolicy        tlv.Tag = 0x83
	tagDenial        tlv.Tag = 0x84
	tagRefresh       tlv.Tag = 0x85
	tagTerminals     tlv.Tag = 0x86
	tagExpected      tlv.Tag = 0x8A
)

// minimumEntries is how many patterns and ranges every applet holds together (§3, 6A84).
const minimumEntries = 16

// Validate applies the rules of card interface §4. With the information of a card, what that card offers counts
// too; nil leaves features and room unchecked.
func (c Configuration) Validate(info *Information) error {
	for _, rule := range []func(*Information) string{c.checkScheme, c.checkEntries, c.checkPolicy, c.checkRefresh} {
		if reason := rule(info); reason != "" {
			return &InputError{Field: "configuration", Reason: reason}
		}
	}
	return nil
}

func (c Configuration) checkScheme(*Information) string {
	entries := len(c.Patterns) + len(c.Ranges)
	switch {
	case schemeNames[c.Scheme] == "":
		return "unknown scheme"
	case c.Scheme == Preset && entries == 0:
		return "a preset needs at least one IMEI, prefix, pattern or range"
	case c.MaxTerminals < 1 || c.MaxTerminals > 4:
		return "1 to 4 terminals may become bound"
	}
	return ""
}

func (c Configuration) checkEntries(info *Information) string {
	for i, p := range c.Patterns {
		if err := p.check(); err != nil {
			return fmt.Sprintf("pattern %d: %v", i+1, err)
		}
	}
	for i, r := range c.Ranges {
		if !r.Contains(r.Low) {
			return fmt.Sprintf("range %d is upside down", i+1)
		}
	}
	room := 255
	if info != nil {
		room = max(info.Capacity, 0)
	}
	if n := len(c.Patterns) + len(c.Ranges); n > room {
		return fmt.Sprintf("%d patterns and ranges, the applet holds %d", n, room)
	}
	return ""
}

func (c Configuration) checkPolicy(info *Information) string {
	switch {
	case c.Policy&policyUnused != 0:
		return "unknown policy bits"
	case plausibleIMSI(c.Denial) && c.Policy&(StrictStart|KeepLocation) != 0:
		return "a denial value that looks like an IMSI excludes strict start and keep location"
	case info == nil:
		return ""
	case c.Policy.Has(StrictStart) && !info.Features.Has(FeatureStrictStart):
		return "this card has no strict start"
	case c.Policy.Has(PairingStatus) && !info.Features.Has(FeaturePairing):
		return "this card does not write EF_IPS"
	}
	return ""
}

func (c Configuration) checkRefresh(info *Information) string {
	switch c.Refresh {
	case 0x00, 0x02, 0x04:
		return ""
	case 0x05, 0x06:
		if info != nil && !info.Features.Has(FeatureRefresh56) {
			return fmt.Sprintf("this card does not offer REFRESH %02X", c.Refresh)
		}
		return ""
	}
	return fmt.Sprintf("REFRESH qualifier %02X is none of 00, 02, 04, 05, 06", c.Refresh)
}

// plausibleIMSI is "plausible" of card interface §1.
func plausibleIMSI(b [9]byte) bool {
	n := int(b[0])
	if n < 4 || n > 8 {
		return false
	}
	odd := b[1]&0x0F == 9
	if !odd && b[1]&0x0F != 1 {
		return false
	}
	digits := 2*n - 2
	if odd {
		digits++
	}
	for i := 0; i < 15; i++ {
		v := b[1+(i+1)/2]
		if i%2 == 0 {
			v >>= 4
		}
		if (v&0x0F <= 9) != (i < digits) || (i >= digits && v&0x0F != 0x0F) {
			return false
		}
	}
	return digits >= 6
}

// Encode writes template E0, leaving out what has its default.
func (c Configuration) Encode() ([]byte, error) { return c.encode(nil) }

// EncodeExpecting is Encode with the generation the card must have (tag 8A); another one answers 6984.
func (c Configuration) EncodeExpecting(generation uint16) ([]byte, error) {
	return c.encode(&generation)
}

func (c Configuration) encode(expected *uint16) ([]byte, error) {
	if err := c.Validate(nil); err != nil {
		return nil, err
	}
	v := c.entries()
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
	if expected != nil {
		v = tlv.Append(v, tagExpected, []byte{byte(*expected >> 8), byte(*expected)})
	}
	return tlv.Encode(tagConfiguration, v), nil
}

func (c Configuration) entries() []byte {
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
	v := c.entries()
	v = tlv.Append(v, tagPolicy, []byte{byte(c.Policy)})
	v = tlv.Append(v, tagDenial, c.Denial[:])
	v = tlv.Append(v, tagRefresh, []byte{c.Refresh})
	v = tlv.Append(v, tagTerminals, []byte{c.MaxTerminals})
	return tlv.Encode(tagConfiguration, v)
}

// Hex is Canonical in upper-case hex, for records.
func (c Configuration) Hex() string { return strings.ToUpper(hex.EncodeToString(c.Canonical())) }

// Equal compares canonical forms.
func (c Configuration) Equal(o Configuration) bool {
	return string(c.Canonical()) == string(o.Canonical())
}

// ParseConfiguration reads template E0 as a card answers it. Unknown tags are ignored.
func ParseConfiguration(b []byte) (Configuration, error) {
	c := DefaultConfiguration(Off)
	objects, err := template(b, tagConfiguration)
	if err != nil {
		return c, err
	}
	seen := false
	for _, o := range objects {
		seen = seen || o.Tag == tagScheme
		if err := c.set(o); err != nil {
			return c, err
		}
	}
	if !seen {
		return c, fmt.Errorf("%w: E0 without scheme", ErrMalformed)
	}
	if err := c.Validate(nil); err != nil {
		return c, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c, nil
}

func (c *Configuration) set(o tlv.Object) error {
	want, known := map[tlv.Tag]int{tagScheme: 1, tagPattern: 7, tagRange: 14, tagPolicy: 1, tagDenial: 9, tagRefresh: 1, tagTerminals: 1}[o.Tag]
	if !known {
		return nil
	}
	if len(o.Value) != want {
		return fmt.Errorf("%w: E0 tag %s has %d bytes, want %d", ErrMalformed, o.Tag, len(o.Value), want)
	}
	switch o.Tag {
	case tagScheme:
		c.Scheme = Scheme(o.Value[0])
	case tagPattern:
		c.Patterns = append(c.Patterns, Pattern(o.Value))
	case tagRange:
		return c.addRange(o.Value)
	case tagPolicy:
		c.Policy = Policy(o.Value[0])
	case tagDenial:
		c.Denial = [9]byte(o.Value)
	case tagRefresh:
		c.Refresh = o.Value[0]
	case tagTerminals:
		c.MaxTerminals = o.Value[0]
	}
	return nil
}

func (c *Configuration) addRange(v []byte) error {
	low, err := DecodeIMEI(v[:7])
	if err != nil {
		return err
	}
	high, err := DecodeIMEI(v[7:])
	c.Ranges = append(c.Ranges, Range{Low: low, High: high})
	return err
}

// template opens b, which must be exactly one object with that tag.
func template(b []byte, tag tlv.Tag) (tlv.Objects, error) {
	outer, err := tlv.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(outer) != 1 || outer[0].Tag != tag {
		return nil, fmt.Errorf("%w: not one template %s", ErrMalformed, tag)
	}
	inner, err := tlv.Parse(outer[0].Value)
	if err != nil {
		return nil, fmt.Errorf("%w: in %s: %w", ErrMalformed, tag, err)
	}
	return inner, nil
}
