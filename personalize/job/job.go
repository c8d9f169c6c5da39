// Package job reads a job: which cards shall be brought to which binding, and how a bench goes about it. A job is a folder
// (job.yaml and cards.csv), a YAML file that names the CSV, or the CSV alone. It is validated whole before any card is
// touched, and keeps no secret: key columns are checked, and wiped from memory.
package job

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/internal/cells"
	"github.com/simbind/simbind/uicc"
)

// Row is what the job wants of one card.
type Row struct {
	Line          int    // in the file of cards, from 1
	ICCID         string // digits
	IMSI          string // digits; empty: not given
	Key           string // name of its keys in the key source; empty: its ICCID
	Configuration binding.Configuration
	Notes         []string // things worth a second look
}

// Job is a validated job. Its rows stay in the form of the file and are read again when asked for: a million of them take
// little more than the file itself. It may be used by several goroutines at once.
type Job struct {
	Settings
	Digest   string // SHA-256, 64 hex digits in lower case, of everything that decides what is done (docs/bench.md)
	Form     Form   // of the file of cards
	Schemes  [3]int // cards by their binding.Scheme
	Warnings Faults // what deserves a second look, and stops nothing

	table    table
	written  Hooks     // as they stand in job.yaml: their folder is a station's own
	template *template // of the output; nil: none
}

// Form is how the file of cards is written.
type Form struct {
	File      string
	Columns   []string
	Separator byte // comma, semicolon or tab
	BOM       bool // a UTF-8 byte order mark
	CRLF      bool
	Encrypted bool // with age
	Secrets   bool // it has columns of keys or codes
}

// Len is how many cards the job has.
func (j *Job) Len() int { return len(j.table.offsets) }

// ICCIDs are the cards in the order of the file, in digits.
func (j *Job) ICCIDs() []string {
	out := make([]string, j.Len())
	for i, packed := range j.table.iccids {
		out[i] = unpack(packed)
	}
	return out
}

// unpack is the digits of an ICCID as the table keeps it.
func unpack(b [10]byte) string {
	id, err := uicc.DecodeICCID(b[:])
	if err != nil { // only what ParseICCID took stands in the table
		panic(err)
	}
	return id.String()
}

// Row gives what is wanted of a card, by the digits of its ICCID, with or without filler.
func (j *Job) Row(iccid string) (Row, bool) {
	id, err := uicc.ParseICCID(iccid)
	if err != nil {
		return Row{}, false
	}
	i, ok := j.table.find(id.Encode())
	if !ok {
		return Row{}, false
	}
	d := j.table.read(i)
	return d.Row, true
}

// table is the file of cards, and where its rows begin.
type table struct {
	b       []byte
	comma   byte
	header  []string
	base    draft // what the defaults say
	names   bool  // a column key, or a default of it
	offsets []uint32
	lines   []uint32
	iccids  [][10]byte
	sorted  []uint32 // places in iccids, ordered by ICCID
}

func (t *table) find(iccid [10]byte) (int, bool) {
	n, ok := slices.BinarySearchFunc(t.sorted, iccid, func(i uint32, want [10]byte) int { return compare(t.iccids[i], want) })
	if !ok {
		return 0, false
	}
	return int(t.sorted[n]), true
}

func compare(a, b [10]byte) int { return bytes.Compare(a[:], b[:]) }

// read parses a row again; it was found in order before.
func (t *table) read(i int) *draft {
	rec, err := cells.From(t.b, t.comma, int(t.offsets[i]), int(t.lines[i]))
	if err != nil {
		return &draft{}
	}
	d := t.base.begin(rec.Line)
	d.fill(t.header, rec)
	return d
}
