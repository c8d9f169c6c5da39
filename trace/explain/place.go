package explain

import (
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// place is where a card's file system stands: the current directory and file.
type place struct {
	dir  uicc.Path // nil: not known, or an application without files
	file target
}

// target is the file a command is about.
type target struct {
	path uicc.Path // nil: not known
	row  usim.File // of the file table, when it has one
	name string    // of an application
}

func atReset() *place { return &place{dir: uicc.Path{uicc.MF}} }

// String names the path: "ADF.USIM/EF_IMSI".
func (t target) String() string {
	if t.name != "" {
		return t.name
	}
	var out []string
	for i, fid := range t.path {
		switch {
		case fid == uicc.CurrentADF:
			out = append(out, "ADF.USIM")
		case i == len(t.path)-1 && t.row.Name != "":
			out = append(out, strings.TrimSuffix(t.row.Name, " of DF_GSM"))
		case local(fid):
			out = append(out, fid.String())
		default:
			out = append(out, trace.FileName(uint16(fid)))
		}
	}
	return strings.Join(out, "/")
}

func at(path uicc.Path) target {
	t := target{path: path}
	t.row, _ = usim.FileAt(path)
	return t
}

// target is the file a command names, or works on because it is the current one.
func (p place) target(c apdu.Command) target {
	switch c.INS {
	case apdu.INSSelect:
		return p.selected(c)
	case apdu.INSReadBinary, apdu.INSUpdateBinary:
		if c.P1&0x80 != 0 {
			return p.bySFI(uicc.SFI(c.P1&0x1F), uicc.Transparent)
		}
		return p.file
	case apdu.INSReadRecord, apdu.INSUpdateRecord, apdu.INSSearchRecord:
		if sfi := c.P2 >> 3; sfi != 0 {
			return p.bySFI(uicc.SFI(sfi), uicc.LinearFixed)
		}
		return p.file
	case apdu.INSActivateFile, apdu.INSDeactivateFile, apdu.INSIncrease:
		return p.file
	}
	return target{}
}

// bySFI finds the file of the table; one SFI may be a transparent file or one of records.
func (p place) bySFI(sfi uicc.SFI, shape uicc.Structure) target {
	for _, f := range usim.Files {
		if f.SFI == sfi && f.Path[:len(f.Path)-1].Equal(p.dir) && (f.Shape == uicc.Transparent) == (shape == uicc.Transparent) {
			return target{path: f.Path, row: f}
		}
	}
	return target{}
}

// selected is what SELECT names (TS 102 221 clause 11.1.1.2).
func (p place) selected(c apdu.Command) target {
	fids := identifiers(c.Data)
	switch c.P1 {
	case 0x04:
		if usim.IsUSIM(c.Data) {
			return at(uicc.Path{uicc.CurrentADF})
		}
		return target{name: applicationName(c.Data)}
	case 0x08:
		if len(fids) > 0 && fids[0] != uicc.CurrentADF && fids[0] != uicc.MF {
			fids = append(uicc.Path{uicc.MF}, fids...)
		}
		return at(fids)
	case 0x09:
		return p.below(fids)
	case 0x03:
		if len(p.dir) > 1 {
			return at(p.dir[:len(p.dir)-1])
		}
		return target{}
	}
	if len(fids) == 0 {
		return at(uicc.Path{uicc.MF})
	}
	return p.byFID(fids)
}

func identifiers(b []byte) uicc.Path {
	var out uicc.Path
	for i := 0; i+1 < len(b) && len(out) < maxDepth; i += 2 {
		out = append(out, uicc.FID(b[i])<<8|uicc.FID(b[i+1]))
	}
	return out
}

// byFID: a child of the current directory, the directory itself, its parent's child, or one of the names that are valid everywhere.
func (p place) byFID(fids uicc.Path) target {
	fid := fids[0]
	switch {
	case fid == uicc.MF, fid == uicc.CurrentADF:
		return at(fids)
	case fid == uicc.DFGSM, fid == uicc.DFTelecom:
		return at(append(uicc.Path{uicc.MF}, fids...))
	case len(p.dir) > 0 && p.dir[len(p.dir)-1] == fid:
		return at(p.dir)
	}
	return p.below(fids)
}

func (p place) below(fids uicc.Path) target {
	if p.dir == nil {
		return target{}
	}
	return at(append(slices.Clone(p.dir), fids...))
}

// follow moves where a command that was carried out leads.
func (p *place) follow(c apdu.Command, r apdu.Response, t target) {
	if !selects(r.SW) {
		return
	}
	switch c.INS {
	case apdu.INSSelect:
		p.enter(t)
	case apdu.INSReadBinary, apdu.INSUpdateBinary, apdu.INSReadRecord, apdu.INSUpdateRecord:
		if t.path != nil {
			p.file = t
		}
	}
}

// selects: done, done with a warning, or done with data to collect (61XX, 9FXX).
func selects(sw apdu.SW) bool {
	return sw.OK() || sw.Warning() || sw.SW1() == 0x61 || sw.SW1() == 0x9F
}

func (p *place) enter(t target) {
	if len(t.path) == 0 {
		*p = place{}
		return
	}
	switch t.path[len(t.path)-1] >> 8 {
	case 0x3F, 0x7F, 0x5F:
		*p = place{dir: t.path}
	default:
		*p = place{dir: t.path[:len(t.path)-1], file: t}
	}
}
