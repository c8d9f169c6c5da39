package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/simbind/simbind/internal/cells"
)

// index looks through a CSV and notes where the rows are. Nothing of it is copied but the header.
func (k *File) index(b []byte, also []string) error {
	if bytes.HasPrefix(b, []byte("\xFF\xFE")) || bytes.HasPrefix(b, []byte("\xFE\xFF")) {
		return &Error{File: k.path, Line: 1, Reason: "UTF-16; save it as CSV in UTF-8"}
	}
	k.comma = cells.Separator(b)
	rows := cells.New(b, k.comma)
	rec, err := rows.Next()
	if err != nil {
		return &Error{File: k.path, Line: 1, Reason: "no header line"}
	}
	if err := k.readHeader(rec, also); err != nil {
		return err
	}
	errs := &Errors{}
	for {
		rec, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs.add(k.csvError(err))
			continue
		}
		if e := k.note(rec, rows.Offset()); e != nil {
			errs.add(e)
		}
	}
	k.sortRows(errs)
	if errs.Total > 0 {
		return errs
	}
	return nil
}

func (k *File) readHeader(rec cells.Record, also []string) error {
	for i, c := range rec.Cells {
		name := strings.ToLower(strings.TrimSpace(string(c.Text)))
		if known := slices.Contains(Columns, name) || slices.Contains(also, name); !known || slices.Contains(k.header, name) {
			return &Error{File: k.path, Line: rec.Line, Reason: fmt.Sprintf("column %d is unknown or there twice; known are %s", i+1, strings.Join(Columns, ", "))}
		}
		k.header = append(k.header, name)
	}
	if !slices.Contains(k.header, "iccid") && !slices.Contains(k.header, "name") {
		return &Error{File: k.path, Line: rec.Line, Reason: "no column iccid"}
	}
	return nil
}

// csvError keeps the place and drops the text, which may hold a key.
func (k *File) csvError(err error) *Error {
	var e *cells.Error
	if errors.As(err, &e) {
		return &Error{File: k.path, Line: e.Line, Reason: e.Error()}
	}
	return &Error{File: k.path, Reason: "cannot be read"}
}

// cellsOf gives the cells by their column. A name that the key file does not know is another's.
func (k *File) cellsOf(rec cells.Record) row {
	return func(column string) []byte {
		if i := slices.Index(k.header, column); i >= 0 && i < len(rec.Cells) {
			return bytes.TrimSpace(rec.Cells[i].Text)
		}
		return nil
	}
}

// note keeps where a row is; end is the offset behind it.
func (k *File) note(rec cells.Record, end int) *Error {
	at := func(column, reason string) *Error {
		return &Error{File: k.path, Line: rec.Line, Column: column, Reason: reason}
	}
	if len(rec.Cells) != len(k.header) {
		if blank(rec) {
			return nil
		}
		return at("", fmt.Sprintf("%d cells, the header has %d", len(rec.Cells), len(k.header)))
	}
	r := k.cellsOf(rec)
	if blank(rec) {
		return nil
	}
	if column, reason := r.check(); reason != "" {
		return at(column, reason)
	}
	p := place{offset: int64(rec.Offset), length: uint32(end - rec.Offset), line: uint32(rec.Line), keys: len(r("enc")) > 0}
	column, reason := k.keep(r, p)
	if reason != "" {
		return at(column, reason)
	}
	return nil
}

func blank(rec cells.Record) bool {
	return !slices.ContainsFunc(rec.Cells, func(c cells.Cell) bool { return len(bytes.TrimSpace(c.Text)) > 0 })
}

// keep puts a row where it is found again.
func (k *File) keep(r row, p place) (column, reason string) {
	iccid, name := r("iccid"), string(r("name"))
	switch {
	case len(iccid) > 0 && name != "":
		return "name", "a row is of an ICCID or has a name, not both"
	case name != "":
		if _, dup := k.named[name]; dup {
			return "name", "a second row of the same name"
		}
		k.named[name] = p
	case string(iccid) == everyCard:
		if k.masters != nil {
			return "iccid", "a second row for every card"
		}
		k.masters = &p
	default:
		var ok bool
		if p.iccid, ok = pack(iccid); !ok {
			return "iccid", "an ICCID is digits alone, 20 at most"
		}
		k.rows = append(k.rows, p)
	}
	return "", ""
}

// parse opens a row that was read anew, with the byte behind it, if there is one. It must still be the one that was noted, and end where that did:
// of a longer one a piece would be opened.
func (k *File) parse(b []byte, p place, name string) (*Card, error) {
	row := b[:p.length]
	rec, err := cells.From(row, k.comma, 0, int(p.line))
	changed := &Error{File: k.path, Line: int(p.line), Reason: "the file was changed since it was opened"}
	ends := len(b) == len(row) || bytes.HasSuffix(row, []byte("\n"))
	if err != nil || !ends || len(rec.Cells) != len(k.header) {
		return nil, changed
	}
	r := k.cellsOf(rec)
	if _, reason := r.check(); reason != "" || !r.stands(p, name) {
		return nil, changed
	}
	return r.card()
}

// stands tells whether a row is still that of the card, of the name, or of every card, that was noted at a place.
func (r row) stands(p place, name string) bool {
	switch {
	case name != "":
		return string(r("name")) == name
	case p.iccid == [10]byte{}:
		return string(r("iccid")) == everyCard
	}
	again, _ := pack(r("iccid"))
	return again == p.iccid
}
