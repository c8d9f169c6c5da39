package jvm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/vuicc/nvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// Cells of an applet: how many objects it has, and each object by number. What is in them is the runtime's
// (applet/runtime/simbind/card/Cells.java).
const cellCount = "objects"

func cellOf(n uint16) string { return fmt.Sprintf("object.%03d", n) }

// memory holds what the runtime believes stands in the cells. After a cut it believes too much: the cells
// win, see differing.
type memory struct {
	env    plug.Env
	mirror map[uint16][]byte
}

func (m *memory) count() uint16 {
	if v := m.env.Get(cellCount); len(v) == 2 {
		return uint16(v[0])<<8 | uint16(v[1])
	}
	return 0
}

// differing are the cells the runtime does not know, as CALL takes them.
func (m *memory) differing() writer {
	var cells writer
	n := uint16(0)
	for i := range m.count() {
		v := m.env.Get(cellOf(i))
		if known, ok := m.mirror[i]; ok && bytes.Equal(known, v) {
			continue
		}
		cells = cells.u16(i).bytes(v)
		m.mirror[i] = v
		n++
	}
	return append(writer(nil).u16(n), cells...)
}

// Holds tells whether the card in a file was made with a Java applet in it.
func Holds(path string) (bool, error) {
	mem, err := nvm.Open(path)
	if err != nil {
		return false, err
	}
	for _, key := range mem.Keys() {
		if strings.HasPrefix(key, "applet/") && strings.HasSuffix(key, "/m/"+cellCount) {
			return true, nil
		}
	}
	return false, nil
}

type write struct {
	n uint16
	v []byte
}

// store takes the writes of one store or one transaction: one persistent write. Every object being written for the first time is
// installation.
func (m *memory) store(c *cursor) error {
	writes := make([]write, c.u16())
	for i := range writes {
		writes[i] = write{c.u16(), c.bytes()}
	}
	if c.bad {
		return errFrame
	}
	for _, w := range writes {
		delete(m.mirror, w.n) // a power cut leaves the old content
	}
	if err := m.put(writes); err != nil {
		return err
	}
	for _, w := range writes {
		m.mirror[w.n] = bytes.Clone(w.v)
	}
	return nil
}

func (m *memory) put(writes []write) error {
	first := m.count() == 0
	if len(writes) == 1 && !first {
		return m.env.Put(cellOf(writes[0].n), writes[0].v)
	}
	begun := m.env.Begin() == nil // the card's own transaction around an installation holds it all
	var err error
	for _, w := range writes {
		err = errors.Join(err, m.env.Put(cellOf(w.n), w.v))
	}
	if first {
		err = errors.Join(err, m.env.Put(cellCount, []byte{byte(len(writes) >> 8), byte(len(writes))}))
	}
	switch {
	case err != nil && begun:
		m.env.Abort()
		return err
	case begun:
		return m.env.Commit()
	}
	return err
}
