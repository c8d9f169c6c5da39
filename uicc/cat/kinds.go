package cat

import (
	"fmt"
	"strings"
)

// Kind is a kind of terminal: its profile and its manners.
type Kind struct {
	Name    string
	Words   string
	Profile Profile // nil: it sends none
	Result  Result  // to PROVIDE LOCAL INFORMATION, when not Performed
	Refresh Result  // to REFRESH, when not Performed
	Busy    int     // so many questions are answered "busy" first
	Silent  bool    // it never fetches
	Late    int     // so many polls pass before it fetches
}

// Kinds are the terminals there are to play; the first is the default.
var Kinds = []Kind{
	{Name: "phone", Words: "a phone: announces everything and answers at once", Profile: named("phone")},
	{Name: "modem", Words: "a modem: no screen and no menu, but tells its IMEI and carries REFRESH out", Profile: named("modem")},
	{Name: "no-pli", Words: "does not announce PROVIDE LOCAL INFORMATION and answers it with 30, beyond its capabilities", Profile: named("no-pli"), Result: BeyondCapabilities},
	{Name: "late", Words: "answers busy (20) three times before it tells its IMEI", Profile: named("phone"), Busy: 3},
	{Name: "slow", Words: "polls ten times, five minutes, before it fetches what the card asks", Profile: named("phone"), Late: 10},
	{Name: "no-refresh", Words: "refuses every REFRESH with 30, also the reset asked for in its place", Profile: named("phone"), Refresh: BeyondCapabilities},
	{Name: "no-toolkit", Words: "never sends TERMINAL PROFILE: the card cannot ask it anything"},
	{Name: "no-fetch", Words: "sends TERMINAL PROFILE and never fetches what the card asks", Profile: named("phone"), Silent: true},
}

func named(name string) Profile {
	p, err := NamedProfile(name)
	if err != nil {
		panic(err)
	}
	return p
}

// KindNames are the names of Kinds.
func KindNames() []string {
	var out []string
	for _, k := range Kinds {
		out = append(out, k.Name)
	}
	return out
}

// NamedKind gives a kind by name, or makes one of a profile in hex that behaves as a phone.
func NamedKind(name string) (Kind, error) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
	}
	p, err := NamedProfile(name)
	if err != nil {
		return Kind{}, fmt.Errorf("profile %q: neither %s nor 1 to 255 bytes of hex", name, strings.Join(KindNames(), ", "))
	}
	return Kind{Name: "hex", Words: "a profile given in hex", Profile: p}, nil
}

// Config is a terminal of the kind without an identity.
func (k Kind) Config() Config {
	return Config{Profile: k.Profile, Result: k.Result, Refresh: k.Refresh, Busy: k.Busy, Silent: k.Silent, Late: k.Late, NoCAT: k.Profile == nil}
}

// Asks tells whether the card can get an answer from such a terminal at all.
func (c Config) Asks() bool { return !c.NoCAT && !c.Silent }
