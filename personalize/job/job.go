// Package job reads a job: a CSV file with a row for every card that shall be
// brought to a binding. The whole file is validated before any card is touched.
package job

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/simbind/simbind/binding"
)

// Row is what the job wants of one card.
type Row struct {
	Line          int    // in the file, from 1
	ICCID         string // digits
	IMSI          string // digits; empty: not given
	Configuration binding.Configuration
	Notes         []string // things worth a second look
}

// Job is a validated file.
type Job struct {
	Name string
	Rows []Row
}

// Error names the place of one fault in a job file.
type Error struct {
	File   string
	Line   int    // from 1
	Column int    // character in the line, from 1
	Name   string // of the column
	Reason string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Name != "" {
		s += e.Name + ": "
	}
	return s + e.Reason
}

// Errors are all faults of a file, in the order of their lines.
type Errors []*Error

func (es Errors) Error() string {
	if len(es) == 1 {
		return es[0].Error()
	}
	lines := make([]string, 0, len(es)+1)
	for _, e := range es {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// maxErrors ends the reading of a file that is wrong throughout.
const maxErrors = 50

// Options of reading.
type Options struct {
	AllowTestIMEI bool // accept IMEIs whose TAC begins with 00
	AllowSameIMEI bool // accept one full IMEI for several cards
}

// Load reads and validates a file.
func Load(path string, opt Options) (*Job, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	defer f.Close()
	return Read(f, path, opt)
}

// Read validates a job; the error is Errors when the content is at fault.
func Read(r io.Reader, name string, opt Options) (*Job, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", name, err)
	}
	p := &parser{name: name, opt: opt, iccids: map[string]int{}, imsis: map[string]int{}, imeis: map[binding.IMEI]int{}}
	return p.run(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF")))
}

// Find gives the row of a card by the digits of its ICCID.
func (j *Job) Find(iccid string) (Row, bool) {
	want := strings.TrimRight(strings.ToUpper(iccid), "F")
	i := slices.IndexFunc(j.Rows, func(r Row) bool { return r.ICCID == want })
	if i < 0 {
		return Row{}, false
	}
	return j.Rows[i], true
}

type parser struct {
	name   string
	opt    Options
	header []string
	errs   Errors
	rows   []Row
	iccids map[string]int // line where it stands
	imsis  map[string]int
	imeis  map[binding.IMEI]int
}

func (p *parser) run(b []byte) (*Job, error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma = separator(b)
	r.Comment = '#'
	r.ReuseRecord = true
	if err := p.readHeader(r); err != nil {
		return nil, err
	}
	for len(p.errs) < maxErrors {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.csvError(err)
			break
		}
		p.row(r, rec)
	}
	switch {
	case len(p.errs) > 0:
		return nil, p.errs
	case len(p.rows) == 0:
		return nil, Errors{{File: p.name, Line: 2, Column: 1, Reason: "no card below the header"}}
	}
	return &Job{Name: p.name, Rows: p.rows}, nil
}

// separator: spreadsheets of many countries write semicolons.
func separator(b []byte) rune {
	first, _, _ := bytes.Cut(b, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		return ';'
	}
	return ','
}

func (p *parser) readHeader(r *csv.Reader) error {
	rec, err := r.Read()
	if err != nil {
		return Errors{{File: p.name, Line: 1, Column: 1, Reason: "no header line"}}
	}
	for i, name := range rec {
		name = strings.ToLower(strings.TrimSpace(name))
		line, col := r.FieldPos(i)
		if _, known := columns[name]; !known {
			return Errors{{File: p.name, Line: line, Column: col, Name: strconv.Quote(name), Reason: "unknown column; known are " + strings.Join(Columns(), ", ")}}
		}
		if slices.Contains(p.header, name) {
			return Errors{{File: p.name, Line: line, Column: col, Name: name, Reason: "column stands twice"}}
		}
		p.header = append(p.header, name)
	}
	if !slices.Contains(p.header, "iccid") {
		return Errors{{File: p.name, Line: 1, Column: 1, Name: "iccid", Reason: "column missing"}}
	}
	return nil
}

func (p *parser) csvError(err error) {
	e := &Error{File: p.name, Line: 1, Column: 1, Reason: err.Error()}
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		e.Line, e.Column, e.Reason = pe.Line, max(pe.Column, 1), pe.Err.Error()
	}
	p.errs = append(p.errs, e)
}

// fail notes a fault: column is the place inside the field, from 1, or 0 for its beginning.
func (p *parser) fail(r *csv.Reader, field, column int, reason string) {
	line, col := r.FieldPos(field)
	p.errs = append(p.errs, &Error{File: p.name, Line: line, Column: col + max(column, 1) - 1, Name: p.header[field], Reason: reason})
}

func (p *parser) row(r *csv.Reader, rec []string) {
	line, _ := r.FieldPos(0)
	row := Row{Line: line, Configuration: binding.DefaultConfiguration(binding.Off)}
	schemeSet := false
	before := len(p.errs)
	for i, cell := range rec {
		text := strings.TrimSpace(cell)
		if text == "" {
			continue
		}
		if p.header[i] == "scheme" {
			schemeSet = true
		}
		if err := columns[p.header[i]](&row, text); err != nil {
			lead := len(cell) - len(strings.TrimLeft(cell, " \t"))
			p.fail(r, i, lead+columnOf(err), reasonOf(err))
		}
	}
	if len(p.errs) > before {
		return
	}
	p.check(r, rec, &row, schemeSet)
}
