// Package diagnose tells why a card does not work in a device: it reads one card without keys and without changing it, and holds
// what it read against a table of findings, each with its evidence and the next step. docs/field.md has a section for every finding.
package diagnose

import (
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Facts is what was read of one card. What the card does not have, or did not show, is nil or zero; Unread says why.
// IMSI and IMEI are whole in it: show Report, which shortens them.
type Facts struct {
	Reader       string
	ATR          uicc.ATR
	ATRFault     error // why the ATR could not be taken apart
	ICCID        uicc.ICCID
	MF, ADF      *uicc.FCP
	Applications []uicc.Application // of EF_DIR
	Undisclosed  bool               // EF_DIR may be there, and could not be read
	USIM         []byte             // full AID of the first USIM
	Unlisted     bool               // EF_DIR does not name it
	Absent       bool               // EF_DIR names it, and SELECT answers 6A82
	PIN1, ADM1   Code
	Copies       []Copy // of EF_IMSI: ADF.USIM first, then DF_GSM when that is another file
	AD, UST      []byte
	SPN, FPLMN   []byte
	ACC, EST     []byte
	Places       []Place // files of the LOCI family that could be read
	Pairing      *Pairing
	Applet       *personalize.Applet
	AppletFault  error // the applet answers, but cannot be understood
	Domain       *Domain
	Station      *Station // nil: not looked at
	Files        []FileView
	Unread       []Unread
}

// Code is a PIN or ADM code as an empty VERIFY tells it.
type Code struct {
	Told    bool // the card was asked
	Enabled bool // by the PIN status template
	uicc.PINState
}

// Closed tells whether what stands behind the code cannot be read.
func (c Code) Closed() bool { return c.Enabled && !c.Open }

// Copy is one copy of EF_IMSI.
type Copy struct {
	Place   string // personalize.PlaceUSIM or PlaceGSM
	Missing bool
	FCP     *uicc.FCP // nil: it could not be selected
	Content []byte    // as it stands in the file; nil: not readable
}

// Deactivated tells whether the file may not be used.
func (c Copy) Deactivated() bool {
	return c.FCP != nil && (c.FCP.Deactivated || c.FCP.LifeCycle.String() == "deactivated")
}

// Place is one file of the LOCI family.
type Place struct {
	Name string
	usim.Location
}

// Pairing is what the three files of USAT application pairing tell (TS 31.102 clauses 4.2.100 to 4.2.102), the newest
// records alone.
type Pairing struct {
	Statuses []usim.PairingStatus // newest first
	Devices  []Device             // those the history names
	Ranges   []usim.PairingRange
}

// Device is a record of EF_IPD.
type Device struct {
	Number int
	usim.PairingDevice
}

// Domain is the issuer security domain as it shows itself without keys.
type Domain struct {
	AID    []byte
	Locked bool // SELECT answered 6283: the card is locked
	Told   bool // the key information could be read
	Keys   []gp.KeyEntry

	Counter     uint32 // of sessions with the default key set
	CounterSize int    // its bytes; 0: not told
}

// Station is what the station that looks knows of the card already.
type Station struct {
	Failed int                 // authentications that failed here since the last that succeeded
	Backup *personalize.Backup // the newest; nil: none, or none that could be opened
}

// Unread is something that could not be read.
type Unread struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// MNC is the length of the MNC by EF_AD, 0 when that does not tell.
func (f *Facts) MNC() int { return usim.MNCLength(f.AD) }

// Home is the home network by EF_IMSI and EF_AD; ok is false when they do not tell.
func (f *Facts) Home() (p usim.PLMN, ok bool) {
	for _, c := range f.Copies {
		if imsi, err := usim.DecodeIMSI(c.Content); err == nil && plausible(c.Content) {
			return imsi.PLMN(f.MNC())
		}
	}
	return usim.PLMN{}, false
}

func plausible(content []byte) bool {
	return len(content) == usim.EFIMSI.Size && usim.Plausible([9]byte(content)) == nil
}
