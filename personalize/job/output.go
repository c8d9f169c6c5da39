package job

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"filippo.io/age"
)

// Batch is what a template says of a job as a whole.
type Batch struct {
	Time                                     time.Time
	Ordered, Good, Rejected, Open, Untouched int
	Quarantined                              int
}

// Done is what became of a card.
type Done struct {
	ICCID     string
	Outcome   string // good, rejected, quarantined, untouched; empty: at work, or not begun
	Code      string
	Reason    string
	Station   string
	Operator  string
	Reader    string
	Concluded time.Time // zero: not concluded
}

// sheet is what the lines above and below the rows are filled from.
type sheet struct {
	Batch
	job  *Job
	rows int
}

// batchFields are those of header and footer.
var batchFields = map[string]func(sheet) string{
	"job":         func(s sheet) string { return s.job.Name },
	"digest":      func(s sheet) string { return s.job.Digest },
	"time":        func(s sheet) string { return s.Time.UTC().Format(time.RFC3339) },
	"date":        func(s sheet) string { return s.Time.UTC().Format(time.DateOnly) },
	"rows":        func(s sheet) string { return fmt.Sprint(s.rows) },
	"ordered":     func(s sheet) string { return fmt.Sprint(s.Ordered) },
	"good":        func(s sheet) string { return fmt.Sprint(s.Good) },
	"rejected":    func(s sheet) string { return fmt.Sprint(s.Rejected) },
	"quarantined": func(s sheet) string { return fmt.Sprint(s.Quarantined) },
	"open":        func(s sheet) string { return fmt.Sprint(s.Open) },
	"untouched":   func(s sheet) string { return fmt.Sprint(s.Untouched) },
}

// outputRow is what a row is filled from.
type outputRow struct {
	Done
	row Row
}

// cardFields are those of columns. Keys and codes are not among them: they stay in the key source.
var cardFields = map[string]func(outputRow) string{
	"iccid":     func(r outputRow) string { return r.ICCID },
	"imsi":      func(r outputRow) string { return r.row.IMSI },
	"scheme":    func(r outputRow) string { return r.row.Configuration.Scheme.String() },
	"terminals": terminals,
	"policy":    func(r outputRow) string { return strings.Join(r.row.Configuration.Policy.Codes(), " ") },
	"key":       func(r outputRow) string { return r.row.Key },
	"outcome":   func(r outputRow) string { return r.Outcome },
	"code":      func(r outputRow) string { return r.Code },
	"reason":    func(r outputRow) string { return r.Reason },
	"station":   func(r outputRow) string { return r.Station },
	"operator":  func(r outputRow) string { return r.Operator },
	"reader":    func(r outputRow) string { return r.Reader },
	"time":      func(r outputRow) string { return moment(r.Concluded) },
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// terminals are patterns of 14 places, * for any digit, and ranges, whole.
func terminals(r outputRow) string {
	var out []string
	for _, p := range r.row.Configuration.Patterns {
		out = append(out, p.String())
	}
	for _, x := range r.row.Configuration.Ranges {
		out = append(out, x.String())
	}
	return strings.Join(out, " ")
}

// wanted tells whether a template wants a card of that outcome.
func (t *template) wanted(outcome string) bool {
	switch t.rows {
	case "good":
		return outcome == "good"
	case "done":
		return outcome == "good" || outcome == "rejected" || outcome == "quarantined"
	}
	return true
}

// HasOutput tells whether the job names a template.
func (j *Job) HasOutput() bool { return j.template != nil }

// WriteOutput writes the file that the job's template describes, and tells how many rows it has. The cards come in the order of the rows;
// one that is not of the job, or was erased (no ICCID), is left out.
func (j *Job) WriteOutput(w io.Writer, b Batch, cards iter.Seq2[Done, error]) (rows int, err error) {
	t := j.template
	var body bytes.Buffer
	out := t.writer(&body)
	if t.names {
		if err := out.Write(t.columnNames()); err != nil {
			return 0, err
		}
	}
	for d, err := range cards {
		if err != nil {
			return rows, err
		}
		row, ok := j.Row(d.ICCID)
		if !ok || !t.wanted(d.Outcome) {
			continue
		}
		record, err := t.record(outputRow{d, row})
		if err != nil {
			return rows, err
		}
		if err := out.Write(record); err != nil {
			return rows, err
		}
		rows++
	}
	out.Flush()
	s := sheet{b, j, rows}
	if err := t.lines(w, t.header, s); err != nil {
		return rows, err
	}
	if _, err := body.WriteTo(w); err != nil {
		return rows, err
	}
	return rows, t.lines(w, t.footer, s)
}

func (t *template) writer(w io.Writer) *csv.Writer {
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = t.separator, t.crlf
	return out
}

func (t *template) columnNames() (out []string) {
	for _, c := range t.columns {
		out = append(out, c.name)
	}
	return out
}

// lines are written as they are, without quotes.
func (t *template) lines(w io.Writer, patterns []pattern, s sheet) error {
	end := map[bool]string{false: "\n", true: "\r\n"}[t.crlf]
	for _, p := range patterns {
		if _, err := io.WriteString(w, fill(p, batchFields, s)+end); err != nil {
			return err
		}
	}
	return nil
}

func (t *template) record(r outputRow) ([]string, error) {
	var out []string
	for _, c := range t.columns {
		cell := fill(c.value, cardFields, r)
		if c.to != "" {
			var err error
			if cell, err = encryptCell(cell, t.recipients[c.to]); err != nil {
				return nil, fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		out = append(out, cell)
	}
	return out, nil
}

// encryptCell is an age file of the cell in base64: equal cells look different, and empty ones like others.
func encryptCell(cell string, to []age.Recipient) (string, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, cell); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
