package sd

import (
	"bytes"
	"crypto/sha1" // what the standard lets a load file be hashed with
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"
	"slices"

	"github.com/simbind/simbind/apdu"
)

// load is a load file on its way in: after INSTALL [for load], up to the last LOAD.
type load struct {
	aid  []byte
	want []byte // hash, empty without
	hash func() hash.Hash
	next byte   // block number
	data []byte // so far, from C4 on
	over bool   // the block FF was taken
}

// hashOf is the hash of a load file data block by its length (GPCS clause C.2); 0 is none.
func hashOf(size int) (func() hash.Hash, bool) {
	switch size {
	case 0:
		return nil, true
	case sha1.Size:
		return sha1.New, true
	case sha256.Size:
		return sha256.New, true
	case sha512.Size384:
		return sha512.New384, true
	case sha512.Size:
		return sha512.New, true
	}
	return nil, false
}

// load is LOAD (GPCS clause 11.6): P1 00 more blocks, 80 the last; P2 the block number from 00. Any failure ends the load.
func (d *Domain) load(c apdu.Command) apdu.Response {
	ch := apdu.Channel(c.CLA)
	l := d.loads[ch]
	delete(d.loads, ch)
	rt, able := d.installer()
	switch {
	case l == nil || !able:
		return refuse(apdu.SWConditions)
	case c.P1&^byte(0x80) != 0 || c.P2 != l.next || l.over:
		return refuse(apdu.SWWrongP1P2)
	case len(c.Data) == 0:
		return refuse(apdu.SWWrongLength)
	}
	l.data = append(l.data, c.Data...)
	l.over = l.next == 0xFF
	l.next++
	if sw := l.plausible(rt); sw != apdu.SWOK {
		return refuse(sw)
	}
	if c.P1 == 0 {
		d.loads[ch] = l
		return done()
	}
	return d.finish(rt, l)
}

// plausible looks at tag and length as soon as they are there: a file that cannot fit is refused at its first block.
func (l *load) plausible(rt Installer) apdu.SW {
	if l.data[0] != 0xC4 { // E2, a DAP block, needs a privilege no domain here has
		return apdu.SWWrongData
	}
	size, n, ok := blockLength(l.data[1:])
	switch {
	case !ok:
		return apdu.SWWrongData
	case n > 0 && len(l.data) > 1+n+size:
		return apdu.SWWrongData
	}
	if free, _ := rt.Free(); size > free {
		return apdu.SWNoMemory
	}
	return apdu.SWOK
}

// blockLength reads a BER length, n being the bytes it takes; n is 0 while it is not there whole.
func blockLength(b []byte) (size, n int, ok bool) {
	switch {
	case len(b) == 0:
		return 0, 0, true
	case b[0] < 0x80:
		return int(b[0]), 1, true
	case b[0] < 0x81 || b[0] > 0x83:
		return 0, 0, false
	case len(b) < 1+int(b[0]&0x7F):
		return 0, 0, true
	}
	n = 1 + int(b[0]&0x7F)
	for _, v := range b[1:n] {
		size = size<<8 | int(v)
	}
	return size, n, true
}

// finish checks the whole load file and puts it into the registry.
func (d *Domain) finish(rt Installer, l *load) apdu.Response {
	block, ok := only(l.data, 0xC4)
	if !ok || !l.matches(block) {
		return refuse(apdu.SWWrongData)
	}
	f, err := parseCAP(block)
	switch {
	case err != nil || !bytes.Equal(f.AID, l.aid):
		return refuse(apdu.SWWrongData)
	case d.inUse(f.AID):
		return refuse(apdu.SWConditions)
	case len(d.missing(rt, f)) > 0:
		return refuse(swImportMissing)
	}
	reg := d.reg.copied()
	reg.LoadFiles = append(reg.LoadFiles, f)
	if err := d.setRegistry(reg); err != nil {
		return refuse(statusOr(err, apdu.SWMemory))
	}
	return done()
}

// swImportMissing is what cards answer when a load file was linked against a package they do not have; no standard fixes it.
const swImportMissing apdu.SW = 0x6438

// only gives the value of the one data object that fills b. Its length may be coded longer than needed: loaders write 82 LLLL always.
func only(b []byte, tag byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != tag {
		return nil, false
	}
	size, n, ok := blockLength(b[1:])
	if !ok || n == 0 || len(b) != 1+n+size {
		return nil, false
	}
	return b[1+n:], true
}

func (l *load) matches(block []byte) bool {
	if l.hash == nil {
		return true
	}
	h := l.hash()
	h.Write(block)
	return subtle.ConstantTimeCompare(h.Sum(nil), l.want) == 1
}

// missing are the imports that nothing on the card satisfies: the same major version, and at least the minor one.
func (d *Domain) missing(rt Installer, f LoadFile) []Package {
	var ask []Package
	for _, p := range f.Imports {
		if !slices.ContainsFunc(d.reg.LoadFiles, func(have LoadFile) bool { return have.Satisfies(p) }) {
			ask = append(ask, p)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	return rt.Missing(ask)
}

// Satisfies tells whether the package will do for an import (Java Card VM specification clause 4.5.2).
func (p Package) Satisfies(want Package) bool {
	return bytes.Equal(p.AID, want.AID) && p.Major == want.Major && p.Minor >= want.Minor
}
