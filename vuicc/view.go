package vuicc

import (
	"github.com/simbind/simbind/vuicc/fs"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// view is what an applet sees of one file tree (TS 102 241 clause 7.2): its own current file, and the rights of its access
// domain.
type view struct {
	a    *instance
	root *fs.Node
	dir  *fs.Node
	ef   *fs.Node
	who  domainRights
}

// domainRights are what an access domain stands for (TS 102 226 clause 8.2.1.3.2.5): 00 everything but never,
// FF nothing, 02 three bytes of bits for the codes it counts as verified.
type domainRights []byte

func (d domainRights) full() bool { return len(d) == 1 && d[0] == 0x00 }

// Bits of the third byte.
const (
	domainADM9   = 0x01
	domainADM10  = 0x02
	domainAlways = 0x04
)

// Always implements fs.Holder.
func (d domainRights) Always() bool {
	return d.full() || len(d) == 4 && d[0] == 0x02 && (d[3]&domainAlways != 0 || d[1] != 0 || d[2] != 0)
}

// Verified implements fs.Holder: b1 of the first byte is PIN1 (01) and so on; b1 of the second is ADM1 (0A) to ADM5
// (0E), then ADM6 (8A) to ADM8 (8C).
func (d domainRights) Verified(ref byte) bool {
	if d.full() {
		return true
	}
	if len(d) != 4 || d[0] != 0x02 {
		return false
	}
	switch {
	case ref >= 0x01 && ref <= 0x08:
		return d[1]&(1<<(ref-0x01)) != 0
	case ref >= 0x0A && ref <= 0x0E:
		return d[2]&(1<<(ref-0x0A)) != 0
	case ref >= 0x8A && ref <= 0x8C:
		return d[2]&(1<<(ref-0x8A+5)) != 0
	case ref == 0x8D:
		return d[3]&domainADM9 != 0
	case ref == 0x8E:
		return d[3]&domainADM10 != 0
	}
	return false
}

// FileView implements plug.Env.
func (a *instance) FileView(adf []byte) (plug.FileView, error) {
	root := a.c.files.MF
	if adf != nil {
		node := a.c.files.FindADF(adf, nil)
		if node == nil || len(node.AID) != len(adf) {
			return nil, plug.FileNotFound
		}
		root = node
	}
	rights := domainRights{0xFF}
	for _, d := range a.parameters.Access {
		if string(d.ADF) == string(adf) {
			rights = domainRights(d.Domain)
		}
	}
	return &view{a: a, root: root, dir: root, who: rights}, nil
}

// Select implements plug.FileView.
func (v *view) Select(fid uint16) ([]byte, error) {
	node := v.a.c.files.Reach(v.dir, fid)
	if fid == 0x3F00 && v.root.IsADF() {
		node = nil
	}
	if fid == 0x7FFF && v.root.IsADF() {
		node = v.root
	}
	if node == nil {
		return nil, plug.FileNotFound
	}
	if node.IsDF() {
		v.dir, v.ef = node, nil
	} else {
		v.dir, v.ef = node.Parent, node
	}
	return node.FCP(), nil
}

// may checks the current EF for an operation.
func (v *view) may(mode fs.Mode, kinds ...string) error {
	if v.ef == nil {
		return plug.NoEFSelected
	}
	fits := false
	for _, k := range kinds {
		fits = fits || v.ef.Kind == k
	}
	switch {
	case !fits:
		return plug.CommandIncompatible
	case !v.ef.Allows(mode, v.who):
		return plug.SecurityNotSatisfied
	case !v.ef.Activated() && mode&(fs.Read|fs.Update) != 0:
		return plug.DataInvalidated
	}
	return nil
}

// ReadBinary implements plug.FileView.
func (v *view) ReadBinary(offset, length int) ([]byte, error) {
	if err := v.may(fs.Read, image.Transparent); err != nil {
		return nil, err
	}
	content := v.ef.Content()
	if offset < 0 || length < 0 || offset+length > len(content) {
		return nil, plug.OutOfFileBoundaries
	}
	return content[offset : offset+length], nil
}

// UpdateBinary implements plug.FileView. An applet's own writes are no EXTERNAL_FILE_UPDATE.
func (v *view) UpdateBinary(offset int, data []byte) error {
	if err := v.may(fs.Update, image.Transparent); err != nil {
		return err
	}
	content := v.ef.Content()
	if offset < 0 || offset+len(data) > len(content) {
		return plug.OutOfFileBoundaries
	}
	copy(content[offset:], data)
	return v.store(content)
}

func (v *view) store(content []byte) error {
	if v.a.refused(v.ef.Store(content)) != nil {
		return plug.MemoryProblem
	}
	return nil
}

// ReadRecord implements plug.FileView.
func (v *view) ReadRecord(number int) ([]byte, error) {
	if err := v.may(fs.Read, image.LinearFixed, image.Cyclic); err != nil {
		return nil, err
	}
	if number < 1 || number > v.ef.Records() {
		return nil, plug.RecordNotFound
	}
	at := (number - 1) * v.ef.RecordSize
	return v.ef.Content()[at : at+v.ef.RecordSize], nil
}

// UpdateRecord implements plug.FileView.
func (v *view) UpdateRecord(number int, data []byte) error {
	if err := v.may(fs.Update, image.LinearFixed, image.Cyclic); err != nil {
		return err
	}
	if len(data) != v.ef.RecordSize {
		return plug.OutOfRecordBoundaries
	}
	content := v.ef.Content()
	if v.ef.Kind == image.Cyclic {
		if number != 0 {
			return plug.InvalidMode
		}
		return v.store(rotate(content, data))
	}
	if number < 1 || number > v.ef.Records() {
		return plug.RecordNotFound
	}
	copy(content[(number-1)*v.ef.RecordSize:], data)
	return v.store(content)
}

// DeactivateFile implements plug.FileView.
func (v *view) DeactivateFile() error { return v.setState(fs.Deactivate, false) }

// ActivateFile implements plug.FileView.
func (v *view) ActivateFile() error { return v.setState(fs.Activate, true) }

func (v *view) setState(mode fs.Mode, on bool) error {
	if err := v.may(mode, image.Transparent, image.LinearFixed, image.Cyclic); err != nil {
		return err
	}
	if v.a.refused(v.ef.SetActivated(on)) != nil {
		return plug.MemoryProblem
	}
	return nil
}
