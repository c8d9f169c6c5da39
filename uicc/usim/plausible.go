package usim

import (
	"fmt"
	"strings"
)

// Rule is one of the rules that EF_IMSI has to keep before it may be backed up as a subscriber's.
type Rule string

// The rules, in the order they are looked at.
const (
	RulePresent Rule = "present" // the file is not blank
	RuleLength  Rule = "length"  // its length byte is 04 to 08
	RuleType    Rule = "type"    // the low nibble of byte 2 is 9 (odd) or 1 (even)
	RuleDigits  Rule = "digits"  // as many digits 0 to 9 as length and parity announce
	RuleFiller  Rule = "filler"  // F behind the digits, FF behind the announced bytes
	RuleCount   Rule = "count"   // 6 to 15 digits
	RuleVaried  Rule = "varied"  // not one digit over and over
	RuleMCC     Rule = "MCC"     // a mobile country code is not 000
)

// ImplausibleError names the rule that an EF_IMSI breaks. No digits of an IMSI are in it.
type ImplausibleError struct {
	Rule   Rule
	Reason string
}

func (e *ImplausibleError) Error() string {
	return fmt.Sprintf("EF_IMSI is not plausible (rule %s): %s", e.Rule, e.Reason)
}

// Unwrap gives ErrMalformed, or ErrNoIMSI for a blank file.
func (e *ImplausibleError) Unwrap() error {
	if e.Rule == RulePresent {
		return ErrNoIMSI
	}
	return ErrMalformed
}

// Plausible tells whether the content may be backed up as a subscriber's: the rules of docs/card-interface.md §1, and
// two more of the host's: not one digit over and over, MCC not 000. An error is an *ImplausibleError.
func Plausible(raw [9]byte) error {
	broken := func(r Rule, format string, args ...any) error {
		return &ImplausibleError{Rule: r, Reason: fmt.Sprintf(format, args...)}
	}
	if raw == blank {
		return broken(RulePresent, "the file is blank")
	}
	if raw[0] < 4 || raw[0] > 8 {
		return broken(RuleLength, "its length byte is %02X, not 04 to 08", raw[0])
	}
	count, err := digitCount(raw[:])
	if err != nil {
		return broken(RuleType, "the low nibble of byte 2 is %X, not 9 or 1", raw[1]&0x0F)
	}
	for n := range count {
		if v := nibble(raw[:], n); v > 9 {
			return broken(RuleDigits, "digit %d of %d is %X", n+1, count, v)
		}
	}
	for n := count; n < maxIMSI; n++ {
		if nibble(raw[:], n) != 0x0F {
			return broken(RuleFiller, "something stands behind its %d digits", count)
		}
	}
	if count < minIMSI {
		return broken(RuleCount, "%d digits, an IMSI has 6 to 15", count)
	}
	return plausibleDigits(raw, broken)
}

func plausibleDigits(raw [9]byte, broken func(Rule, string, ...any) error) error {
	imsi, err := DecodeIMSI(raw[:])
	if err != nil {
		return broken(RuleDigits, "%v", err)
	}
	if strings.Count(string(imsi), string(imsi[:1])) == len(imsi) {
		return broken(RuleVaried, "all its digits are equal")
	}
	if strings.HasPrefix(string(imsi), "000") {
		return broken(RuleMCC, "its mobile country code is 000")
	}
	return nil
}
