// Package uicc speaks ETSI TS 102 221 with a card: files, records, PINs, logical channels.
// Commands are pure builders; the functions that send them name themselves in their errors.
package uicc

import (
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

// FID is a file identifier.
type FID uint16

// File identifiers every UICC knows.
const (
	MF         FID = 0x3F00
	CurrentADF FID = 0x7FFF
	DFGSM      FID = 0x7F20
	DFTelecom  FID = 0x7F10
	DF5GS      FID = 0x5FC0
)

func (f FID) String() string { return fmt.Sprintf("%04X", uint16(f)) }

func (f FID) bytes() []byte { return []byte{byte(f >> 8), byte(f)} }

// Path is a path of file identifiers; it begins with 3F00 (MF) or 7FFF (the current ADF).
type Path []FID

// String is the identifiers, parted by slashes; empty for no path.
func (p Path) String() string {
	var out []string
	for _, f := range p {
		out = append(out, f.String())
	}
	return strings.Join(out, "/")
}

// Equal compares identifier by identifier; an empty path equals nothing.
func (p Path) Equal(o Path) bool { return len(p) > 0 && p.String() == o.String() }

// SFI is a short file identifier, 1 to 30; 0 is none.
type SFI byte

// Selecting modes of SELECT's P1 and the answer asked for by P2 (clause 11.1.1.2).
const (
	selectFID      = 0x00
	selectParent   = 0x03
	selectAID      = 0x04
	selectPathMF   = 0x08
	returnFCP      = 0x04
	returnNothing  = 0x0C
	recordAbsolute = 0x04
	recordNext     = 0x02
	recordPrevious = 0x03
)

// SelectFID builds SELECT of a file by identifier, answering its FCP (clause 11.1.1).
func SelectFID(f FID) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: selectFID, P2: returnFCP, Data: f.bytes(), Le: apdu.MaxShortLe}
}

// SelectPath builds SELECT by path from the MF; the leading 3F00 is not sent (clause 8.4.2).
func SelectPath(p Path) apdu.Command {
	if len(p) > 0 && p[0] == MF {
		p = p[1:]
	}
	var data []byte
	for _, f := range p {
		data = append(data, f.bytes()...)
	}
	return apdu.Command{INS: apdu.INSSelect, P1: selectPathMF, P2: returnFCP, Data: data, Le: apdu.MaxShortLe}
}

// SelectAIDCommand builds SELECT of an application by AID (full, or its first bytes), answering FCP.
func SelectAIDCommand(aid []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: selectAID, P2: returnFCP, Data: aid, Le: apdu.MaxShortLe}
}

// ReadBinary builds READ BINARY of n bytes, 1 to 256, from offset in the current EF; n 0 asks for 256 (clause 11.1.3).
func ReadBinary(offset, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadBinary, P1: byte(offset>>8) & 0x7F, P2: byte(offset), Le: leOf(n)}
}

// ReadBinarySFI builds READ BINARY that makes the EF with that SFI current.
func ReadBinarySFI(f SFI, offset byte, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadBinary, P1: 0x80 | byte(f)&0x1F, P2: offset, Le: leOf(n)}
}

// UpdateBinary builds UPDATE BINARY of 1 to 255 bytes at offset in the current EF (clause 11.1.4).
func UpdateBinary(offset int, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateBinary, P1: byte(offset>>8) & 0x7F, P2: byte(offset), Data: data}
}

// UpdateBinarySFI builds UPDATE BINARY that makes the EF with that SFI current.
func UpdateBinarySFI(f SFI, offset byte, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x80 | byte(f)&0x1F, P2: offset, Data: data}
}

// ReadRecord builds READ RECORD of a record by number, from 1; f 0 means the current EF (clause 11.1.5).
func ReadRecord(f SFI, number byte, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadRecord, P1: number, P2: byte(f)<<3 | recordAbsolute, Le: leOf(n)}
}

// UpdateRecord builds UPDATE RECORD of a record by number; f 0 means the current EF (clause 11.1.6).
func UpdateRecord(f SFI, number byte, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateRecord, P1: number, P2: byte(f)<<3 | recordAbsolute, Data: data}
}

// UpdateOldestRecord builds UPDATE RECORD in previous mode, the only one a cyclic EF takes (clause 11.1.6.1).
func UpdateOldestRecord(data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateRecord, P2: recordPrevious, Data: data}
}

// NextRecord builds READ RECORD in next mode on the current EF.
func NextRecord(n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadRecord, P2: recordNext, Le: leOf(n)}
}

// SearchRecord builds a simple forward SEARCH RECORD from record 1 of the current EF (clause 11.1.7).
func SearchRecord(pattern []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSearchRecord, P1: 1, P2: 0x04, Data: pattern, Le: apdu.MaxShortLe}
}

// StatusFCP builds STATUS, answering the FCP of the current DF or ADF (clause 11.1.2).
func StatusFCP() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSStatus, Le: apdu.MaxShortLe}
}

// ActivateFile and DeactivateFile act on the current EF (clauses 11.1.15, 11.1.14).
func ActivateFile() apdu.Command   { return apdu.Command{INS: apdu.INSActivateFile} }
func DeactivateFile() apdu.Command { return apdu.Command{INS: apdu.INSDeactivateFile} }

// OpenChannel builds MANAGE CHANNEL open: the card chooses the channel and answers its number (clause 11.1.17).
func OpenChannel() apdu.Command { return apdu.Command{INS: apdu.INSManageChannel, Le: 1} }

// CloseChannel builds MANAGE CHANNEL close.
func CloseChannel(ch byte) apdu.Command {
	return apdu.Command{INS: apdu.INSManageChannel, P1: 0x80, P2: ch}
}

// pinCommand builds the PIN commands, which differ in INS and in what they carry (clauses 11.1.9 to 11.1.13).
func pinCommand(ins byte, ref KeyRef, codes ...secret.Bytes) apdu.Command {
	var data []byte
	for _, c := range codes {
		data = append(data, c.Reveal()...)
	}
	return apdu.Command{INS: ins, P2: byte(ref), Data: data}
}

// VerifyEmpty builds VERIFY without data: it asks for the counter and spends nothing (clause 11.1.9.3).
func VerifyEmpty(ref KeyRef) apdu.Command { return pinCommand(apdu.INSVerifyPIN, ref) }

// VerifyPIN builds VERIFY with a code of 8 bytes.
func VerifyPIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSVerifyPIN, ref, code)
}

// ChangePIN builds CHANGE PIN: old code, then new.
func ChangePIN(ref KeyRef, old, fresh secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSChangePIN, ref, old, fresh)
}

// UnblockPIN builds UNBLOCK PIN: the PUK, then the new code.
func UnblockPIN(ref KeyRef, puk, fresh secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSUnblockPIN, ref, puk, fresh)
}

// DisablePIN and EnablePIN take the code.
func DisablePIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSDisablePIN, ref, code)
}

// EnablePIN builds ENABLE PIN.
func EnablePIN(ref KeyRef, code secret.Bytes) apdu.Command {
	return pinCommand(apdu.INSEnablePIN, ref, code)
}

func leOf(n int) int {
	if n == 0 {
		return apdu.MaxShortLe
	}
	return n
}
