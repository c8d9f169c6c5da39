package gp

import (
	"fmt"
	"math"
	"strings"

	"github.com/simbind/simbind/tlv"
)

// InstallParameters are the parameters of INSTALL [for install] as UICCs take them (TS 102 226 clause 8.2.1.3.2). C9 always stands, and
// first; toolkit parameters in the UICC form (EA) and in the old SIM form (CA) exclude each other.
type InstallParameters struct {
	Application []byte      // value of C9: what the applet's install() sees
	Quota       *Quota      // EF, C7 and C8
	Toolkit     *Toolkit    // EA, 80
	Access      []Access    // EA, 81
	SIM         *SIMToolkit // EF, CA
}

// Quota is the memory an instance may take, in bytes. 0 leaves it to the card.
type Quota struct{ Volatile, NonVolatile int }

// Toolkit are the UICC toolkit application parameters (clause 8.2.1.3.2.2.1).
type Toolkit struct {
	Priority      byte // 01 is highest
	Timers        byte
	MenuText      byte      // longest menu entry, bytes
	Menu          [][2]byte // position, identifier
	Channels      byte
	SecurityLevel []byte // minimum security level: empty, or SPI1
	TARs          [][3]byte
	Services      byte
}

// Access is what an instance may do with the files of one tree (clause 8.2.1.3.2.2.3).
type Access struct {
	ADF    []byte // full AID; empty: the tree of MF
	Domain []byte // FullAccess, NoAccess, or three bytes behind 02
}

// Access domains (clause 8.2.1.3.2.5).
var (
	FullAccess = []byte{0x00}
	NoAccess   = []byte{0xFF}
)

// SIMToolkit are the toolkit parameters of old cards (TS 43.019, inside EF).
type SIMToolkit struct {
	Domain        []byte
	Priority      byte
	Timers        byte
	MenuText      byte
	Menu          [][2]byte
	Channels      byte
	SecurityLevel []byte
	TARs          [][3]byte
	NoTARs        bool // the field is left out, as some real cards are served
}

// Encode writes the parameter field.
func (p InstallParameters) Encode() ([]byte, error) {
	if p.SIM != nil && (p.Toolkit != nil || len(p.Access) > 0) {
		return nil, fmt.Errorf("%w: toolkit parameters of the SIM form and of the UICC form exclude each other", ErrContent)
	}
	out := tlv.Encode(0xC9, p.Application)
	system, err := p.system()
	if err != nil {
		return nil, err
	}
	if system != nil {
		out = tlv.Append(out, 0xEF, system)
	}
	uicc, err := p.uicc()
	if err != nil {
		return nil, err
	}
	if uicc != nil {
		out = tlv.Append(out, 0xEA, uicc)
	}
	return out, nil
}

func (p InstallParameters) system() ([]byte, error) {
	var v []byte
	if q := p.Quota; q != nil {
		for _, x := range []struct {
			tag tlv.Tag
			n   int
		}{{0xC7, q.Volatile}, {0xC8, q.NonVolatile}} {
			if x.n < 0 || int64(x.n) > math.MaxUint32 {
				return nil, fmt.Errorf("%w: a quota of %d bytes", ErrContent, x.n)
			}
			if x.n > 0 {
				v = tlv.Append(v, x.tag, quota(x.n))
			}
		}
	}
	if k := p.SIM; k != nil {
		if err := fields(k.Menu, k.SecurityLevel, k.TARs); err != nil {
			return nil, err
		}
		v = tlv.Append(v, 0xCA, k.Encode())
	}
	return v, nil
}

// fields refuses lists that the byte before them cannot count.
func fields(menu [][2]byte, securityLevel []byte, tars [][3]byte) error {
	if len(menu) > 0xFF || len(securityLevel) > 1 || 3*len(tars) > 0xFF {
		return fmt.Errorf("%w: toolkit parameters of %d menu entries, %d bytes of SPI, %d TARs", ErrContent, len(menu), len(securityLevel), len(tars))
	}
	return nil
}

// quota is two bytes, four when it does not fit two.
func quota(n int) []byte {
	if n > 0xFFFF {
		return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	}
	return []byte{byte(n >> 8), byte(n)}
}

func (p InstallParameters) uicc() ([]byte, error) {
	var v []byte
	if k := p.Toolkit; k != nil {
		if err := fields(k.Menu, k.SecurityLevel, k.TARs); err != nil {
			return nil, err
		}
		v = tlv.Append(v, 0x80, k.Encode())
	}
	if len(p.Access) == 0 {
		return v, nil
	}
	access, err := EncodeAccess(p.Access)
	if err != nil {
		return nil, err
	}
	return tlv.Append(v, 0x81, access), nil
}

// Encode writes the value of tag 80: priority, timers, text length, menu, channels, minimum security level, TARs, services.
func (k Toolkit) Encode() []byte {
	v := []byte{k.Priority, k.Timers, k.MenuText}
	v = append(v, menu(k.Menu)...)
	v = append(v, k.Channels)
	v = append(v, securityLevel(k.SecurityLevel)...)
	v = append(v, tars(k.TARs)...)
	return append(v, k.Services)
}

func menu(entries [][2]byte) []byte {
	v := []byte{byte(len(entries))}
	for _, e := range entries {
		v = append(v, e[0], e[1])
	}
	return v
}

// securityLevel is empty, or its parameter 01 (SPI1) with its byte.
func securityLevel(spi1 []byte) []byte {
	if len(spi1) == 0 {
		return []byte{0x00}
	}
	return append([]byte{byte(1 + len(spi1)), 0x01}, spi1...)
}

func tars(list [][3]byte) []byte {
	v := []byte{byte(3 * len(list))}
	for _, t := range list {
		v = append(v, t[:]...)
	}
	return v
}

// EncodeAccess writes the value of tag 81: for every tree its AID (empty for MF), its domain, no DAP. The tree of MF always comes first, and
// without rights when it is not named.
func EncodeAccess(trees []Access) ([]byte, error) {
	if len(trees[0].ADF) > 0 {
		trees = append([]Access{{Domain: NoAccess}}, trees...)
	}
	var v []byte
	for i, a := range trees {
		if i > 0 && (len(a.ADF) < 5 || len(a.ADF) > 16) {
			return nil, fmt.Errorf("%w: access to an ADF is given by its full AID", ErrContent)
		}
		if n := len(a.Domain); n != 1 && !(n == 4 && a.Domain[0] == 0x02) {
			return nil, fmt.Errorf("%w: access domain of %d bytes", ErrContent, n)
		}
		fields, err := lv(a.ADF, a.Domain, nil)
		if err != nil {
			return nil, err
		}
		v = append(v, fields...)
	}
	return v, nil
}

// Encode writes the value of CA.
func (k SIMToolkit) Encode() []byte {
	v := append([]byte{byte(len(k.Domain))}, k.Domain...)
	v = append(v, k.Priority, k.Timers, k.MenuText)
	v = append(v, menu(k.Menu)...)
	v = append(v, k.Channels)
	v = append(v, securityLevel(k.SecurityLevel)...)
	if k.NoTARs {
		return v
	}
	return append(v, tars(k.TARs)...)
}

// String says the parameters in words: "C9 18 bytes; toolkit priority 1, timers 1; access MF FF; access A0000000871002… 02010100".
func (p InstallParameters) String() string {
	words := []string{fmt.Sprintf("C9 %d bytes", len(p.Application))}
	if q := p.Quota; q != nil {
		words = append(words, fmt.Sprintf("quota %d volatile, %d non-volatile", q.Volatile, q.NonVolatile))
	}
	if k := p.Toolkit; k != nil {
		words = append(words, fmt.Sprintf("toolkit priority %d, timers %d", k.Priority, k.Timers))
	}
	if k := p.SIM; k != nil {
		words = append(words, fmt.Sprintf("SIM toolkit priority %d, timers %d, access %X", k.Priority, k.Timers, k.Domain))
	}
	for _, a := range p.Access {
		tree := "MF"
		if len(a.ADF) > 0 {
			tree = fmt.Sprintf("%X", a.ADF)
		}
		words = append(words, fmt.Sprintf("access %s %X", tree, a.Domain))
	}
	return strings.Join(words, "; ")
}
