package binding

import (
	"bytes"

	"github.com/simbind/simbind/apdu"
)

// AIDs of card interface §2: proprietary, unregistered category.
var (
	DefaultPackageAID = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44}
	DefaultAID        = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01} // module and instance
)

// Objects GET DATA reads, as they stand in P2 (card interface §3).
const (
	ObjectConfiguration byte = 0xE0
	ObjectState         byte = 0xE1
	ObjectInformation   byte = 0xE3
	ObjectLog           byte = 0xE4
)

// SelectApplet builds SELECT by AID (TS 102 221 §11.1.1, card interface §2), on the basic channel: P2 00, answered by the FCI.
func SelectApplet(aid []byte) apdu.Command {
	return apdu.Command{INS: apdu.INSSelect, P1: 0x04, Data: bytes.Clone(aid), Le: apdu.MaxShortLe}
}

// GetData builds GET DATA (card interface §3) for a part of an object, 200 bytes each, from 0. See [Parts].
func GetData(object, part byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P1: part, P2: object, Le: apdu.MaxShortLe}
}

// Bits of P1 of STORE DATA (GPCS 2.3.1 §11.11.2).
const (
	storeBER  = 0x10 // b5b4 = 10: BER-TLV
	storeLast = 0x80 // b8: last block
)

// maxBlocks is how many blocks P2 can count.
const maxBlocks = 256

// StoreData builds the chain of STORE DATA commands that carries one template (card interface §3, GPCS 2.3.1 §11.11.2), most
// bytes a block, 1 to 255: P1 b8 marks the last block, b5b4 = 10 says BER-TLV, P2 counts from 00. The commands are plain;
// they go out through a secure channel, and most is what that leaves room for.
//
// Blocks are larger than most when P2 could not count them otherwise, which no valid template and no real most comes to.
func StoreData(template []byte, most int) []apdu.Command {
	size := max(min(most, apdu.MaxShortData), 1, (len(template)+maxBlocks-1)/maxBlocks)
	var out []apdu.Command
	for rest := template; ; {
		n := min(size, len(rest))
		c := apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, P1: storeBER, P2: byte(len(out)), Data: bytes.Clone(rest[:n])}
		if rest = rest[n:]; len(rest) == 0 {
			c.P1 |= storeLast
			return append(out, c)
		}
		out = append(out, c)
	}
}
