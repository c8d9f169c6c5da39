// Package image holds card images: what a virtual UICC is made of on the day it leaves the factory, as data.
//
// Shapes and codings follow real cards (FCP, EF_DIR, EF_ARR, ATR of testdata/vectors); identities and
// codes are test values. Every key is the published test key 40 to 4F.
package image

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Hex is bytes that are written as hex in JSON.
type Hex []byte

// MarshalText writes upper-case hex.
func (h Hex) MarshalText() ([]byte, error) {
	return []byte(strings.ToUpper(hex.EncodeToString(h))), nil
}

// UnmarshalText reads hex.
func (h *Hex) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	*h = v
	return err
}

// Image is one card.
type Image struct {
	Name        string
	Description string
	ATR         Hex
	PINs        []PIN
	Files       []File // parents before children, the MF first
	Domain      Domain
	Platform    []Package // what load files may be linked against
	Applets     []Applet
}

// PIN is one code of the card.
type PIN struct {
	Ref      byte
	Code     Hex // 8 bytes
	Tries    int // a new counter's value
	PUK      Hex // 8 bytes; empty: the code cannot be unblocked
	PUKTries int
	Enabled  bool
}

// Kinds of files.
const (
	DF          = "df" // MF, DF and ADF
	Transparent = "transparent"
	LinearFixed = "linear"
	Cyclic      = "cyclic"
)

// File is one file.
type File struct {
	Path        string // "3F00", "3F00/7F20/6F07", ADFs as "ADF1", their files as "ADF1/6F07"
	Name        string
	Kind        string
	FID         uint16
	AID         Hex // of an ADF
	SFI         byte
	NoSFI       bool
	ARR         uint16 // file identifier of its EF_ARR
	Rule        byte   // record in it
	Content     Hex    // of a transparent file; records of the others one behind the other
	RecordSize  int
	Proprietary Hex    // value of A5 in the FCP
	Link        string // path of the file whose content this one shows
	State       byte   // life cycle status; 0 means 05, activated
	PINRefs     []byte // key references of the PIN status template of a DF
	LowUpdate   bool   // nothing but a note: "update activity low"
}

// Domain is the issuer security domain.
type Domain struct {
	AID      Hex
	KDD      Hex // 10 bytes
	CPLC     Hex // 42 bytes
	Keys     []KeySet
	Velocity int // failed authentications until a key set is blocked
	MaxData  int // bytes of command data it takes, told in tag 9F65; 0: 255
	// NonVolatile and Volatile are the memory that card content may take, in bytes; 0: 65536 and 2048.
	NonVolatile, Volatile int
	// MoreDataFirst is how some T=0 cards answer GET STATUS (testdata/vectors, t0_behaviour.json H1): 6310 comes at once and the data waits
	// for GET RESPONSE; all others answer 61XX, and 6310 with the data.
	MoreDataFirst bool
}

// Usual memory for card content of a UICC, in bytes.
const (
	usualNonVolatile = 64 << 10
	usualVolatile    = 2 << 10
)

// Memory is what card content may take, in bytes.
func (d Domain) Memory() (nonVolatile, volatile int) {
	return cmp.Or(d.NonVolatile, usualNonVolatile), cmp.Or(d.Volatile, usualVolatile)
}

// KeySet is one key set.
type KeySet struct {
	KVN           byte
	Protocol      byte // 02 or 03
	I             byte
	ENC, MAC, DEK Hex
}

// Applet is an instance that is on the card from the beginning.
type Applet struct {
	Package, Module, Instance Hex
	Privileges                Hex
	Application               Hex  // value of C9
	Priority                  byte // 01 highest; 00: no toolkit applet
	Timers                    int  // 0 to 8
	Access                    []AccessDomain
}

// AccessDomain is what the instance may do with files of one tree (TS 102 226 clause 8.2.1.3.2.5).
type AccessDomain struct {
	ADF    Hex // full AID; empty: the tree of MF
	Domain Hex // 00 full, FF none, 02 and three bytes
}

// ErrUnknown is a name no image has.
var ErrUnknown = errors.New("no such card image")

// Names lists the images; the first is the usual one.
func Names() []string {
	var out []string
	for _, i := range images() {
		out = append(out, i.Name)
	}
	return out
}

// Get gives a copy of an image.
func Get(name string) (Image, error) {
	for _, i := range images() {
		if i.Name == name {
			return i, nil
		}
	}
	return Image{}, fmt.Errorf("%w %q; there are %s", ErrUnknown, name, strings.Join(Names(), ", "))
}

// Clone is a deep copy.
func (i Image) Clone() Image {
	b, err := json.Marshal(i)
	if err != nil {
		panic(err) // plain data always marshals
	}
	var out Image
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

// File gives the file at a path, nil when there is none.
func (i *Image) File(path string) *File {
	n := slices.IndexFunc(i.Files, func(f File) bool { return f.Path == path })
	if n < 0 {
		return nil
	}
	return &i.Files[n]
}

// With gives the image another ICCID and IMSI (digits; empty keeps the image's): a batch of cards from one image.
func (i Image) With(iccid, imsi string) (Image, error) {
	out := i.Clone()
	if iccid != "" {
		b, err := swapped(iccid, 10)
		if err != nil || len(iccid) < 18 || len(iccid) > 20 {
			return out, errors.New("an ICCID is 18 to 20 digits")
		}
		out.File("3F00/2FE2").Content = b
	}
	if imsi == "" {
		return out, nil
	}
	b, err := imsiBytes(imsi)
	if err != nil {
		return out, err
	}
	for n := range out.Files {
		if f := &out.Files[n]; f.FID == 0x6F07 && f.Kind == Transparent && f.Link == "" {
			f.Content = b
		}
	}
	return out, nil
}

// swapped codes digits as swapped nibbles, filled with F.
func swapped(digits string, size int) ([]byte, error) {
	out := make([]byte, size)
	for n := range 2 * size {
		v := byte(0x0F)
		if n < len(digits) {
			if digits[n] < '0' || digits[n] > '9' {
				return nil, errors.New("digits alone")
			}
			v = digits[n] - '0'
		}
		out[n/2] |= v << (4 * (n % 2))
	}
	return out, nil
}

// imsiBytes codes EF_IMSI (TS 31.102 clause 4.2.2): the digits are shifted by the parity nibble.
func imsiBytes(digits string) ([]byte, error) {
	if len(digits) < 6 || len(digits) > 15 {
		return nil, errors.New("an IMSI is 6 to 15 digits")
	}
	parity := "1"
	if len(digits)%2 == 1 {
		parity = "9"
	}
	b, err := swapped(parity+digits, 8)
	if err != nil {
		return nil, errors.New("an IMSI is digits alone")
	}
	return append([]byte{byte((len(digits) + 2) / 2)}, b...), nil
}

// USIM is the AID of ADF.USIM on every image.
func USIM() []byte { return h(usimAID) }
