package bindapp

import (
	"bytes"
	"errors"
	"slices"

	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/internal/rules"
	"github.com/simbind/simbind/vuicc/plug"
)

// File identifiers (TS 31.102 clause 4.7).
const (
	fidMF   = 0x3F00
	fidADF  = 0x7FFF
	fidGSM  = 0x7F20
	fid5GS  = 0x5FC0
	fidIMSI = 0x6F07
	fidUST  = 0x6F38
	fidIPS  = 0x6FF1
)

// which names a copy; it numbers the bits of tags 87 and E3 85.
type which int

const (
	copyUSIM which = iota
	copyGSM
)

// Cells of a copy.
func (w which) backup() string   { return [...]string{"backup.usim", "backup.gsm"}[w] }
func (w which) replaced() string { return [...]string{"replaced.usim", "replaced.gsm"}[w] }

// file is a path in one of the two trees: from the ADF.USIM, or from MF.
type file struct {
	usim bool
	path []uint16
}

// same tells whether it is the same file.
func (f file) same(o file) bool { return f.usim == o.usim && slices.Equal(f.path, o.path) }

// rank orders a list: EF_IMSI of ADF.USIM, that of DF_GSM, then as locationFiles has them.
func (f file) rank() int {
	switch {
	case f.same(fileUSIM):
		return 0
	case f.same(fileGSM):
		return 1
	}
	return 2 + slices.IndexFunc(locationFiles, func(x locationFile) bool { return x.same(f) })
}

// full is the path as REFRESH lists it: 3F00, 7FFF for the ADF, then the identifiers.
func (f file) full() []byte {
	b := []byte{fidMF >> 8, fidMF & 0xFF}
	if f.usim {
		b = append(b, fidADF>>8, fidADF&0xFF)
	}
	for _, id := range f.path {
		b = append(b, byte(id>>8), byte(id))
	}
	return b
}

var (
	fileUSIM = file{true, []uint16{fidIMSI}}
	fileGSM  = file{false, []uint16{fidGSM, fidIMSI}}
)

// imsiCopy is one copy of EF_IMSI (§1), as it stands.
type imsiCopy struct {
	which
	file
	fcp     []byte
	content []byte // nil when it cannot be read
	backup  []byte // nil when there is none
}

// open selects a file and gives the view with that file current, and its FCP.
func (a *applet) open(f file) (plug.FileView, []byte, error) {
	adf, root := []byte(nil), uint16(fidMF)
	if f.usim {
		adf, root = a.env.Get(cellADF), fidADF
		if adf == nil {
			return nil, nil, plug.FileNotFound
		}
	}
	v, err := a.env.FileView(adf)
	if err != nil {
		return nil, nil, err
	}
	fcp, err := v.Select(root)
	for _, id := range f.path {
		if err != nil {
			break
		}
		fcp, err = v.Select(id)
	}
	return v, fcp, err
}

func (a *applet) readBinary(f file, length int) (content, fcp []byte, err error) {
	v, fcp, err := a.open(f)
	if err != nil {
		return nil, nil, err
	}
	content, err = v.ReadBinary(0, length)
	if err == nil && len(content) != length {
		err = plug.OutOfFileBoundaries
	}
	return content, fcp, err
}

func (a *applet) writeBinary(f file, content []byte) error {
	v, _, err := a.open(f)
	if err != nil {
		return err
	}
	return v.UpdateBinary(0, content)
}

// copies reads every copy. The ADF.USIM copy exists when the instance knows the ADF, readable or not; the DF_GSM copy
// when the file is there and is not the same file.
func (a *applet) copies() []imsiCopy {
	var out []imsiCopy
	if a.env.Get(cellADF) != nil {
		content, fcp, err := a.readBinary(fileUSIM, sizeIMSI)
		out = append(out, a.copyAs(copyUSIM, fileUSIM, content, fcp, err))
	}
	content, fcp, err := a.readBinary(fileGSM, sizeIMSI)
	if errors.Is(err, plug.FileNotFound) || linked(fcp) || len(out) == 1 && linked(out[0].fcp) {
		return out
	}
	return append(out, a.copyAs(copyGSM, fileGSM, content, fcp, err))
}

func (a *applet) copyAs(w which, f file, content, fcp []byte, err error) imsiCopy {
	if err != nil {
		content = nil
	}
	return imsiCopy{which: w, file: f, fcp: fcp, content: content, backup: a.env.Get(w.backup())}
}

// linked tells whether the FCP says that this file is another one's image: tag 9B, a path that ends in EF_IMSI, inside
// the proprietary A5. A link without that mark does no harm: both names then always show the same content.
func linked(fcp []byte) bool {
	path, _ := inside(fcp, 0x62, 0xA5).Find(0x9B)
	return bytes.HasSuffix(path, []byte{fidIMSI >> 8, fidIMSI & 0xFF})
}

// inside gives the objects of a template in a template; none when something on the way is missing or malformed.
func inside(b []byte, path ...tlv.Tag) tlv.Objects {
	objects, err := tlv.ParseLenient(b)
	for _, tag := range path {
		if err != nil {
			return nil
		}
		v, _ := objects.Find(tag)
		objects, err = tlv.ParseLenient(v)
	}
	return objects
}

// denials are the values that must never be taken for a subscriber's: the one in force and those that a
// changed configuration may have left in a file.
func (a *applet) denials(c configuration) [][]byte {
	if !a.holds(rules.RememberDenialValues) {
		return [][]byte{c.denial}
	}
	return append([][]byte{c.denial}, slices.Collect(slices.Chunk(a.retired(), sizeIMSI))...)
}

func among(values [][]byte, v []byte) bool {
	return slices.ContainsFunc(values, func(x []byte) bool { return bytes.Equal(x, v) })
}

// anyBackup tells whether some copy has a backup.
func anyBackup(copies []imsiCopy) bool {
	return slices.ContainsFunc(copies, func(c imsiCopy) bool { return c.backup != nil })
}

// service130 tells whether UST service 130 is available (TS 31.102 clause 4.2.8: byte 17 b2): there is no EF_IMSI then.
func (a *applet) service130() bool {
	ust, _, err := a.readBinary(file{true, []uint16{fidUST}}, 17)
	return err == nil && ust[16]&0x02 != 0
}
