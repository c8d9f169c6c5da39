// Package keys gives the secrets of one card: out of a key file (CSV or YAML, a row a card, plain with mode 0600 or encrypted
// with age), or derived in a PKCS#11 token. A key file of many cards is looked through once for where each row is; only the row
// of the card in the reader is opened.
package keys

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/simbind/simbind/uicc"
)

// Error names the place of a fault in a key file, never the value found there.
type Error struct {
	File   string
	Line   int    // from 1; 0 when the whole file is meant
	Column string // name of the column
	Reason string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return fmt.Sprintf("key file %s: %s", e.File, e.Reason)
	case e.Column == "":
		return fmt.Sprintf("key file %s line %d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("key file %s line %d, %s: %s", e.File, e.Line, e.Column, e.Reason)
}

// maxListed is how many faults of a file are told.
const maxListed = 100

// Errors are the faults of a key file in the order of their lines.
type Errors struct {
	List  []*Error // the first 100
	Total int
}

func (es *Errors) add(e *Error) {
	if es.Total++; len(es.List) < maxListed {
		es.List = append(es.List, e)
	}
}

func (es *Errors) Error() string {
	var lines []string
	for _, e := range es.List {
		lines = append(lines, e.Error())
	}
	if more := es.Total - len(es.List); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the first, so that a program finds an *Error in it.
func (es *Errors) Unwrap() error { return es.List[0] }

// ErrNoCard is wrapped when the file has no row for the card.
var ErrNoCard = errors.New("no row for this card")

// maxFile bounds a key file, maxYAML one in YAML: that is for a few cards, since all of it is opened to find one.
const (
	maxFile = 512 << 20
	maxYAML = 16 << 20
)

// everyCard stands for an ICCID in the row of masters.
const everyCard = "*"

// Source gives the secrets of one card. The caller wipes them.
type Source interface {
	// Card opens the keys of that name, or where it is empty those of the ICCID, or else those of every card. ErrNoCard.
	Card(iccid, name string) (Card, error)
	Close() error
}

// File is a key file. It knows where the row of every card is, and keeps no key. It may be used by several goroutines at once.
type File struct {
	path    string
	f       *os.File
	opened  *opened
	comma   byte
	header  []string
	rows    []place // ordered by ICCID
	named   map[string]place
	masters *place
	yaml    bool
}

// place is where a row stands.
type place struct {
	iccid  [10]byte
	offset int64
	length uint32
	line   uint32
	keys   bool // it has enc and mac
}

// Open looks through a key file: every row is checked for its form in place, without opening it. A plain file that others may
// read is refused; identity (a path, may be empty) opens an age-encrypted one. also are columns of others that may stand in it.
// The error is *Error or *Errors.
func Open(path, identity string, also ...string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	k := &File{path: path, f: f, named: map[string]place{}}
	if k.opened, err = open(f, path, identity); err != nil {
		f.Close()
		return nil, err
	}
	if err := k.look(f, also); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

func (k *File) look(f *os.File, also []string) error {
	if !k.opened.age {
		if err := checkMode(f, k.path); err != nil {
			return err
		}
	}
	b, err := k.opened.readAll(k.path, maxFile)
	if err != nil {
		return err
	}
	defer clear(b)
	if k.yaml = looksLikeYAML(k.path, b); k.yaml {
		return k.indexYAML(b)
	}
	return k.index(b, also)
}

// Close closes the file.
func (k *File) Close() error {
	k.opened.forget()
	return k.f.Close()
}

// Load opens a key file for one card.
func Load(path, identity, iccid string) (Card, error) {
	k, err := Open(path, identity)
	if err != nil {
		return Card{}, err
	}
	defer k.Close()
	return k.Card(iccid, "")
}

// Has tells whether there is a row for a card, and whether it has keys.
func (k *File) Has(iccid, name string) (row, keys bool) {
	p := k.find(iccid, name)
	return p != nil, p != nil && p.keys
}

// find gives the place of a card's row: by the name of its keys, else by its ICCID, else that of every card.
func (k *File) find(iccid, name string) *place {
	if name != "" {
		if p, ok := k.named[name]; ok {
			return &p
		}
		return nil
	}
	want, ok := pack([]byte(iccid))
	if !ok {
		return nil
	}
	n, found := slices.BinarySearchFunc(k.rows, want, func(p place, w [10]byte) int { return compare(p.iccid, w) })
	if found {
		return &k.rows[n]
	}
	return k.masters
}

func compare(a, b [10]byte) int { return bytes.Compare(a[:], b[:]) }

// pack takes the digits of an ICCID without filler, 20 at most.
func pack(b []byte) (out [10]byte, ok bool) {
	digits := strings.TrimRight(strings.ToUpper(strings.TrimSpace(string(b))), "F")
	for _, c := range digits {
		if c < '0' || c > '9' {
			return out, false
		}
	}
	if digits == "" || len(digits) > 20 {
		return out, false
	}
	return uicc.ICCID(digits).Encode(), true
}

// Card opens the row of a card, and no other.
func (k *File) Card(iccid, name string) (Card, error) {
	p := k.find(iccid, name)
	if p == nil {
		return Card{}, fmt.Errorf("key file %s: %w", k.path, ErrNoCard)
	}
	c, err := k.read(*p, name)
	if err != nil {
		return Card{}, err
	}
	c.ICCID = iccid
	return *c, nil
}

func (k *File) read(p place, name string) (*Card, error) {
	if k.yaml {
		return k.readYAML(p, name)
	}
	r, _, err := k.opened.at()
	if err != nil {
		return nil, err
	}
	b := make([]byte, p.length+1) // and what stands behind the row
	defer clear(b)
	n, err := r.ReadAt(b, p.offset)
	if n < int(p.length) {
		return nil, &Error{File: k.path, Line: int(p.line), Reason: "cannot be read any more: " + bareReason(err)}
	}
	return k.parse(b[:n], p, name)
}

// sortRows orders the rows, and tells those that stand twice.
func (k *File) sortRows(errs *Errors) {
	slices.SortFunc(k.rows, func(a, b place) int { return cmp.Or(compare(a.iccid, b.iccid), cmp.Compare(a.line, b.line)) })
	var twice []uint32
	for i := 1; i < len(k.rows); i++ {
		if k.rows[i].iccid == k.rows[i-1].iccid {
			twice = append(twice, k.rows[i].line)
		}
	}
	slices.Sort(twice)
	for _, line := range twice {
		errs.add(&Error{File: k.path, Line: int(line), Column: "iccid", Reason: "a second row for the same card"})
	}
}
