package binding

import (
	"fmt"
	"slices"
)

// Configuration is template E0: what the issuer wants of one card (card interface §4).
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

// DefaultConfiguration has the defaults of card interface §4; a preset still needs an entry.
func DefaultConfiguration(s Scheme) Configuration {
	return Configuration{Scheme: s, Denial: DefaultDenial, MaxTerminals: 1}
}

// MinimumEntries is how many patterns and ranges together every applet holds; MaximumEntries is
// what E3 can announce at most (card interface §3 and §7).
const (
	MinimumEntries = 16
	MaximumEntries = 255
)

// Entries is the number of patterns and ranges.
func (c Configuration) Entries() int { return len(c.Patterns) + len(c.Ranges) }

// UnsupportedError is a configuration in order that this applet cannot take: it lacks a feature, or room.
type UnsupportedError struct {
	Feature Features // the missing one; 0: room is missing
	Entries int      // patterns and ranges wanted
	Room    int      // patterns and ranges it holds
	Reason  string
}

// Error is the reason.
func (e *UnsupportedError) Error() string { return e.Reason }

// Validate applies the rules of card interface §4: the error is *InputError. With the information of a card, what that card
// offers counts too, and the error may be *UnsupportedError; nil leaves features and room unchecked.
func (c Configuration) Validate(info *Information) error {
	for _, rule := range []func() string{c.checkScheme, c.checkEntries, c.checkPolicy, c.checkRefresh} {
		if reason := rule(); reason != "" {
			return &InputError{Field: "configuration", Reason: reason}
		}
	}
	if info == nil {
		return nil
	}
	return c.checkOffer(*info)
}

func (c Configuration) checkScheme() string {
	switch {
	case !c.Scheme.known():
		return fmt.Sprintf("scheme %02X is none of off, first-insert, preset", byte(c.Scheme))
	case c.Scheme == Preset && c.Entries() == 0:
		return "a preset needs at least one IMEI, prefix, pattern or range"
	case c.MaxTerminals < 1 || c.MaxTerminals > 4:
		return fmt.Sprintf("%d terminals may become bound, 1 to 4 are possible", c.MaxTerminals)
	case c.Entries() > MaximumEntries:
		return fmt.Sprintf("%d patterns and ranges, no applet holds more than %d", c.Entries(), MaximumEntries)
	}
	return ""
}

func (c Configuration) checkEntries() string {
	for i, p := range c.Patterns {
		if err := p.check(); err != nil {
			return fmt.Sprintf("pattern %d: %v", i+1, err)
		}
	}
	for i, r := range c.Ranges {
		if err := r.check(); err != nil {
			return fmt.Sprintf("range %d: %v", i+1, err)
		}
	}
	return ""
}

// checkPolicy: with location or a visible start kept, a plausible denial value would let a foreign terminal in.
func (c Configuration) checkPolicy() string {
	switch {
	case c.Policy&policyUnused != 0:
		return fmt.Sprintf("policy %02X: b7 and b8 have no meaning", byte(c.Policy))
	case PlausibleIMSI(c.Denial) && c.Policy&(StrictStart|KeepLocation) != 0:
		return "a denial value that looks like an IMSI excludes strict start and keep location"
	}
	return ""
}

// KnownRefresh tells whether a REFRESH qualifier may stand in tag 85.
func KnownRefresh(q byte) bool { return slices.Contains([]byte{0x00, 0x02, 0x04, 0x05, 0x06}, q) }

func (c Configuration) checkRefresh() string {
	if KnownRefresh(c.Refresh) {
		return ""
	}
	return fmt.Sprintf("REFRESH qualifier %02X is none of 00, 02, 04, 05, 06", c.Refresh)
}

// checkOffer holds the configuration against what a card offers (tags 82 and 83 of E3).
func (c Configuration) checkOffer(info Information) error {
	for _, need := range []struct {
		wanted  bool
		feature Features
		reason  string
	}{
		{c.Policy.Has(StrictStart), FeatureStrictStart, "this card has no strict start"},
		{c.Policy.Has(PairingStatus), FeaturePairing, "this applet does not write EF_IPS"},
		{c.Refresh == 0x05 || c.Refresh == 0x06, FeatureRefresh56, fmt.Sprintf("this card does not offer REFRESH %02X", c.Refresh)},
	} {
		if need.wanted && !info.Features.Has(need.feature) {
			return &UnsupportedError{Feature: need.feature, Entries: c.Entries(), Room: info.Capacity, Reason: need.reason}
		}
	}
	if n := c.Entries(); n > info.Capacity {
		reason := fmt.Sprintf("%d patterns and ranges, the applet holds %d", n, info.Capacity)
		return &UnsupportedError{Entries: n, Room: info.Capacity, Reason: reason}
	}
	return nil
}

// PlausibleIMSI is "plausible" of card interface §1 for the 9 bytes of EF_IMSI: length byte 4 to 8, the low nibble of
// byte 2 agreeing with the count of digits (9 odd, 1 even), 6 to 15 digits, F behind them.
func PlausibleIMSI(b [9]byte) bool {
	n := int(b[0])
	if n < 4 || n > 8 {
		return false
	}
	digits := 2*n - 1
	switch b[1] & 0x0F {
	case 9:
	case 1:
		digits--
	default:
		return false
	}
	for i := range 15 {
		v := b[1+(i+1)/2]
		if i%2 == 0 {
			v >>= 4
		}
		v &= 0x0F
		if i < digits && v > 9 || i >= digits && v != 0x0F {
			return false
		}
	}
	return true
}
