// Package nvm is the non-volatile memory of the virtual UICC: named cells, each
// written atomically, a transaction over many, power loss at any write, and one
// file that holds it all.
//
// Everything the card must still know after a reset lives here and nowhere else,
// so that a copy of the cells is a copy of the card.
package nvm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// ErrTransaction is a transaction begun twice, or ended when none is open.
var ErrTransaction = errors.New("transaction state")

// PowerLoss is what a write panics with when the power is cut at it. The card
// recovers it at its outermost call, forgets everything volatile and stays mute
// until it is powered again.
type PowerLoss struct{}

// Store is the memory. It is not safe for concurrent use: a card is single-threaded.
type Store struct {
	cells map[string][]byte
	tx    map[string][]byte // pending writes of the open transaction; nil value: delete
	open  bool

	writes int  // persistent writes since New, each commit being one
	cutAt  int  // the write at which power is lost; 0: never
	after  bool // lost after that write, not before
	failAt int  // the write that reports a memory problem; 0: never

	path  string
	dirty bool

	// OnWrite, when set, sees the size in bytes of every persistent write: the clock model hangs here.
	OnWrite func(bytes int)
}

// ErrMemory is a write the memory refused (a fault asked for by FailAt).
var ErrMemory = errors.New("memory problem")

// New is an empty memory without a file.
func New() *Store { return &Store{cells: map[string][]byte{}} }

// Open reads the memory from a file, or starts an empty one that will be written there.
func Open(path string) (*Store, error) {
	s := New()
	s.path = path
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &s.cells); err != nil {
		return nil, fmt.Errorf("not the memory of a virtual card: %w", err)
	}
	if s.cells == nil {
		return nil, errors.New("not the memory of a virtual card")
	}
	return s, nil
}

// Empty tells whether nothing was ever written.
func (s *Store) Empty() bool { return len(s.cells) == 0 }

// Get gives a copy of a cell, seeing the open transaction; nil when there is none.
func (s *Store) Get(key string) []byte {
	if s.open {
		if v, ok := s.tx[key]; ok {
			return clone(v)
		}
	}
	return clone(s.cells[key])
}

// Keys lists the cells that exist, in no order, without the open transaction.
func (s *Store) Keys() []string {
	out := make([]string, 0, len(s.cells))
	for k := range s.cells {
		out = append(out, k)
	}
	return out
}

// Put writes a cell; inside a transaction the write waits for Commit.
func (s *Store) Put(key string, v []byte) error {
	if s.open {
		s.tx[key] = nonNil(v)
		return nil
	}
	return s.persist(map[string][]byte{key: nonNil(v)})
}

// PutNow writes a cell at once, whatever transaction is open: writes to the file
// system are not part of a Java Card transaction.
func (s *Store) PutNow(key string, v []byte) error {
	return s.persist(map[string][]byte{key: nonNil(v)})
}

// Delete removes a cell; inside a transaction the removal waits for Commit.
func (s *Store) Delete(key string) error {
	if s.open {
		s.tx[key] = nil
		return nil
	}
	return s.persist(map[string][]byte{key: nil})
}

// Begin opens a transaction; one at a time (Java Card has no nesting).
func (s *Store) Begin() error {
	if s.open {
		return fmt.Errorf("%w: one is open already", ErrTransaction)
	}
	s.open, s.tx = true, map[string][]byte{}
	return nil
}

// Commit makes the pending writes persistent as one write.
func (s *Store) Commit() error {
	if !s.open {
		return fmt.Errorf("%w: none is open", ErrTransaction)
	}
	tx := s.tx
	s.open, s.tx = false, nil
	if len(tx) == 0 {
		return nil
	}
	return s.persist(tx)
}

// Abort forgets the pending writes. It is harmless when no transaction is open.
func (s *Store) Abort() { s.open, s.tx = false, nil }

// InTransaction tells whether a transaction is open.
func (s *Store) InTransaction() bool { return s.open }

func (s *Store) persist(w map[string][]byte) error {
	s.writes++
	cut := s.cutAt != 0 && s.writes >= s.cutAt
	if cut && !s.after {
		s.lose()
	}
	if s.failAt != 0 && s.writes == s.failAt {
		return ErrMemory
	}
	size := 0
	for k, v := range w {
		if v == nil {
			delete(s.cells, k)
			continue
		}
		s.cells[k] = clone(v)
		size += len(v)
	}
	s.dirty = true
	if s.OnWrite != nil {
		s.OnWrite(size)
	}
	if cut {
		s.lose()
	}
	return nil
}

func (s *Store) lose() {
	s.cutAt = 0
	s.Abort()
	panic(PowerLoss{})
}

// Writes counts the persistent writes since the memory was opened, a commit being one.
func (s *Store) Writes() int { return s.writes }

// CutAt loses power at the nth write from now (1 is the next), before or after it
// took effect. 0 takes the order back.
func (s *Store) CutAt(n int, after bool) {
	s.cutAt, s.after = 0, after
	if n > 0 {
		s.cutAt = s.writes + n
	}
}

// FailAt lets the nth write from now answer ErrMemory and change nothing. 0 takes the order back.
func (s *Store) FailAt(n int) {
	s.failAt = 0
	if n > 0 {
		s.failAt = s.writes + n
	}
}

// Snapshot is a copy of all cells, without the open transaction.
func (s *Store) Snapshot() map[string][]byte {
	out := maps.Clone(s.cells)
	for k, v := range out {
		out[k] = clone(v)
	}
	return out
}

// Restore replaces all cells and drops the open transaction.
func (s *Store) Restore(cells map[string][]byte) {
	s.Abort()
	s.cells = map[string][]byte{}
	for k, v := range cells {
		s.cells[k] = clone(v)
	}
	s.dirty = true
}

// Flush replaces the file when something was written since the last Flush: a new
// file beside it, renamed over it, so that a killed process leaves the old card or the new.
func (s *Store) Flush() error {
	if s.path == "" || !s.dirty {
		return nil
	}
	b, err := json.Marshal(s.cells) // maps are written in key order
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(s.path), ".simbind-card-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(b); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), s.path); err != nil {
		return err
	}
	s.dirty = false
	return nil
}

func clone(v []byte) []byte {
	if v == nil {
		return nil
	}
	return append([]byte{}, v...)
}

func nonNil(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}
