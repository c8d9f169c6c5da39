package binding

import "fmt"

// Verdict is what the applet would decide for a terminal, and why.
type Verdict struct {
	Decision Decision
	Entry    string // which entry allowed it: "bound terminal 1", "pattern 2 (49015420******)"; empty: none
}

// Decide says what a card with this configuration and these bound terminals would decide for a
// terminal with that IMEI, nil for one that answers without (card interface §8.3 to §8.5). It assumes that the
// applet holds a backup of EF_IMSI.
func (c Configuration) Decide(bound []IMEI, imei *IMEI) Verdict {
	switch {
	case c.Scheme == Off:
		return Verdict{Decision: AllowedOff}
	case imei == nil && c.Policy.Has(AllowNoIMEI):
		return Verdict{Decision: AllowedNoIMEI}
	case imei == nil:
		return Verdict{Decision: DeniedNoIMEI}
	case c.Scheme == FirstInsert:
		return c.decideFirstInsert(bound, *imei)
	}
	if entry := c.Match(*imei); entry != "" {
		return Verdict{Decision: Allowed, Entry: entry}
	}
	return Verdict{Decision: DeniedOther}
}

// decideFirstInsert: a bound terminal is recognized by equality alone; while there is room another may become
// bound, if the patterns and ranges, when there are any, take it.
func (c Configuration) decideFirstInsert(bound []IMEI, imei IMEI) Verdict {
	for i, b := range bound {
		if b == imei {
			return Verdict{Decision: Allowed, Entry: fmt.Sprintf("bound terminal %d", i+1)}
		}
	}
	if len(bound) >= int(c.MaxTerminals) {
		return Verdict{Decision: DeniedOther}
	}
	if len(c.Patterns)+len(c.Ranges) == 0 {
		return Verdict{Decision: AllowedBoundNow, Entry: "first insert"}
	}
	if entry := c.Match(imei); entry != "" {
		return Verdict{Decision: AllowedBoundNow, Entry: entry}
	}
	return Verdict{Decision: DeniedOther}
}

// Match names the first pattern or range that takes the IMEI; empty when none does.
func (c Configuration) Match(imei IMEI) string {
	for i, p := range c.Patterns {
		if p.Matches(imei) {
			return fmt.Sprintf("pattern %d (%s)", i+1, p.Short())
		}
	}
	for i, r := range c.Ranges {
		if r.Contains(imei) {
			return fmt.Sprintf("range %d (%s)", i+1, r.Short())
		}
	}
	return ""
}
