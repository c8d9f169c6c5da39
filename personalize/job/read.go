package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/simbind/simbind/internal/cells"
)

// maxCards is how many cards a job may have, maxFile how many bytes the file of cards.
const (
	maxCards = 10_000_000
	maxFile  = 2 << 30

	maxColumns = 100
	maxCell    = 16 << 10 // bytes; 255 ranges take half of it
)

// reading is the one pass over the file of cards.
type reading struct {
	job      *Job
	file     string
	b        []byte
	faults   Faults
	warnings Faults
	seen     identities
	digest   hash.Hash
	blank    blank
	below    int // the line below the header
	shortest int // digits of an ICCID
	longest  int
}

// blank are rows of empty cells that nothing followed so far.
type blank struct{ line, offset, count int }

// readCards validates the file of cards. b belongs to the job from here on; cells of keys and codes are wiped in it.
func (j *Job) readCards(b []byte, file string) error {
	r := &reading{job: j, file: file, b: b, digest: sha256.New()}
	j.digestSettings(r.digest)
	if err := textFault(b); err != nil {
		reason, remedy := reasonOf(err)
		return oneFault(Fault{File: file, Line: 1, Column: 1, Reason: reason, Remedy: remedy})
	}
	t := &j.table
	t.b, t.comma = b, cells.Separator(b)
	rows := cells.New(b, t.comma)
	if err := r.header(rows); err != nil {
		return err
	}
	r.form()
	for {
		rec, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.broken(err)
			continue
		}
		r.row(rec)
		r.wipe(rec)
	}
	return r.end()
}

func (r *reading) form() {
	first, _, _ := bytes.Cut(r.b, []byte("\n"))
	r.job.Form.File, r.job.Form.Columns, r.job.Form.Separator = r.file, r.job.table.header, r.job.table.comma
	r.job.Form.BOM = bytes.HasPrefix(r.b, []byte("\xEF\xBB\xBF"))
	r.job.Form.CRLF = bytes.HasSuffix(first, []byte("\r"))
}

func (r *reading) end() error {
	t := &r.job.table
	r.trailing()
	r.duplicates()
	if len(t.offsets) == 0 && r.faults.Total == 0 {
		r.fault(r.below, 1, "", "no card below the header", "give each card a row with its ICCID")
	}
	if err := r.faults.asError(); err != nil {
		return err
	}
	r.job.Warnings.take(r.warnings)
	r.job.Digest = hex.EncodeToString(r.digest.Sum(nil))
	return nil
}

func (r *reading) fault(line, column int, name, reason, remedy string) {
	r.faults.add(Fault{File: r.file, Line: line, Column: column, Name: name, Reason: reason, Remedy: remedy})
}

// broken is a place that is not CSV.
func (r *reading) broken(err error) {
	var e *cells.Error
	errors.As(err, &e)
	remedy := "double a quote inside a cell, and put the cell in quotes"
	if errors.Is(err, cells.ErrTooMany) {
		remedy = "look for a line end that is missing"
	}
	r.fault(e.Line, cells.Column(r.b, e.Offset), "", e.Error(), remedy)
}

var aNumber = regexp.MustCompile(`^[0-9]{10,}$`)

// header wants known names, none twice, iccid among them. All its faults are told; the rows are read only below a header
// in order.
func (r *reading) header(rows *cells.Reader) error {
	rec, err := rows.Next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.broken(err)
		} else {
			r.fault(1, 1, "", "no header line", "begin with the names of the columns, iccid among them")
		}
		return &r.faults
	}
	t := &r.job.table
	r.below = rec.Line + 1
	if len(rec.Cells) > maxColumns {
		r.fault(rec.Line, 1, "", fmt.Sprintf("%d columns, at most %d can be", len(rec.Cells), maxColumns), "known are "+strings.Join(Columns(), ", "))
		return &r.faults
	}
	for i, c := range rec.Cells {
		name := strings.ToLower(strings.TrimSpace(string(c.Text)))
		at := cells.Column(r.b, c.Offset)
		switch {
		case aNumber.MatchString(name):
			r.fault(c.Line, at, "", "digits where the names of the columns are expected", "begin with a header line, iccid among its names")
			return &r.faults
		case name == "":
			r.fault(c.Line, at, "", "column "+strconv.Itoa(i+1)+" has no name", "remove it, or give it one of the known names")
		case !slices.Contains(Columns(), name):
			r.fault(c.Line, at, strconv.Quote(cut(name)), "unknown column", "known are "+strings.Join(Columns(), ", "))
		case slices.Contains(t.header, name):
			r.fault(c.Line, at, name, "column stands twice", "remove one of the two")
		}
		t.header = append(t.header, name)
		t.names = t.names || name == "key" || t.base.Key != ""
		r.job.Form.Secrets = r.job.Form.Secrets || slices.Contains(secretColumns, name)
	}
	if !slices.Contains(t.header, "iccid") && r.faults.Total == 0 {
		r.fault(rec.Line, 1, "iccid", "column missing", "name the column of the ICCIDs iccid")
	}
	return r.faults.asError()
}

// cut shortens what somebody wrote.
func cut(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}

func (r *reading) row(rec cells.Record) {
	header := r.job.table.header
	if empty(rec) {
		if r.blank.count == 0 {
			r.blank.line, r.blank.offset = rec.Line, rec.Offset
		}
		r.blank.count++
		return
	}
	r.gap()
	if n := len(rec.Cells); n != len(header) {
		r.count(rec, n)
		return
	}
	d := r.job.table.base.begin(rec.Line)
	d.fill(header, rec)
	r.testIMEIs(d)
	r.tell(d, rec)
	r.keep(d, rec)
}

// testIMEIs refuses identities of the range for tests, and points at those that documents use as examples.
func (r *reading) testIMEIs(d *draft) {
	for _, p := range d.imeis {
		switch {
		case p.imei.Test() && !r.job.AllowTestIMEI:
			d.fault(p.cell, p.lead, "a test IMEI (its TAC begins with 00)", "give a real device's, or allow it for this job (allow_test_imei, --allow-test-imei)")
		case slices.Contains(exampleIMEIs, p.imei):
			d.notes = append(d.notes, cellFault{p.cell, p.lead, "an IMEI that many documents and emulators use as an example", "make sure that a device has it"})
		}
	}
}

// empty tells a row of empty cells, as spreadsheets leave at the end.
func empty(rec cells.Record) bool {
	for _, c := range rec.Cells {
		if len(bytes.TrimSpace(c.Text)) > 0 {
			return false
		}
	}
	return true
}

// gap: empty rows in the midst may be cards that somebody deleted by mistake.
func (r *reading) gap() {
	if r.blank.count > 0 {
		r.fault(r.blank.line, 1, "", rowsOf(r.blank.count)+" with cards below", "remove them, or fill them in")
	}
	r.blank.count = 0
}

func (r *reading) trailing() {
	if r.blank.count > 0 {
		r.warnings.add(Fault{File: r.file, Line: r.blank.line, Column: 1, Reason: rowsOf(r.blank.count) + " at the end, passed over"})
	}
}

func rowsOf(n int) string {
	if n == 1 {
		return "a row of empty cells"
	}
	return fmt.Sprintf("%d rows of empty cells", n)
}

func (r *reading) count(rec cells.Record, n int) {
	want := len(r.job.table.header)
	reason := fmt.Sprintf("%d cells, the header has %d", n, want)
	if n == 1 {
		reason = fmt.Sprintf("1 cell, the header has %d", want)
	}
	if n > want {
		c := rec.Cells[want]
		r.fault(c.Line, cells.Column(r.b, c.Offset), "", reason, "a cell with a separator in it needs quotes")
		return
	}
	r.fault(rec.Line, 1, "", reason, "leave a cell empty, but keep its separator")
}

// tell puts faults and notes of the row where they stand in the file.
func (r *reading) tell(d *draft, rec cells.Record) {
	for _, f := range d.faults {
		if r.faults.Total >= maxListed { // counted, but not told
			r.faults.Total++
			continue
		}
		r.faults.add(r.placed(f, rec))
	}
	for _, f := range d.notes {
		switch {
		case r.warnings.alike(r.job.table.header[f.cell], f.reason):
		case len(r.warnings.List) == maxListed:
			r.warnings.Total++
		default:
			r.warnings.add(r.placed(f, rec))
		}
	}
}

func (r *reading) placed(f cellFault, rec cells.Record) Fault {
	c, name := rec.Cells[f.cell], r.job.table.header[f.cell]
	if f.remedy == "" {
		f.remedy = remedies[name]
	}
	return Fault{File: r.file, Line: c.Line, Column: cells.Column(r.b, c.Offset) + f.lead, Name: name, Reason: f.reason, Remedy: f.remedy}
}

// keep remembers what the row is found and compared by. A row with faults is compared, too.
func (r *reading) keep(d *draft, rec cells.Record) {
	if d.ICCID == "" {
		return
	}
	t := &r.job.table
	if len(t.offsets) == maxCards {
		r.fault(rec.Line, 1, "", fmt.Sprintf("more than %d cards", maxCards), "split the job")
		return
	}
	row := uint32(len(t.offsets))
	t.offsets = append(t.offsets, uint32(rec.Offset))
	t.lines = append(t.lines, uint32(rec.Line))
	t.iccids = append(t.iccids, d.id.Encode())
	r.longest = max(r.longest, len(d.ICCID))
	if r.shortest == 0 || len(d.ICCID) < r.shortest {
		r.shortest = len(d.ICCID)
	}
	r.seen.add(d, row, r.job)
	if r.faults.Total == 0 {
		r.job.Schemes[d.Configuration.Scheme]++
		digestRow(r.digest, &d.Row)
	}
}

// wipe overwrites cells of keys and codes; line ends stay, so that places stay right.
func (r *reading) wipe(rec cells.Record) {
	if !r.job.Form.Secrets {
		return
	}
	for i, c := range rec.Cells {
		if i < len(r.job.table.header) && !slices.Contains(secretColumns, r.job.table.header[i]) {
			continue
		}
		clear(c.Text)
		for n := c.Offset; n < c.End; n++ {
			if r.b[n] != '\n' && r.b[n] != '\r' {
				r.b[n] = ' '
			}
		}
	}
}
