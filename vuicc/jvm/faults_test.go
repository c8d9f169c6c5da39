package jvm_test

import (
	"bytes"
	"fmt"

	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// fault strikes one write of a file. Model and Java applet store their own state in other writes, but files in one order (§8), so that a
// fault told by the file strikes both at the same place.
type fault struct {
	usim bool
	fid  uint16
	n    int  // which write of that file
	size int  // bytes that are written all the same
	cut  bool // the power goes; else the memory refuses
}

func (f fault) String() string {
	return fmt.Sprintf("%v %04X, write %d, %d bytes, cut %v", f.usim, f.fid, f.n, f.size, f.cut)
}

// lent is what a side lends to its applet: the files come by here.
type lent struct {
	plug.Env
	s *side
}

func (l lent) FileView(adf []byte) (plug.FileView, error) {
	v, err := l.Env.FileView(adf)
	if err != nil {
		return nil, err
	}
	return &watched{FileView: v, s: l.s, usim: adf != nil}, nil
}

type watched struct {
	plug.FileView
	s    *side
	usim bool
	fid  uint16
}

func (w *watched) Select(fid uint16) ([]byte, error) {
	fcp, err := w.FileView.Select(fid)
	if err == nil {
		w.fid = fid
	}
	if w.s.dress != nil && err == nil {
		fcp = w.s.dress(fcp)
	}
	return fcp, err
}

// strikes tells whether the fault strikes the write under way.
func (w *watched) strikes() bool {
	f := w.s.fault
	if f == nil || f.usim != w.usim || f.fid != w.fid {
		return false
	}
	f.n--
	return f.n == 0
}

func (w *watched) end() error {
	cut := w.s.fault.cut
	w.s.fault = nil
	if cut {
		panic(nvm.PowerLoss{})
	}
	return plug.MemoryProblem
}

func (w *watched) UpdateBinary(offset int, data []byte) error {
	if !w.strikes() {
		return w.FileView.UpdateBinary(offset, data)
	}
	if n := min(w.s.fault.size, len(data)); n > 0 {
		if err := w.FileView.UpdateBinary(offset, bytes.Clone(data[:n])); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *watched) UpdateRecord(number int, data []byte) error {
	if !w.strikes() {
		return w.FileView.UpdateRecord(number, data)
	}
	return w.end()
}
