package explore

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/nvm"
)

// cells of the applet's memory, in the order of memory.cell. Those that are shown alone are written and read back into E1 and E4
// but never decided upon: two cards that differ in nothing else are one state. TestShownCells holds this up.
var cells = []struct {
	name  string
	shown bool
}{
	{"adf", false}, {"timer", false}, {"configuration", false}, {"bound", false}, {"pending", false}, {"verified", false},
	{"location", false}, {"access", false}, {"strict", false}, {"retired", false},
	{"backup.usim", false}, {"backup.gsm", false}, {"replaced.usim", false}, {"replaced.gsm", false},
	{"generation", true}, {"decision", true}, {"imei", true}, {"counters", true}, {"reason", true}, {"answer", true},
	{"refresh", true}, {"resets", true}, {"log", true},
}

const maxCells = 23

var cellIndex = func() map[string]int {
	m := map[string]int{}
	for i, c := range cells {
		m[c.name] = i
	}
	return m
}()

func cellOf(name string) int {
	i, ok := cellIndex[name]
	if !ok {
		panic(fmt.Sprintf("the applet has a new cell %q: say in explore.cells whether it is shown alone", name))
	}
	return i
}

// Files of the small card: both copies of EF_IMSI, and EF_LOCI of the ADF.USIM for all location and key files.
const (
	fileUSIM = iota
	fileGSM
	fileLOCI
	maxFiles
)

// memory is everything that outlives a cut. A cell or file that is not there is "".
type memory struct {
	cell          [maxCells]string
	file          [maxFiles]string
	registrations string // of the toolkit
}

func (m *memory) of(name string) string { return m.cell[cellOf(name)] }

// kept is the memory without what is shown alone.
func (m memory) kept() memory {
	for i, c := range cells {
		if c.shown {
			m.cell[i] = ""
		}
	}
	return m
}

// store is persistent memory with one transaction, in the manner of [nvm.Store]: every write goes through persist, where
// one can be refused, and is seen by after.
type store struct {
	now    memory
	tx     memory
	open   bool
	writes int // of the step under way
	failAt int // the write that is refused; 0: none
	// after sees every write that took effect; torn are the contents of the file when the power goes in the middle.
	after func(file int, old, torn string)
}

func (s *store) Get(cell string) []byte {
	m := &s.now
	if s.open {
		m = &s.tx
	}
	if v := m.cell[cellOf(cell)]; v != "" {
		return []byte(v)
	}
	return nil
}

func (s *store) Put(cell string, v []byte) error {
	if s.open {
		s.tx.cell[cellOf(cell)] = string(v)
		return nil
	}
	if err := s.count(); err != nil {
		return err
	}
	s.now.cell[cellOf(cell)] = string(v)
	s.after(-1, "", "")
	return nil
}

func (s *store) Delete(cell string) error { return s.Put(cell, nil) }

func (s *store) Begin() error {
	if s.open {
		return nvm.ErrTransaction
	}
	s.tx, s.open = s.now, true
	return nil
}

func (s *store) Commit() error {
	if !s.open {
		return nvm.ErrTransaction
	}
	s.open = false
	if s.tx == s.now {
		return nil
	}
	if err := s.count(); err != nil {
		return err
	}
	s.now = s.tx
	s.after(-1, "", "")
	return nil
}

func (s *store) Abort() { s.open = false }

// writeFile is never part of a transaction: an open one goes on over the new content.
func (s *store) writeFile(file int, content string) error {
	if err := s.count(); err != nil {
		return err
	}
	old := s.now.file[file]
	s.now.file[file], s.tx.file[file] = content, content
	s.after(file, old, content)
	return nil
}

func (s *store) register(raw string) {
	if s.now.registrations == raw || s.count() != nil {
		return // a refusing memory loses the registration, as on a card
	}
	s.now.registrations, s.tx.registrations = raw, raw
	s.after(-1, "", "")
}

func (s *store) count() error {
	s.writes++
	if s.writes == s.failAt {
		return apdu.SWMemory
	}
	return nil
}
