package binding

import (
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// Information is template E3: what the applet on a card is and offers (card interface §7).
type Information struct {
	Major, Minor byte
	Interface    byte // 01
	Capacity     int  // patterns and ranges together
	Features     Features
	ADF          []byte // full AID of ADF.USIM in use, nil: works on MF/7F20 alone
	Copies       Copies
}

// Features is tag 83 of E3.
type Features byte

// Features a card may offer.
const (
	FeatureStrictStart Features = 1 << iota
	FeatureIMEISV
	FeaturePairing
	FeatureRemote
	FeatureRefresh56
)

// Has tells whether all of the features are there.
func (f Features) Has(bits Features) bool { return f&bits == bits }

// Copies tells which copies of EF_IMSI are meant.
type Copies byte

// USIM is the copy of ADF.USIM.
func (c Copies) USIM() bool { return c&0x01 != 0 }

// GSM is the copy of MF/7F20.
func (c Copies) GSM() bool { return c&0x02 != 0 }

// Version is "major.minor".
func (i Information) Version() string { return fmt.Sprintf("%d.%d", i.Major, i.Minor) }

// InterfaceVersion is the version of the card interface this package speaks.
const InterfaceVersion = 0x01

// ParseInformation reads template E3.
func ParseInformation(b []byte) (Information, error) {
	objects, err := template(b, 0xE3)
	if err != nil {
		return Information{}, err
	}
	return parseInformation(objects)
}

func parseInformation(objects tlv.Objects) (Information, error) {
	i := Information{Capacity: minimumEntries}
	for _, o := range objects {
		if want, known := map[tlv.Tag]int{0x80: 2, 0x81: 1, 0x82: 1, 0x83: 1, 0x85: 1}[o.Tag]; known && len(o.Value) != want {
			return i, fmt.Errorf("%w: E3 tag %s has %d bytes, want %d", ErrMalformed, o.Tag, len(o.Value), want)
		}
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
			if len(o.Value) < 5 || len(o.Value) > 16 {
				return i, fmt.Errorf("%w: E3 tag 84 has %d bytes, an AID has 5 to 16", ErrMalformed, len(o.Value))
			}
			i.ADF = append([]byte(nil), o.Value...)
		case 0x85:
			i.Copies = Copies(o.Value[0])
		}
	}
	if i.Interface != InterfaceVersion {
		return i, fmt.Errorf("%w: card interface version %02X, this tool speaks %02X", ErrMalformed, i.Interface, InterfaceVersion)
	}
	return i, nil
}

// SelectAnswer is what SELECT of the applet tells (§2).
type SelectAnswer struct {
	AID         []byte
	MaxCommand  int // bytes of command data the applet takes; 255 when not said
	Information Information
	State       State // open view
}

// ParseSelectAnswer reads the FCI `6F {84 AID, A5 {9F65, E3, E1}}` and trusts it only when tag 84 is the AID asked for.
func ParseSelectAnswer(b, aid []byte) (SelectAnswer, error) {
	out := SelectAnswer{MaxCommand: 255}
	fci, err := template(b, 0x6F)
	if err != nil {
		return out, err
	}
	if got, _ := fci.Find(0x84); string(got) != string(aid) {
		return out, fmt.Errorf("%w: the answer is of another application (tag 84 %X)", ErrMalformed, got)
	}
	out.AID = append([]byte(nil), aid...)
	proprietary, ok := fci.Find(0xA5)
	if !ok {
		return out, fmt.Errorf("%w: answer without A5: not the binding applet", ErrMalformed)
	}
	objects, err := tlv.Parse(proprietary)
	if err != nil {
		return out, fmt.Errorf("%w: in A5: %w", ErrMalformed, err)
	}
	return out, out.fill(objects)
}

func (a *SelectAnswer) fill(objects tlv.Objects) error {
	if v, ok := objects.Find(0x9F65); ok && len(v) >= 1 && len(v) <= 2 {
		a.MaxCommand = 0
		for _, x := range v {
			a.MaxCommand = a.MaxCommand<<8 | int(x)
		}
	}
	info, ok := objects.Find(0xE3)
	if !ok {
		return fmt.Errorf("%w: answer without E3: not the binding applet", ErrMalformed)
	}
	inner, err := tlv.Parse(info)
	if err != nil {
		return fmt.Errorf("%w: in E3: %w", ErrMalformed, err)
	}
	if a.Information, err = parseInformation(inner); err != nil {
		return err
	}
	state, ok := objects.Find(0xE1)
	if !ok {
		return fmt.Errorf("%w: answer without E1", ErrMalformed)
	}
	a.State, err = ParseState(tlv.Encode(0xE1, state))
	return err
}
