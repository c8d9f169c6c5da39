package job

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/internal/cells"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// draft is a row while its cells are read.
type draft struct {
	Row
	schemeSet  bool // by the row or by the defaults
	ownScheme  bool // by the row
	ownEntries bool // it names IMEIs, prefixes, ranges or patterns itself
	id         uicc.ICCID
	imeis      []placedIMEI
	faults     []cellFault
	notes      []cellFault

	at   int // the cell that is read
	lead int // characters before the value in it
}

// placedIMEI is a full IMEI and where it stands.
type placedIMEI struct {
	imei       binding.IMEI
	cell, lead int
}

// cellFault is a fault in a cell of the row: characters into the cell, from 0.
type cellFault struct {
	cell, lead     int
	reason, remedy string
}

// base is the draft of a row that says nothing.
func base() draft {
	return draft{Row: Row{Configuration: binding.DefaultConfiguration(binding.Off)}}
}

// begin copies the defaults for a row. The lists are shared until the row names its own.
func (d *draft) begin(line int) *draft {
	own := *d
	own.Line = line
	own.Configuration.Patterns = slices.Clip(own.Configuration.Patterns)
	own.Configuration.Ranges = slices.Clip(own.Configuration.Ranges)
	own.ownScheme, own.ownEntries = false, false
	own.imeis = nil
	return &own
}

func (d *draft) fault(cell, lead int, reason, remedy string) {
	d.faults = append(d.faults, cellFault{cell, lead, reason, remedy})
}

func (d *draft) note(text string) {
	d.notes = append(d.notes, cellFault{cell: d.at, lead: d.lead, reason: text})
	d.Notes = append(d.Notes, fmt.Sprintf("line %d: %s", d.Line, text))
}

// entry makes room for the row's own entries in place of the defaults'.
func (d *draft) entry() {
	if !d.ownEntries {
		d.Configuration.Patterns, d.Configuration.Ranges, d.imeis = nil, nil, nil
	}
	d.ownEntries = true
}

// fill reads the cells of a row, and looks at it as a whole.
func (d *draft) fill(header []string, rec cells.Record) {
	for i, c := range rec.Cells[:min(len(rec.Cells), len(header))] {
		switch text := bytes.TrimSpace(c.Text); {
		case len(text) > maxCell:
			d.fault(i, 0, fmt.Sprintf("a cell of %d bytes, at most %d can be", len(text), maxCell), "look for a quote that is not closed")
		case len(text) > 0:
			d.cell(i, header[i], c.Text, text)
		}
	}
	if len(d.faults) == 0 {
		d.check(header, rec)
	}
}

func (d *draft) cell(i int, name string, whole, text []byte) {
	d.at, d.lead = i, utf8.RuneCount(whole[:bytes.Index(whole, text)])
	set, known := columns[name]
	switch {
	case slices.Contains(secretColumns, name):
		if err := keys.CheckCell(name, text); err != nil {
			d.fault(i, d.lead, err.Error(), "the value is not shown")
		}
		return
	case !known: // told at the header
		return
	}
	if damage := damageOf(name, text); damage != nil {
		d.fault(i, d.lead, damage.reason, damage.remedy)
		return
	}
	if err := set(d, string(text)); err != nil {
		reason, remedy := reasonOf(err)
		d.fault(i, d.lead+columnOf(err)-1, reason, remedy)
	}
}

// check looks at the row as a whole. The duplicates are looked for when all rows are known.
func (d *draft) check(header []string, rec cells.Record) {
	field := func(name string) int { return max(slices.Index(header, name), 0) }
	if d.ICCID == "" {
		d.fault(field("iccid"), 0, "empty", "every row needs the ICCID that its card shows")
		return
	}
	c := &d.Configuration
	if !d.schemeSet {
		if c.Entries() == 0 {
			d.fault(field("scheme"), 0, "neither a scheme nor an IMEI, prefix, range or pattern", "say what is wanted of this card, or give the job a default")
			return
		}
		c.Scheme = binding.Preset
	}
	if c.Scheme == binding.Off && d.ownScheme && !d.ownEntries { // the defaults' entries are for cards that are bound
		c.Patterns, c.Ranges, d.imeis = nil, nil, nil
	}
	if name, reason := d.contradiction(header, rec); reason != "" {
		d.fault(field(name), 0, reason, "empty the cell, or change the scheme")
		return
	}
	if err := c.Validate(nil); err != nil {
		reason, remedy := reasonOf(err)
		d.fault(field("scheme"), 0, reason, remedy)
		return
	}
	if imsi := usim.IMSI(d.IMSI); imsi != "" && usim.EncodeIMSI(imsi) == c.Denial {
		d.fault(field("deny_imsi"), 0, "the denial value is the IMSI of this card: every terminal would be let in", "name another one")
	}
}

// contradiction finds a cell that the row's scheme leaves without meaning, as the flags of a single card refuse it.
func (d *draft) contradiction(header []string, rec cells.Record) (column, reason string) {
	for i, name := range header {
		if len(bytes.TrimSpace(rec.Cells[i].Text)) == 0 {
			continue
		}
		switch {
		case d.Configuration.Scheme == binding.FirstInsert && name == "imei":
			return name, "a known IMEI is a preset; narrow a first insert by prefix, range or pattern"
		case d.Configuration.Scheme == binding.Off && slices.Contains(entryColumns, name):
			return name, "off binds to nothing"
		}
	}
	return "", ""
}

// placed moves the place of a fault inside a cell that holds several values.
type placed struct {
	err    error
	column int // character, from 1
}

func (p *placed) Error() string { return p.err.Error() }
func (p *placed) Unwrap() error { return p.err }

func columnOf(err error) int {
	var p *placed
	if errors.As(err, &p) {
		return p.column
	}
	var in *binding.InputError
	if errors.As(err, &in) {
		return max(in.Column, 1)
	}
	return 1
}

func reasonOf(err error) (reason, remedy string) {
	var r *remedied
	if errors.As(err, &r) {
		return r.reason, r.remedy
	}
	var in *binding.InputError
	if errors.As(err, &in) {
		return in.Reason, ""
	}
	words := err.Error()
	for _, kind := range []error{uicc.ErrMalformed, usim.ErrMalformed} {
		words = strings.TrimPrefix(words, kind.Error()+": ")
	}
	return words, ""
}
