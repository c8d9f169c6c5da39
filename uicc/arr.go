package uicc

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// AccessRule is one access mode of an EF_ARR record with its condition (clause 9.2, ISO/IEC 7816-4 clause 5.4.3).
// A rule is either for the access mode bits of Mode or for one instruction, INS.
type AccessRule struct {
	Mode      byte   // access mode byte (tag 80); 0 when the rule is for one instruction
	INS       byte   // instruction (tag 84)
	Condition string // "always", "never", "ADM1", "PIN1 or ADM1", … or "not understood"
	Refs      []KeyRef
}

// Bits of the access mode byte for EFs (ISO/IEC 7816-4 table 16).
const (
	ModeRead       = 0x01
	ModeUpdate     = 0x02
	ModeWrite      = 0x04
	ModeDeactivate = 0x08
	ModeActivate   = 0x10
	ModeTerminate  = 0x20
	ModeDelete     = 0x40
)

var modeNames = []struct {
	bit  byte
	name string
}{
	{ModeRead, "read"}, {ModeUpdate, "update"}, {ModeWrite, "write"}, {ModeDeactivate, "deactivate"},
	{ModeActivate, "activate"}, {ModeTerminate, "terminate"}, {ModeDelete, "delete"},
}

// Operations names the bits of Mode, lowest first.
func (r AccessRule) Operations() []string {
	var out []string
	for _, m := range modeNames {
		if r.Mode&m.bit != 0 {
			out = append(out, m.name)
		}
	}
	return out
}

// Conditions that are words.
const (
	Always        = "always"
	Never         = "never"
	NotUnderstood = "not understood"
)

// ParseARR reads one EF_ARR record, or the value of an FCP's tag AB: an access mode object, then the security
// condition objects that each satisfy it. What it does not know is "not understood", never "always".
func ParseARR(record []byte) ([]AccessRule, error) {
	objects, err := tlv.ParseLenient(record)
	if err != nil {
		return nil, fmt.Errorf("%w: access rule: %w", ErrMalformed, err)
	}
	var out []AccessRule
	open := false // the last rule has no condition yet
	for _, o := range objects {
		if isAccessMode(o.Tag) {
			if open {
				return out, fmt.Errorf("%w: access rule: mode without a condition", ErrMalformed)
			}
			out, open = append(out, newRule(o)), true
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%w: access rule: condition %s without a mode", ErrMalformed, o.Tag)
		}
		out[len(out)-1].or(condition(o))
		open = false
	}
	if open {
		return out, fmt.Errorf("%w: access rule: mode without a condition", ErrMalformed)
	}
	return out, nil
}

// isAccessMode: 80 is the access mode byte, 81 to 8F name commands by header bytes, 9C is proprietary.
func isAccessMode(t tlv.Tag) bool { return t >= 0x80 && t <= 0x8F || t == 0x9C }

func newRule(o tlv.Object) AccessRule {
	if len(o.Value) == 1 && o.Tag == 0x80 {
		return AccessRule{Mode: o.Value[0]}
	}
	if len(o.Value) == 1 && o.Tag == 0x84 {
		return AccessRule{INS: o.Value[0]}
	}
	return AccessRule{}
}

// or adds a further condition that is enough by itself. A rule for nobody knows what stays "not understood".
func (r *AccessRule) or(c accessCondition) {
	r.Refs = append(r.Refs, c.refs...)
	switch {
	case r.Mode == 0 && r.INS == 0, c.words == NotUnderstood, r.Condition == NotUnderstood:
		r.Condition = NotUnderstood
	case r.Condition == "":
		r.Condition = c.words
	default:
		r.Condition += " or " + c.words
	}
}

type accessCondition struct {
	words string
	refs  []KeyRef
}

var notUnderstood = accessCondition{words: NotUnderstood}

func condition(o tlv.Object) accessCondition {
	switch o.Tag {
	case 0x90:
		return accessCondition{words: Always}
	case 0x97:
		return accessCondition{words: Never}
	case 0xA4:
		return authentication(o.Value)
	case 0xA0:
		return combined(o.Value, " or ")
	case 0xAF:
		return combined(o.Value, " and ")
	}
	return notUnderstood // 9E security condition byte, A7 NOT, B4, B6, B8 secure messaging
}

// verification is the usage qualifier of a PIN or ADM to be verified (ISO/IEC 7816-4 table 33, b4: user authentication,
// knowledge based).
const verification = 0x08

// authentication reads A4 {83 key reference, 95 usage qualifier}.
func authentication(v []byte) accessCondition {
	inner, err := tlv.ParseLenient(v)
	if err != nil {
		return notUnderstood
	}
	ref, ok := inner.Find(0x83)
	if !ok || len(ref) != 1 {
		return notUnderstood
	}
	usage, told := inner.Find(0x95)
	if told && (len(usage) != 1 || usage[0] != verification) {
		return notUnderstood
	}
	k := KeyRef(ref[0])
	return accessCondition{words: k.String(), refs: []KeyRef{k}}
}

// combined reads the template of OR and AND. One level is all that files use; a deeper one is not understood.
func combined(v []byte, word string) accessCondition {
	inner, err := tlv.ParseLenient(v)
	if err != nil || len(inner) == 0 {
		return notUnderstood
	}
	var words []string
	var refs []KeyRef
	for _, o := range inner {
		if o.Tag == 0xA0 || o.Tag == 0xAF {
			return notUnderstood
		}
		c := condition(o)
		if c.words == NotUnderstood {
			return notUnderstood
		}
		words, refs = append(words, c.words), append(refs, c.refs...)
	}
	return accessCondition{words: strings.Join(words, word), refs: refs}
}

// RuleFor gives the condition of an access mode bit. A mode no rule names is "never" (clause 9.2.2), unless a rule is
// there whose mode is not understood: then it may be the one.
func RuleFor(rules []AccessRule, mode byte) string {
	var words []string
	unknown := false
	for _, r := range rules {
		switch {
		case r.Mode&mode != 0:
			words = append(words, r.Condition)
		case r.Mode == 0 && r.INS == 0:
			unknown = true
		}
	}
	switch {
	case len(words) > 0:
		return strings.Join(words, " or ")
	case unknown:
		return NotUnderstood
	}
	return Never
}

// RefsFor gives the key references (TS 102 221 table 9.3) that the rules for an access mode bit name, in their order; whether
// one or all of them are wanted RuleFor says.
func RefsFor(rules []AccessRule, mode byte) []KeyRef {
	var out []KeyRef
	for _, r := range rules {
		if r.Mode&mode != 0 {
			out = append(out, r.Refs...)
		}
	}
	return out
}
