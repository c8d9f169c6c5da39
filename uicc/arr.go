package uicc

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// AccessRule is one pair of access mode and security condition of an EF_ARR record (clause 9.2.7, ISO/IEC 7816-4
// clause 5.4.3).
type AccessRule struct {
	Mode      byte   // access mode byte (tag 80); 0 when the rule is for one instruction
	INS       byte   // instruction (tag 84)
	Condition string // "always", "never", "ADM1", "PIN1 (01) or ADM1" … "not understood"
}

// Bits of the access mode byte for EFs.
const (
	ModeRead       = 0x01
	ModeUpdate     = 0x02
	ModeDeactivate = 0x08
	ModeActivate   = 0x10
)

// Conditions that are words.
const (
	Always        = "always"
	Never         = "never"
	NotUnderstood = "not understood"
)

// ParseARR reads one record. What it does not know is "not understood", never "always".
func ParseARR(record []byte) ([]AccessRule, error) {
	objects, err := tlv.ParseLenient(record)
	if err != nil {
		return nil, fmt.Errorf("%w: EF_ARR: %w", ErrMalformed, err)
	}
	var out []AccessRule
	for i := 0; i+1 < len(objects); i += 2 {
		mode := objects[i]
		rule := AccessRule{Condition: condition(objects[i+1])}
		switch {
		case mode.Tag == 0x80 && len(mode.Value) == 1:
			rule.Mode = mode.Value[0]
		case mode.Tag == 0x84 && len(mode.Value) == 1:
			rule.INS = mode.Value[0]
		default:
			rule.Condition = NotUnderstood
		}
		out = append(out, rule)
	}
	if len(objects)%2 != 0 {
		return out, fmt.Errorf("%w: EF_ARR: an access mode without condition", ErrMalformed)
	}
	return out, nil
}

func condition(o tlv.Object) string {
	switch o.Tag {
	case 0x90:
		return Always
	case 0x97:
		return Never
	case 0xA4:
		return authentication(o.Value)
	case 0xA0:
		return combined(o.Value, " or ")
	case 0xAF:
		return combined(o.Value, " and ")
	}
	return NotUnderstood
}

func authentication(v []byte) string {
	inner, err := tlv.Parse(v)
	if err != nil {
		return NotUnderstood
	}
	ref, ok := inner.Find(0x83)
	if !ok || len(ref) != 1 {
		return NotUnderstood
	}
	return KeyRef(ref[0]).String()
}

func combined(v []byte, word string) string {
	inner, err := tlv.Parse(v)
	if err != nil || len(inner) == 0 {
		return NotUnderstood
	}
	var out []string
	for _, o := range inner {
		if o.Tag == 0xA0 || o.Tag == 0xAF { // one level is all that files use
			return NotUnderstood
		}
		c := condition(o)
		if c == NotUnderstood {
			return NotUnderstood
		}
		out = append(out, c)
	}
	return strings.Join(out, word)
}

// RuleFor gives the condition of an access mode bit; "never" when no rule names it.
func RuleFor(rules []AccessRule, mode byte) string {
	for _, r := range rules {
		if r.Mode&mode != 0 {
			return r.Condition
		}
	}
	return Never
}
