// Package cells reads CSV (RFC 4180) out of memory without copying a cell, so that a file of keys leaves no copies of
// those that nobody asked for, and tells where each cell stands.
package cells

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Cell is one value of a record.
type Cell struct {
	Text   []byte // part of the file; a copy where doubled quotes were undone
	Offset int    // in the file, of its first byte behind an opening quote
	End    int    // in the file, behind its last byte
	Line   int    // from 1
}

// Record is one row. Its cells stay valid as long as the file is in memory.
type Record struct {
	Cells  []Cell
	Offset int // in the file
	Line   int // from 1; a quoted cell may take it over several
}

// Error is a place that is not CSV. Reading goes on behind it, unless it is ErrUnclosed.
type Error struct {
	Err    error
	Line   int // from 1
	Offset int // in the file
}

// Faults of CSV.
var (
	ErrBareQuote = errors.New("a quote inside a cell that does not begin with one")
	ErrAfter     = errors.New("something between a closing quote and the separator")
	ErrUnclosed  = errors.New("a quote that is never closed")
	ErrTooMany   = errors.New("more than 1000 cells in a row")
)

// maxCells bounds a row.
const maxCells = 1000

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Reader goes through a file. Empty lines and lines that begin with # are passed over.
type Reader struct {
	b     []byte
	comma byte
	at    int
	line  int // of at
	cells []Cell
}

// New reads b, whose cells are parted by comma. A byte order mark is passed over.
func New(b []byte, comma byte) *Reader {
	r := &Reader{b: b, comma: comma, line: 1}
	if bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")) {
		r.at = 3
	}
	return r
}

// From reads one record that begins at offset, in the line.
func From(b []byte, comma byte, offset, line int) (Record, error) {
	r := &Reader{b: b, comma: comma, at: offset, line: line}
	return r.Next()
}

// Next gives the next record, whose list of cells is overwritten by the call after it. io.EOF, *Error.
func (r *Reader) Next() (Record, error) {
	for r.at < len(r.b) && r.passedOver() {
		r.skipLine()
	}
	if r.at >= len(r.b) {
		return Record{}, io.EOF
	}
	rec := Record{Offset: r.at, Line: r.line}
	r.cells = r.cells[:0]
	for {
		more, err := r.cell()
		if err != nil {
			return Record{}, err
		}
		if !more {
			rec.Cells = r.cells
			return rec, nil
		}
		if len(r.cells) == maxCells {
			return Record{}, r.fail(ErrTooMany, r.at)
		}
	}
}

func (r *Reader) passedOver() bool {
	rest := r.b[r.at:]
	return rest[0] == '#' || rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")) || len(rest) == 1 && rest[0] == '\r'
}

func (r *Reader) skipLine() {
	if n := bytes.IndexByte(r.b[r.at:], '\n'); n >= 0 {
		r.at += n + 1
		r.line++
		return
	}
	r.at = len(r.b)
}

// cell reads one, and tells whether another follows in the record.
func (r *Reader) cell() (more bool, err error) {
	if r.at < len(r.b) && r.b[r.at] == '"' {
		return r.quoted()
	}
	begin := r.at
	for ; r.at < len(r.b); r.at++ {
		switch r.b[r.at] {
		case r.comma:
			r.add(begin, r.at)
			r.at++
			return true, nil
		case '\n':
			r.add(begin, withoutCR(r.b, begin, r.at))
			r.at++
			r.line++
			return false, nil
		case '"':
			return false, r.fail(ErrBareQuote, r.at)
		}
	}
	r.add(begin, withoutCR(r.b, begin, r.at))
	return false, nil
}

func withoutCR(b []byte, begin, end int) int {
	if end > begin && b[end-1] == '\r' {
		return end - 1
	}
	return end
}

func (r *Reader) add(begin, end int) {
	r.cells = append(r.cells, Cell{Text: r.b[begin:end:end], Offset: begin, End: end, Line: r.line})
}

// quoted reads a cell in quotes: a quote in it is doubled, and it may hold separators and line ends.
func (r *Reader) quoted() (more bool, err error) {
	opening := r.at
	begin, line, doubled := r.at+1, r.line, false
	for r.at++; ; r.at++ {
		n := bytes.IndexByte(r.b[r.at:], '"')
		if n < 0 {
			r.at = len(r.b)
			return false, &Error{Err: ErrUnclosed, Line: line, Offset: opening}
		}
		r.line += bytes.Count(r.b[r.at:r.at+n], []byte("\n"))
		r.at += n
		if r.at+1 >= len(r.b) || r.b[r.at+1] != '"' {
			break
		}
		doubled = true
		r.at++
	}
	c := Cell{Text: r.b[begin:r.at:r.at], Offset: begin, End: r.at, Line: line}
	if doubled {
		c.Text = bytes.ReplaceAll(c.Text, []byte(`""`), []byte(`"`))
	}
	r.cells = append(r.cells, c)
	r.at++
	return r.behindQuote()
}

func (r *Reader) behindQuote() (more bool, err error) {
	rest := r.b[r.at:]
	switch {
	case len(rest) == 0:
		return false, nil
	case rest[0] == r.comma:
		r.at++
		return true, nil
	case rest[0] == '\n':
		r.at++
	case bytes.HasPrefix(rest, []byte("\r\n")):
		r.at += 2
	case len(rest) == 1 && rest[0] == '\r':
		r.at++
		return false, nil
	default:
		return false, r.fail(ErrAfter, r.at)
	}
	r.line++
	return false, nil
}

// fail passes over the rest of the line.
func (r *Reader) fail(err error, at int) error {
	e := &Error{Err: err, Line: r.line, Offset: at}
	r.at = at
	r.skipLine()
	return e
}

// Separator is what parts the cells of the first line that is no comment: a comma, or the semicolon or tab that stands
// there more often.
func Separator(b []byte) byte {
	best, most := byte(','), 0
	for line := range bytes.Lines(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))) {
		if line[0] == '#' || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		for _, c := range []byte(",;\t") {
			if n := bytes.Count(line, []byte{c}); n > most {
				best, most = c, n
			}
		}
		break
	}
	return best
}

// Column is the character of its line, from 1, that stands at an offset of the file.
func Column(b []byte, offset int) int {
	begin := bytes.LastIndexByte(b[:offset], '\n') + 1
	text := b[begin:offset]
	if begin == 0 {
		text = bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF"))
	}
	return utf8.RuneCount(text) + 1
}

// Offset is where the next record is looked for: behind the last one.
func (r *Reader) Offset() int { return r.at }
