package binding

import (
	"slices"
	"strings"
)

// Scheme is how a card is bound (card interface §4, tag 80).
type Scheme byte

// Schemes.
const (
	Off         Scheme = 0x00
	FirstInsert Scheme = 0x01
	Preset      Scheme = 0x02
)

var schemeWords = []word{{"off", "off"}, {"first_insert", "first-insert"}, {"preset", "preset"}}

// String is off, first-insert or preset.
func (s Scheme) String() string { return wordOf(schemeWords, byte(s)).text }

// Code is stable snake_case.
func (s Scheme) Code() string { return wordOf(schemeWords, byte(s)).code }

// MarshalText is Code.
func (s Scheme) MarshalText() ([]byte, error) { return []byte(s.Code()), nil }

func (s Scheme) known() bool { return int(s) < len(schemeWords) }

// ParseScheme takes off, first-insert (or first_insert) or preset, in any case. The error is *InputError.
func ParseScheme(text string) (Scheme, error) {
	given := strings.ToLower(strings.TrimSpace(text))
	i := slices.IndexFunc(schemeWords, func(w word) bool { return w.code == given || w.text == given })
	if i < 0 {
		return 0, inputError("scheme", text, 1, "none of off, first-insert, preset")
	}
	return Scheme(i), nil
}

// Policy is the policy byte (card interface §4, tag 83).
type Policy byte

// Bits of the policy.
const (
	AllowNoIMEI   Policy = 1 << iota // b1: a terminal that answers without an IMEI is allowed
	StrictStart                      // b2: EF_IMSI is hidden until the terminal was checked
	OpenIdentity                     // b3: whole IMEIs in the open view
	PairingStatus                    // b4: EF_IPS is written
	KeepLocation                     // b5: location and key files stay when access changes
	ObserveOnly                      // b6: decide, count and log, never touch EF_IMSI

	policyUnused Policy = 0xC0 // b7, b8: 0
)

var policyWords = []bitWord{
	{byte(AllowNoIMEI), word{"allow_no_imei", "no-imei allowed"}},
	{byte(StrictStart), word{"strict_start", "strict start"}},
	{byte(OpenIdentity), word{"open_identity", "open identity"}},
	{byte(PairingStatus), word{"pairing_status", "pairing status"}},
	{byte(KeepLocation), word{"keep_location", "keep location"}},
	{byte(ObserveOnly), word{"observe_only", "observe only"}},
}

// Names are the bits that are set, in words.
func (p Policy) Names() []string { return bitTexts(policyWords, byte(p)) }

// Codes are the bits that are set, in stable snake_case.
func (p Policy) Codes() []string { return bitCodes(policyWords, byte(p)) }

// String is the names with commas between them, "none" without any.
func (p Policy) String() string { return orNone(p.Names()) }

// Has tells whether all of the bits are set.
func (p Policy) Has(bits Policy) bool { return p&bits == bits }

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
