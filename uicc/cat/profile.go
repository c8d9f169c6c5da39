package cat

import (
	"encoding/hex"
	"fmt"
)

// Profile is a TERMINAL PROFILE (clause 5.2). Facilities are counted from 0: byte 1 b1.
type Profile []byte

// Facilities this package asks about.
const (
	FacilityRefresh      = 23  // byte 3 b8
	FacilityPollInterval = 21  // byte 3 b6
	FacilityIMEI         = 30  // byte 4 b7: PROVIDE LOCAL INFORMATION (location and IMEI)
	FacilityEventList    = 32  // byte 5 b1
	FacilityTimerStart   = 56  // byte 8 b1
	FacilityIMEISV       = 142 // byte 18 b7
)

// Has tells whether the terminal announces a facility.
func (p Profile) Has(facility int) bool {
	return facility >= 0 && facility/8 < len(p) && p[facility/8]&(1<<(facility%8)) != 0
}

// profiles by name: a phone (as a real one sends it), a modem, and a terminal whose profile leaves PROVIDE LOCAL INFORMATION out.
var profiles = map[string]string{
	"phone":  "FFFFFFFF7F9D00DFBF00001FE2000000C36B000700004000500000000008",
	"modem":  "FFFFFFFF7F0100DF0000001FE2000000C3430000",
	"no-pli": "FFFFFFBF7F9D00DFBF00001FE2000000C32B000700004000500000000008",
}

// ProfileNames are the profiles there are.
func ProfileNames() []string { return []string{"phone", "modem", "no-pli"} }

// NamedProfile gives a profile by name, or takes hex.
func NamedProfile(name string) (Profile, error) {
	text, ok := profiles[name]
	if !ok {
		text = name
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 || len(b) > 255 {
		return nil, fmt.Errorf("profile %q: neither phone, modem, no-pli nor 1 to 255 bytes of hex", name)
	}
	return b, nil
}
