package job

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// outputJob is a job of two cards with a template.
func outputJob(t *testing.T, template string) (*Job, string, error) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "job.yaml"), "name: x\noutput: {template: out.yaml, file: result.csv}\n", 0o644)
	writeFile(t, filepath.Join(dir, "cards.csv"), "iccid,imsi,scheme,imei,no_imei,key\n"+card+",001010000123456,,358240051111110,allow,march\n"+next+",,off,,,\n", 0o644)
	path := writeFile(t, filepath.Join(dir, "out.yaml"), template, 0o644)
	j, err := Load(dir, Options{})
	return j, path, err
}

func sequence(all ...Done) iter.Seq2[Done, error] {
	return func(yield func(Done, error) bool) {
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

var at = time.Date(2026, 3, 7, 12, 30, 0, 0, time.UTC)

func TestOutputFields(t *testing.T) {
	var names []string
	for name := range cardFields {
		names = append(names, "{"+name+"}")
	}
	slices.Sort(names)
	j, _, err := outputJob(t, "rows: all\nseparator: \"|\"\ncolumn_names: no\nheader: [\"{job} {date} {time} {rows} {ordered} {good} {rejected} {quarantined} {open} {untouched} {{}\", \"\"]\ncolumns:\n  - {name: all, value: \""+strings.Join(names, ",")+"\"}\n")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	rows, err := j.WriteOutput(&b, Batch{Time: at, Ordered: 6, Good: 1, Rejected: 2, Quarantined: 3, Open: 4, Untouched: 5},
		sequence(Done{ICCID: card, Outcome: "good", Code: "c", Reason: "r", Station: "s", Operator: "o", Reader: "d", Concluded: at}, Done{ICCID: "8988211320300000028", Outcome: "good"}, Done{ICCID: next}))
	want := "x 2026-03-07 2026-03-07T12:30:00Z 2 6 1 2 3 4 5 {}\n\n" +
		"c," + card + ",001010000123456,march,o,good,allow_no_imei,d,r,preset,s,35824005111111,2026-03-07T12:30:00Z\n" +
		"," + next + ",,,,,,,,off,,,\n"
	if err != nil || rows != 2 || b.String() != want {
		t.Errorf("%d rows, %v\n%s\nwant\n%s", rows, err, b.String(), want)
	}
}

// TestOutputRows: which cards a template asks for.
func TestOutputRows(t *testing.T) {
	for asked, want := range map[string]int{"good": 1, "done": 3, "all": 5} {
		j, _, err := outputJob(t, "rows: "+asked+"\ncolumns: [{name: a, value: \"{outcome}\"}]\n")
		if err != nil {
			t.Fatal(err)
		}
		var all []Done
		for _, o := range []string{"good", "rejected", "quarantined", "untouched", ""} {
			all = append(all, Done{ICCID: card, Outcome: o})
		}
		if rows, err := j.WriteOutput(io.Discard, Batch{}, sequence(all...)); err != nil || rows != want {
			t.Errorf("%s: %d rows, want %d; %v", asked, rows, want, err)
		}
	}
}

// TestOutputEncrypted: a column is opened by its recipients, and equal values do not show.
func TestOutputEncrypted(t *testing.T) {
	auc, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := outputJob(t, "rows: all\ncolumn_names: no\ncolumns: [{name: a, value: \"{outcome}\", encrypt_to: auc}]\nrecipients: {auc: ["+auc.Recipient().String()+"]}\n")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := j.WriteOutput(&b, Batch{}, sequence(Done{ICCID: card, Outcome: "good"}, Done{ICCID: next, Outcome: "good"})); err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(b.String())
	if len(lines) != 2 || lines[0] == lines[1] || strings.Contains(b.String(), "good") {
		t.Fatalf("%q", lines)
	}
	for _, line := range lines {
		cell, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		r, err := age.Decrypt(bytes.NewReader(cell), auc)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != "good" {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := age.Decrypt(bytes.NewReader(cell), other); err == nil {
			t.Error("somebody else opened it")
		}
	}
}

func TestOutputStops(t *testing.T) {
	j, _, err := outputJob(t, "columns: [{name: a, value: x}]\n")
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the ledger is gone")
	var b bytes.Buffer
	if _, err := j.WriteOutput(&b, Batch{}, func(yield func(Done, error) bool) { yield(Done{}, gone) }); !errors.Is(err, gone) || b.Len() != 0 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
}

// TestTemplateSentences: every fault of a template, word for word.
func TestTemplateSentences(t *testing.T) {
	cardNames := "code, iccid, imsi, key, operator, outcome, policy, reader, reason, scheme, station, terminals, time"
	batchNames := "date, digest, good, job, open, ordered, quarantined, rejected, rows, time, untouched"
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", "1:1: the file is empty; a template names at least its columns"},
		{"no columns", "rows: all\n", "1:1: columns: missing; name at least one column"},
		{"unknown field", "colour: red\n", `1:1: "colour": unknown field; known are column_names, columns, footer, header, line_end, recipients, rows, separator`},
		{"separator", "separator: ab\n", "1:12: separator: one of , ; : | space or tab"},
		{"line end", "line_end: cr\n", "1:11: line_end: lf or crlf"},
		{"rows", "rows: some\n", "1:7: rows: good, done or all"},
		{"field of a card in the header", "header: [\"{iccid}\"]\n", `1:10: header: "iccid" is no field here; known are ` + batchNames},
		{"secret", "columns: [{name: a, value: \"{adm1}\"}]\n", `1:28: columns.value: "adm1" is no field here; known are ` + cardNames},
		{"brace", "columns: [{name: a, value: \"{iccid\"}]\n", "1:28: columns.value: a { without its }; write {field}, or {{ for a brace"},
		{"control character", "columns: [{name: a, value: \"a\\nb\"}]\n", "1:28: columns.value: a control character"},
		{"no name", "columns: [{value: x}]\n", `1:11: columns: a column has name and value; write {name: NAME, value: "{field}"}`},
		{"no list", "columns: x\n", `1:10: columns: a list is expected here; write - name: NAME and value: "{field}", for each`},
		{"unknown recipients", "columns: [{name: a, value: x, encrypt_to: auc}]\n", "1:43: columns.encrypt_to: no recipients of that name; list them under recipients"},
		{"recipient", "columns: [{name: a, value: x, encrypt_to: auc}]\nrecipients: {auc: [x]}\n", "2:20: recipients.auc: no age recipient; age-keygen prints it as the public key: age1…"},
		{"recipients", "recipients: [x]\n", "1:13: recipients: a mapping is expected here; write NAME: [age1…]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, path, err := outputJob(t, row.text)
			var all *Faults
			if !errors.As(err, &all) || all.Total != 1 {
				t.Fatalf("error %v", err)
			}
			if got := strings.TrimPrefix(err.Error(), path+":"); got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
	j, _, err := outputJob(t, "columns: [{name: a, value: x}]\n")
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := outputJob(t, "columns: [{name: a, value: y}]\n")
	if err != nil || again.Digest == j.Digest {
		t.Errorf("another template, the same digest; %v", err)
	}
}
