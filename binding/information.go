package binding

import (
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// InterfaceVersion is the version of the card interface this package speaks.
const InterfaceVersion = 0x01

// Information is template E3: what the applet on a card is and offers (card interface §7).
type Information struct {
	Major, Minor byte
	Interface    byte // 01
	Capacity     int  // patterns and ranges together, 16 to 255
	Features     Features
	ADF          []byte // full AID of ADF.USIM in use; nil: it works on MF/7F20 alone
	Copies       Copies // of EF_IMSI that it manages
}

// Features is tag 83 of E3.
type Features byte

// Features a card may offer.
const (
	FeatureStrictStart Features = 1 << iota // b1: the card has the first-command event
	FeatureIMEISV                           // b2: it asks for the IMEISV when the IMEI is refused
	FeaturePairing                          // b3: EF_IPS
	FeatureRemote                           // b4: SCP80 → security domain → personalization
	FeatureRefresh56                        // b5: REFRESH 05 and 06 tested on this card
)

var featureWords = []bitWord{
	{byte(FeatureStrictStart), word{"strict_start", "strict start"}},
	{byte(FeatureIMEISV), word{"imeisv", "IMEISV fallback"}},
	{byte(FeaturePairing), word{"pairing_status", "EF_IPS"}},
	{byte(FeatureRemote), word{"remote", "remote path"}},
	{byte(FeatureRefresh56), word{"refresh_05_06", "REFRESH 05 and 06"}},
}

// Has tells whether all of the features are there.
func (f Features) Has(bits Features) bool { return f&bits == bits }

// Names are the features in words.
func (f Features) Names() []string { return bitTexts(featureWords, byte(f)) }

// Codes are the features in stable snake_case.
func (f Features) Codes() []string { return bitCodes(featureWords, byte(f)) }

// String is the names with commas between them, "none" without any.
func (f Features) String() string { return orNone(f.Names()) }

// Copies tells which copies of EF_IMSI are meant: b1 ADF.USIM, b2 MF/7F20.
type Copies byte

var copyWords = []bitWord{{0x01, word{"adf_usim", "ADF.USIM"}}, {0x02, word{"df_gsm", "DF_GSM"}}}

// USIM is the copy of ADF.USIM.
func (c Copies) USIM() bool { return c&0x01 != 0 }

// GSM is the copy of MF/7F20.
func (c Copies) GSM() bool { return c&0x02 != 0 }

// Names are the copies in words.
func (c Copies) Names() []string { return bitTexts(copyWords, byte(c)) }

// Codes are the copies in stable snake_case.
func (c Copies) Codes() []string { return bitCodes(copyWords, byte(c)) }

// String is the names with commas between them, "none" without any.
func (c Copies) String() string { return orNone(c.Names()) }

// Version is "major.minor" of the applet.
func (i Information) Version() string { return fmt.Sprintf("%d.%d", i.Major, i.Minor) }

const tagInformation tlv.Tag = 0xE3

var informationFields = map[tlv.Tag]field{
	0x80: one(2), 0x81: one(1), 0x82: one(1), 0x83: one(1), 0x84: {least: 5, most: 16}, 0x85: one(1),
}

// VersionError is an applet that speaks another version of the card interface: nothing else it says is understood.
type VersionError struct{ Have byte }

// Error reads "card interface version 02, this tool speaks 01".
func (e *VersionError) Error() string {
	return fmt.Sprintf("card interface version %02X, this tool speaks %02X", e.Have, InterfaceVersion)
}

// ParseInformation reads template E3. An applet of another interface version is a *VersionError.
func ParseInformation(b []byte) (Information, error) {
	o, n, err := tlv.Next(b)
	if err != nil || o.Tag != tagInformation || n != len(b) {
		return Information{}, fmt.Errorf("%w: not one template E3", ErrMalformed)
	}
	return parseInformation(o.Value)
}

// parseInformation looks at the version first: a newer applet may say everything else in another way.
func parseInformation(value []byte) (Information, error) {
	objects, err := tlv.Parse(value)
	if err != nil {
		return Information{}, fmt.Errorf("%w: in E3: %w", ErrMalformed, err)
	}
	if v, ok := objects.Find(0x81); ok && len(v) == 1 && v[0] != InterfaceVersion {
		return Information{}, &VersionError{Have: v[0]}
	}
	if err := check(tagInformation, objects, informationFields); err != nil {
		return Information{}, err
	}
	var i Information
	for _, o := range objects {
		i.set(o)
	}
	if i.Capacity < MinimumEntries {
		return Information{}, fmt.Errorf("%w: E3: room for %d entries, at least %d are promised", ErrMalformed, i.Capacity, MinimumEntries)
	}
	return i, nil
}

// set takes one object whose length was checked.
func (i *Information) set(o tlv.Object) {
	switch o.Tag {
	case 0x80:
		i.Major, i.Minor = o.Value[0], o.Value[1]
	case 0x81:
		i.Interface = o.Value[0]
	case 0x82:
		i.Capacity = int(o.Value[0])
	case 0x83:
		i.Features = Features(o.Value[0])
	case 0x84:
		i.ADF = append([]byte(nil), o.Value...)
	case 0x85:
		i.Copies = Copies(o.Value[0])
	}
}

// InformationView is the information as reports show it.
type InformationView struct {
	Version   string   `json:"version"`
	Interface int      `json:"interface"`
	Capacity  int      `json:"capacity"`
	Features  []string `json:"features"`
	ADF       string   `json:"adf,omitempty"` // hex
	Copies    []string `json:"copies"`
}

// View is the information for reports.
func (i Information) View() InformationView {
	return InformationView{
		Version: i.Version(), Interface: int(i.Interface), Capacity: i.Capacity,
		Features: i.Features.Codes(), ADF: fmt.Sprintf("%X", i.ADF), Copies: i.Copies.Codes(),
	}
}
