// Package uicc speaks ETSI TS 102 221 with a card: files, records, PINs, logical channels.
//
// Commands are pure builders (this file and pincommands.go); the functions that send them name themselves in
// their errors. "Clause" without a document is a clause of TS 102 221.
package uicc

import (
	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// P1 and P2 of SELECT (clause 11.1.1.2) and P2 of the record commands (clauses 11.1.5.2, 11.1.6.2).
const (
	selectFID         = 0x00
	selectAID         = 0x04
	selectPathMF      = 0x08
	selectPathCurrent = 0x09
	returnFCP         = 0x04
	returnNothing     = 0x0C
	endApplication    = 0x40 // with selectAID: end the application session

	recordAbsolute = 0x04
	recordNext     = 0x02
	recordPrevious = 0x03
)

// SelectFID builds SELECT of a file by identifier, answering its FCP (clause 11.1.1).
func SelectFID(f FID) apdu.Command { return selectCommand(selectFID, returnFCP, f.bytes()) }

// SelectPath builds SELECT by path from the MF, or, beginning with 7FFF, from the current ADF; the leading 3F00
// is not sent (clause 8.4.2). The MF alone, or no path, is SELECT of 3F00.
func SelectPath(p Path) apdu.Command {
	if len(p) > 0 && p[0] == MF {
		p = p[1:]
	}
	if len(p) == 0 {
		return SelectFID(MF)
	}
	return selectCommand(selectPathMF, returnFCP, p.bytes())
}

// SelectPathFromDF builds SELECT by a path that begins below the current DF (clause 8.4.2).
func SelectPathFromDF(p Path) apdu.Command {
	return selectCommand(selectPathCurrent, returnFCP, p.bytes())
}

// SelectAIDCommand builds SELECT of an application by AID (full, or its first bytes), answering FCP.
func SelectAIDCommand(aid []byte) apdu.Command { return selectCommand(selectAID, returnFCP, aid) }

// SelectSilent is a SELECT without an answer: P2 0C, no Le.
func SelectSilent(c apdu.Command) apdu.Command {
	c.P2, c.Le = returnNothing, 0
	return c
}

// EndApplication builds the SELECT that ends the session of an application, without an answer (clause 11.1.1.2, P2 b7).
func EndApplication(aid []byte) apdu.Command {
	c := SelectSilent(SelectAIDCommand(aid))
	c.P2 |= endApplication
	return c
}

func selectCommand(p1, p2 byte, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: p1, P2: p2, Data: data, Le: apdu.MaxShortLe}
}

// StatusFCP builds STATUS, answering the FCP of the current DF or ADF (clause 11.1.2).
func StatusFCP() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSStatus, Le: apdu.MaxShortLe}
}

// StatusAID builds STATUS, answering the AID of the selected application in tag 84.
func StatusAID() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P2: 0x01, Le: apdu.MaxShortLe}
}

// StatusPoll builds STATUS without an answer: the terminal's poll for a proactive command (clauses 11.1.2, 14.5).
func StatusPoll() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P2: returnNothing}
}

// ReadBinary builds READ BINARY of n bytes, 1 to 256, from offset (0 to 32767) in the current EF; n 0 asks for
// 256 (clause 11.1.3).
func ReadBinary(offset, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadBinary, P1: byte(offset>>8) & 0x7F, P2: byte(offset), Le: leOf(n)}
}

// ReadBinarySFI builds READ BINARY that makes the EF with that SFI current.
func ReadBinarySFI(f SFI, offset byte, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadBinary, P1: 0x80 | byte(f)&0x1F, P2: offset, Le: leOf(n)}
}

// UpdateBinary builds UPDATE BINARY of 1 to 255 bytes at offset (0 to 32767) in the current EF (clause 11.1.4).
func UpdateBinary(offset int, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateBinary, P1: byte(offset>>8) & 0x7F, P2: byte(offset), Data: data}
}

// UpdateBinarySFI builds UPDATE BINARY that makes the EF with that SFI current.
func UpdateBinarySFI(f SFI, offset byte, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateBinary, P1: 0x80 | byte(f)&0x1F, P2: offset, Data: data}
}

// ReadRecord builds READ RECORD of a record by number, from 1 (0: the current record); n is its length, 0 asks for
// 256. f 0 means the current EF (clause 11.1.5).
func ReadRecord(f SFI, number byte, n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadRecord, P1: number, P2: byte(f)<<3 | recordAbsolute, Le: leOf(n)}
}

// NextRecord builds READ RECORD in next mode on the current EF.
func NextRecord(n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadRecord, P2: recordNext, Le: leOf(n)}
}

// PreviousRecord builds READ RECORD in previous mode on the current EF.
func PreviousRecord(n int) apdu.Command {
	return apdu.Command{INS: apdu.INSReadRecord, P2: recordPrevious, Le: leOf(n)}
}

// UpdateRecord builds UPDATE RECORD of a record by number; f 0 means the current EF (clause 11.1.6).
func UpdateRecord(f SFI, number byte, data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateRecord, P1: number, P2: byte(f)<<3 | recordAbsolute, Data: data}
}

// UpdateOldestRecord builds UPDATE RECORD in previous mode, the only one a cyclic EF takes (clause 11.1.6.1): the
// oldest record is overwritten and becomes record 1.
func UpdateOldestRecord(data []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSUpdateRecord, P2: recordPrevious, Data: data}
}

// SearchRecord builds a simple forward SEARCH RECORD from record first; f 0 means the current EF. It answers the
// numbers of the records that hold pattern (clause 11.1.7).
func SearchRecord(f SFI, first byte, pattern []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSearchRecord, P1: first, P2: byte(f)<<3 | recordAbsolute, Data: pattern, Le: apdu.MaxShortLe}
}

// ActivateFile builds ACTIVATE FILE of the current EF (clause 11.1.15).
func ActivateFile() apdu.Command { return apdu.Command{INS: apdu.INSActivateFile} }

// DeactivateFile builds DEACTIVATE FILE of the current EF (clause 11.1.14).
func DeactivateFile() apdu.Command { return apdu.Command{INS: apdu.INSDeactivateFile} }

// OpenChannel builds MANAGE CHANNEL open: the card chooses the channel and answers its number, one byte (clause 11.1.17).
func OpenChannel() apdu.Command { return apdu.Command{INS: apdu.INSManageChannel, Le: 1} }

// CloseChannel builds MANAGE CHANNEL close of channel 1 to 19.
func CloseChannel(ch byte) apdu.Command {
	return apdu.Command{INS: apdu.INSManageChannel, P1: 0x80, P2: ch}
}

// TerminalCapability builds TERMINAL CAPABILITY: what the terminal can do, as data objects for template A9
// (clause 11.1.19). It is sent only to a card whose FCP of the MF asks for it, before any application is selected.
func TerminalCapability(objects []byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSTerminalCapability, Data: tlv.Encode(0xA9, objects)}
}

func leOf(n int) int {
	if n == 0 {
		return apdu.MaxShortLe
	}
	return n
}
