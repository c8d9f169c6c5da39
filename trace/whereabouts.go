package trace

import (
	"strings"

	"github.com/simbind/simbind/apdu"
)

// directory is one whose files are told apart here; zero is any other, of whose files nothing is shown.
type directory int

const (
	dirOther directory = iota
	dirMF
	dirUSIM
	dirISIM
	dirGSM
	dirTelecom
	dir5GS
	dirGSMAccess
)

// whereabouts is where a logical channel stands.
type whereabouts struct {
	dir  directory
	app  directory // what 7FFF is: the application selected last by AID
	file kind      // of the current file
}

// AIDs of a USIM and an ISIM begin with the RID of 3GPP and the code of the application (TS 101 220 annex E).
const (
	usimPrefix = "\xA0\x00\x00\x00\x87\x10\x02"
	isimPrefix = "\xA0\x00\x00\x00\x87\x10\x04"
)

// reached is how private the file is that a command reads or writes.
func (w *whereabouts) reached(c apdu.Command) kind {
	sfi := shortIdentifier(c)
	if sfi == 0 {
		return w.file
	}
	shape := transparent
	if recordINS[c.INS] {
		shape = records
	}
	return shortFiles[w.dir][short{sfi, shape}]
}

// recordINS work on files of records.
var recordINS = map[byte]bool{apdu.INSReadRecord: true, apdu.INSUpdateRecord: true, apdu.INSSearchRecord: true, apdu.INSIncrease: true}

// shortIdentifier is the short file identifier a command names; 0: it works on the current file. Class A0 has none.
func shortIdentifier(c apdu.Command) byte {
	switch {
	case apdu.BaseClass(c.CLA) == 0xA0:
		return 0
	case c.INS == apdu.INSReadBinary, c.INS == apdu.INSUpdateBinary, c.INS == apdu.INSIncrease:
		if c.P1&0x80 != 0 {
			return c.P1 & 0x1F
		}
	case recordINS[c.INS]:
		return c.P2 >> 3
	case c.INS == insRetrieveData, c.INS == insSetData:
		return c.P2 & 0x1F
	}
	return 0
}

// follow moves where a command leads that was carried out. After one that was refused the card stands where it stood, or so the standard
// has it: which file is current is then taken as not known. After one without an answer nothing is known.
func (w *whereabouts) follow(c apdu.Command, sw apdu.SW) {
	done := sw.OK() || sw.Warning() || sw.SW1() == 0x61 || sw.SW1() == 0x9F
	switch {
	case c.INS == apdu.INSSelect && sw == 0:
		*w = whereabouts{}
	case c.INS == apdu.INSSelect && !done:
		w.file = never
	case c.INS == apdu.INSSelect:
		w.enter(c)
	case shortIdentifier(c) != 0:
		w.file = w.reached(c) // the file becomes the current one
	}
}

// enter follows SELECT (TS 102 221 clause 11.1.1.2).
func (w *whereabouts) enter(c apdu.Command) {
	w.file = never
	switch c.P1 {
	case 0x04:
		w.application(string(c.Data))
	case 0x03:
		w.dir = parents[w.dir]
	case 0x08:
		w.dir = dirMF
		w.walk(c.Data)
	default:
		if len(c.Data) < 2 {
			w.dir = dirMF
		}
		w.walk(c.Data)
	}
}

func (w *whereabouts) application(aid string) {
	w.app = dirOther
	switch {
	case strings.HasPrefix(aid, usimPrefix):
		w.app = dirUSIM
	case strings.HasPrefix(aid, isimPrefix):
		w.app = dirISIM
	}
	w.dir = w.app
}

// parents of directories; that of an application is the MF.
var parents = map[directory]directory{
	dirMF: dirMF, dirUSIM: dirMF, dirISIM: dirMF, dirGSM: dirMF, dirTelecom: dirMF, dir5GS: dirUSIM, dirGSMAccess: dirUSIM,
}

// walk follows identifiers of two bytes each, from the current directory.
func (w *whereabouts) walk(path []byte) {
	for ; len(path) >= 2; path = path[2:] {
		w.step(uint16(path[0])<<8 | uint16(path[1]))
	}
}

// step enters a directory, or makes a file the current one. Identifiers of files begin with 2F below the MF, with 6F below an application
// or a DF of the first level, with 4F deeper (TS 102 221 clause 8.6); any other that is not known may be a directory.
func (w *whereabouts) step(fid uint16) {
	w.file = never
	switch high := fid >> 8; {
	case fid == 0x3F00:
		w.dir = dirMF
	case fid == 0x7FFF:
		w.dir = w.app
	case fid == 0x7F20:
		w.dir = dirGSM
	case fid == 0x7F10:
		w.dir = dirTelecom
	case high == 0x5F:
		w.dir = w.below(fid)
	case high == 0x2F:
		w.dir, w.file = dirMF, files[dirMF][fid]
	case high == 0x6F, high == 0x4F:
		w.file = files[w.dir][fid]
	default:
		w.dir = dirOther
	}
}

// below is a directory of a USIM, entered from it or from one beside.
func (w *whereabouts) below(fid uint16) directory {
	switch w.dir {
	case dirUSIM, dir5GS, dirGSMAccess:
		return map[uint16]directory{0x5FC0: dir5GS, 0x5F3B: dirGSMAccess}[fid]
	}
	return dirOther
}
