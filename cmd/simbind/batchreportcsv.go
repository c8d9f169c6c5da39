package main

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/personalize/ledger/summary"
)

// reportRow is one ordered card.
type reportRow struct {
	batchCard
	card summary.Card
}

// reportRow joins what the list says of a card with what became of it. The reason is the table's, if that is of the same moment.
func (a *app) reportRow(s ledger.CardState, c summary.Card, job string) reportRow {
	row := reportRow{card: c, batchCard: batchCard{
		Number: s.Position + 1, ICCID: a.digits(s.ICCID, s.Card), Outcome: outcomeWord(c.Outcome), Code: c.Code,
		Station: c.Station, Reader: c.Reader, Operator: c.Operator, Attempts: c.Attempts, Claimed: utcOrNot(c.Claimed), Concluded: utcOrNot(c.Concluded),
	}}
	if s.Holder == job && s.Outcome == c.Outcome {
		row.Reason = s.Note
	}
	return row
}

// outcomeWord has a word for a claim that nothing concluded.
func outcomeWord(o ledger.Outcome) string {
	if o == ledger.Underway {
		return "in_doubt"
	}
	return string(o)
}

func utcOrNot(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return utc(t)
}

// writeBatchCSV writes a line for every card that read hands over.
func writeBatchCSV(w io.Writer, read func(func(reportRow) error) error) error {
	out := csv.NewWriter(w)
	header := []string{"number", "iccid", "outcome", "code", "reason", "station", "reader", "operator", "attempts", "redone", "apdus", "took_ms", "claimed", "concluded"}
	if err := out.Write(header); err != nil {
		return err
	}
	if err := read(func(r reportRow) error { return out.Write(r.fields()) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func (r reportRow) fields() []string {
	return []string{
		strconv.Itoa(r.Number), r.ICCID, r.Outcome, cell(r.Code), cell(r.Reason), cell(r.Station), cell(r.Reader), cell(r.Operator),
		strconv.Itoa(r.Attempts), strconv.Itoa(r.card.Redone), strconv.Itoa(r.card.APDUs), number(milliseconds(r.card.Took)), r.Claimed, r.Concluded,
	}
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) { // the wide ones are read as the others in East Asia
		return "'" + s
	}
	return s
}

// number is the shortest text of a figure.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// mayReplace looks whether a file can be written at all, before a ledger is read for it. Devices, pipes and links are left alone: /dev/stdout is one,
// and a file would be moved into its place.
func mayReplace(flag, path string) error {
	if path == "" {
		return nil
	}
	if there, err := os.Lstat(path); err == nil && !there.Mode().IsRegular() {
		return usagef("%s %s: not a file", flag, path)
	}
	_, err := os.Stat(filepath.Dir(path))
	return fileError(flag+" "+path, err)
}

// replace writes a file beside its place and then moves it there, so that a report is whole or not there. Revealed identities are for the user alone.
func (a *app) replace(flag, path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".simbind-report-*")
	if err != nil {
		return fileError(flag+" "+path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if a.global.reveal {
		mode = 0o600
	}
	if err := f.Chmod(mode); err != nil {
		return fileError(flag+" "+path, err)
	}
	if err := f.Sync(); err != nil {
		return fileError(flag+" "+path, err)
	}
	if err := f.Close(); err != nil {
		return fileError(flag+" "+path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return usagef("%s %s: %w", flag, path, err)
	}
	a.say("wrote %s", path)
	return nil
}
