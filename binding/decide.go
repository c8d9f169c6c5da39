package binding

import (
	"fmt"
)

// EntryKind says what made a terminal recognized.
type EntryKind byte

// Kinds of entry.
const (
	EntryNone    EntryKind = iota // nothing did
	EntryBound                    // a bound terminal
	EntryPattern                  // a pattern of the configuration
	EntryRange                    // a range of the configuration
	EntryArmed                    // first insert without patterns and ranges: whoever comes first
)

var entryWords = []word{
	{"none", "none"}, {"bound", "bound terminal"}, {"pattern", "pattern"}, {"range", "range"}, {"armed", "first insert"},
}

// String is in words.
func (k EntryKind) String() string { return wordOf(entryWords, byte(k)).text }

// Code is stable snake_case.
func (k EntryKind) Code() string { return wordOf(entryWords, byte(k)).code }

// MarshalText is Code.
func (k EntryKind) MarshalText() ([]byte, error) { return []byte(k.Code()), nil }

// Entry is the entry that recognized a terminal.
type Entry struct {
	Kind  EntryKind `json:"kind"`
	Index int       `json:"index,omitempty"` // from 1, within its kind; 0 for EntryNone and EntryArmed
	Text  string    `json:"text,omitempty"`  // IMEIs shortened: "prefix of 8 digits 49015420…"
}

// String reads "pattern 2 (prefix of 8 digits 49015420…)".
func (e Entry) String() string {
	switch {
	case e.Index == 0:
		return e.Kind.String()
	case e.Text == "":
		return fmt.Sprintf("%s %d", e.Kind, e.Index)
	}
	return fmt.Sprintf("%s %d (%s)", e.Kind, e.Index, e.Text)
}

// Verdict is what the applet would decide for a terminal, by which entry, and why.
type Verdict struct {
	Decision Decision `json:"decision"`
	Entry    Entry    `json:"entry"`
	Reason   string   `json:"reason"`
	Enforced bool     `json:"enforced"` // false under observe only: counted and logged, EF_IMSI is not touched
}

// Allowed tells whether the terminal would get network access by this card, enforced or not.
func (v Verdict) Allowed() bool { return v.Decision.Allows() || !v.Enforced }

// Decide says what a card with this configuration and these bound terminals would decide for a terminal with that IMEI, nil
// for one that answers without (card interface §8.3 to §8.5). An IMEI the applet would not take as one counts as none. It
// assumes that the applet holds a backup of EF_IMSI: without any, nothing is bound or denied (decision 07).
//
// Bound terminals are those of first-insert; other schemes have none, and what is given for them is not looked at.
func (c Configuration) Decide(bound []IMEI, imei *IMEI) Verdict {
	v := c.decide(bound, imei)
	v.Enforced = !c.Policy.Has(ObserveOnly) || c.Scheme == Off
	return v
}

func (c Configuration) decide(bound []IMEI, imei *IMEI) Verdict {
	switch {
	case c.Scheme == Off:
		return Verdict{Decision: AllowedOff, Reason: "the scheme is off: every terminal is allowed"}
	case imei == nil || !imei.Valid():
		return c.decideNoIMEI()
	case c.Scheme == FirstInsert && len(bound) > 0:
		return decideBound(bound, *imei)
	case c.Scheme == FirstInsert:
		return c.decideArmed(*imei)
	}
	if e := c.Match(*imei); e.Kind != EntryNone {
		return Verdict{Decision: Allowed, Entry: e, Reason: "the IMEI matches a preset entry"}
	}
	return Verdict{Decision: DeniedOther, Reason: "no preset entry matches the IMEI"}
}

func (c Configuration) decideNoIMEI() Verdict {
	if c.Policy.Has(AllowNoIMEI) {
		return Verdict{Decision: AllowedNoIMEI, Reason: "the terminal gives no IMEI, and the policy allows that; nothing is bound"}
	}
	return Verdict{Decision: DeniedNoIMEI, Reason: "the terminal gives no IMEI, and the policy denies that"}
}

// decideBound: once a terminal is bound only equality counts; patterns and ranges are not looked at.
func decideBound(bound []IMEI, imei IMEI) Verdict {
	for i, b := range bound {
		if b == imei {
			return Verdict{Decision: Allowed, Entry: Entry{EntryBound, i + 1, b.Short()}, Reason: "the terminal is bound"}
		}
	}
	return Verdict{Decision: DeniedOther, Reason: "another terminal is bound"}
}

// decideArmed: patterns and ranges narrow who may be first; without any, any IMEI may.
func (c Configuration) decideArmed(imei IMEI) Verdict {
	if c.Entries() == 0 {
		return Verdict{Decision: AllowedBoundNow, Entry: Entry{Kind: EntryArmed}, Reason: "nothing is bound yet: the first terminal becomes the bound one"}
	}
	if e := c.Match(imei); e.Kind != EntryNone {
		return Verdict{Decision: AllowedBoundNow, Entry: e, Reason: "nothing is bound yet, and the IMEI matches an entry: it becomes the bound one"}
	}
	return Verdict{Decision: DeniedOther, Reason: "no entry matches the IMEI; the card stays armed"}
}

// Match gives the first pattern, or else the first range, that takes the IMEI.
func (c Configuration) Match(imei IMEI) Entry {
	for i, p := range c.Patterns {
		if p.Matches(imei) {
			return Entry{EntryPattern, i + 1, p.Short()}
		}
	}
	for i, r := range c.Ranges {
		if r.Contains(imei) {
			return Entry{EntryRange, i + 1, r.Short()}
		}
	}
	return Entry{}
}
