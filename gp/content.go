package gp

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// ErrContent is wrapped by everything that cannot be put into a command of card content management.
var ErrContent = errors.New("card content")

// P1 of INSTALL (GPCS table 11-42).
const (
	installLoad        = 0x02
	installInstall     = 0x04
	installSelectable  = 0x08
	installPersonalize = 0x20
)

// lv appends length-value fields: AIDs, parameters, tokens. A length above 127 takes 81 before it, which only parameters come to
// (GPCS clause 11.1.5).
func lv(fields ...[]byte) ([]byte, error) {
	var out []byte
	for _, f := range fields {
		if len(f) > apdu.MaxShortData {
			return nil, fmt.Errorf("%w: a field of %d bytes does not fit INSTALL", ErrContent, len(f))
		}
		if len(f) > 0x7F {
			out = append(out, 0x81)
		}
		out = append(append(out, byte(len(f))), f...)
	}
	return out, nil
}

func install(p1 byte, fields ...[]byte) (apdu.Command, error) {
	data, err := lv(fields...)
	if err != nil {
		return apdu.Command{}, err
	}
	if len(data) > apdu.MaxShortData {
		return apdu.Command{}, fmt.Errorf("%w: INSTALL has %d bytes of data, a command carries %d", ErrContent, len(data), apdu.MaxShortData)
	}
	return apdu.Command{CLA: 0x80, INS: apdu.INSInstall, P1: p1, Data: data, Le: apdu.MaxShortLe}, nil
}

// InstallForLoad builds INSTALL [for load]: the load file's AID, the security domain it goes to (empty: the card's choice), its hash and
// the load parameters, both of which may be empty (GPCS clause 11.5.2.3.1).
func InstallForLoad(loadFile, domain, hash, parameters []byte) (apdu.Command, error) {
	return install(installLoad, loadFile, domain, hash, parameters, nil)
}

// Instance is what INSTALL [for install] makes.
type Instance struct {
	LoadFile, Module, AID []byte
	Privileges            []byte // 1 or 3 bytes
	Parameters            []byte // the whole field: C9 first, see InstallParameters
}

// InstallForInstall builds INSTALL [for install], with selectable [for install and make selectable] (clause 11.5.2.3.2).
func InstallForInstall(i Instance, selectable bool) (apdu.Command, error) {
	if len(i.Privileges) != 1 && len(i.Privileges) != 3 {
		return apdu.Command{}, fmt.Errorf("%w: privileges are 1 or 3 bytes, not %d", ErrContent, len(i.Privileges))
	}
	p1 := byte(installInstall)
	if selectable {
		p1 |= installSelectable
	}
	return install(p1, i.LoadFile, i.Module, i.AID, i.Privileges, i.Parameters, nil)
}

// InstallForMakeSelectable builds INSTALL [for make selectable] of an instance that was installed without it (clause 11.5.2.3.3).
func InstallForMakeSelectable(instance, privileges []byte) (apdu.Command, error) {
	return install(installSelectable, nil, nil, instance, privileges, nil, nil)
}

// InstallForPersonalization builds INSTALL [for personalization]: STORE DATA that follows is the instance's (clause 11.5.2.3.6).
func InstallForPersonalization(instance []byte) (apdu.Command, error) {
	return install(installPersonalize, nil, nil, instance, nil, nil, nil)
}

// Delete builds DELETE of an application or load file, with related everything that belongs to it (clause 11.2.2).
func Delete(aid []byte, related bool) apdu.Command {
	c := apdu.Command{CLA: 0x80, INS: apdu.INSDelete, Data: tlv.Encode(0x4F, aid), Le: apdu.MaxShortLe}
	if related {
		c.P2 = 0x80
	}
	return c
}

// DeleteKeys builds DELETE of a key set, or of one key of it when id is not 0 (clause 11.2.2.3).
func DeleteKeys(kvn, id byte) apdu.Command {
	var data []byte
	if id != 0 {
		data = tlv.Encode(0xD0, []byte{id})
	}
	return apdu.Command{CLA: 0x80, INS: apdu.INSDelete, Data: tlv.Append(data, 0xD2, []byte{kvn}), Le: apdu.MaxShortLe}
}

// Life cycle of a card (GPCS table 11-6).
const (
	CardOPReady     = 0x01
	CardInitialized = 0x07
	CardSecured     = 0x0F
	CardLocked      = 0x7F
	cardTerminated  = 0xFF
)

// lockBit of SET STATUS locks an application; without it the application gets the state back it had (table 11-4).
const lockBit = 0x80

// SetStatus builds SET STATUS (clause 11.10). Ending a card's life is not built here: nobody can want it by mistake.
func SetStatus(kind Kind, aid []byte, state byte) (apdu.Command, error) {
	if kind == Domains && state == cardTerminated {
		return apdu.Command{}, fmt.Errorf("%w: TERMINATED ends the card for ever and is refused", ErrContent)
	}
	return apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: byte(kind), P2: state, Data: aid}, nil
}

// LockApplication builds SET STATUS that keeps an application from being selected, UnlockApplication what gives it back.
func LockApplication(aid []byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSSetStatus, P1: byte(Applications), P2: lockBit, Data: aid}
}

// UnlockApplication undoes LockApplication.
func UnlockApplication(aid []byte) apdu.Command {
	c := LockApplication(aid)
	c.P2 = 0
	return c
}

// Bits of P1 of STORE DATA (GPCS table 11-88): the last block, which StoreData sets itself; what is encrypted; the form of the data; whether an
// answer is expected.
const (
	StoreLast                 = 0x80
	StoreEncrypted            = 0x60 // all data is encrypted
	StoreApplicationEncrypted = 0x20 // as the application and its provider agreed
	StoreBERTLV               = 0x10
	StoreDGI                  = 0x08
	StoreResponse             = 0x01
	storeMask                 = 0x7F
)

// StoreData builds the chain of STORE DATA commands for data, most bytes a block: P1 as given, the last block marked, P2 counting from 00. The
// answer of each block counts.
func StoreData(p1 byte, data []byte, most int) ([]apdu.Command, error) {
	out, err := blocks(apdu.INSStoreData, p1&storeMask, data, most)
	for n := range out {
		if p1&StoreResponse != 0 {
			out[n].Le = apdu.MaxShortLe
		}
	}
	return out, err
}

// Load builds the chain of LOAD commands: the load file under tag C4, most bytes a block (clause 11.6.2). The length stands in 82 LLLL
// form, as every loader writes it.
func Load(loadFile []byte, most int) ([]apdu.Command, error) {
	if len(loadFile) == 0 || len(loadFile) > 0xFFFF {
		return nil, fmt.Errorf("%w: a load file of %d bytes", ErrContent, len(loadFile))
	}
	data := append([]byte{0xC4, 0x82, byte(len(loadFile) >> 8), byte(len(loadFile))}, loadFile...)
	out, err := blocks(apdu.INSLoad, 0x00, data, most)
	for n := range out {
		out[n].Le = apdu.MaxShortLe
	}
	return out, err
}

func blocks(ins, p1 byte, data []byte, most int) ([]apdu.Command, error) {
	if most < 1 || most > apdu.MaxShortData || len(data) == 0 || len(data) > 256*most {
		return nil, fmt.Errorf("%w: %d bytes; a chain carries 256 blocks of %d", ErrContent, len(data), max(most, 0))
	}
	var out []apdu.Command
	for n := 0; len(data) > 0; n++ {
		size := min(most, len(data))
		c := apdu.Command{CLA: 0x80, INS: ins, P1: p1, P2: byte(n), Data: data[:size]}
		data = data[size:]
		if len(data) == 0 {
			c.P1 |= StoreLast
		}
		out = append(out, c)
	}
	return out, nil
}
