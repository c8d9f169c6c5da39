package main

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"io"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/ledger"
)

// issued makes the ledger of a job as its run leaves it: issued LEDGER JOB OUTCOME… gives the outcome of the first cards.
func issued(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: issued LEDGER JOB OUTCOME…")
	}
	ctx := context.Background()
	j, err := job.Load(ts.MkAbs(args[1]), job.Options{})
	ts.Check(err)
	l, err := ledger.Open(ctx, ts.MkAbs(args[0]), ledger.Options{})
	ts.Check(err)
	defer l.Close()
	by := ledger.Actor{Station: "desk-1", Operator: "anna", Reader: "slot 1", Tool: "simbind test"}
	ts.Check(l.Register(ctx, ledger.Job{Digest: j.Digest, Name: j.Name, ICCIDs: j.ICCIDs()}, by))
	for i, outcome := range args[2:] {
		c, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs()[i], By: by})
		ts.Check(err)
		if outcome != "open" {
			ts.Check(c.Conclude(ctx, ledger.Outcome(outcome), ledger.Event{Step: "verify", Code: "as_told", Note: "as told; really"}))
		}
	}
}

// opened decrypts a column of a CSV and wants its values: opened FILE SEPARATOR SKIP COLUMN IDENTITY VALUE…
func opened(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: opened FILE SEPARATOR SKIP COLUMN IDENTITY VALUE…")
	}
	f, err := os.Open(ts.MkAbs(args[4]))
	ts.Check(err)
	defer f.Close()
	ids, err := age.ParseIdentities(f)
	ts.Check(err)
	_, text, _ := strings.Cut(ts.ReadFile(args[0]), args[2])
	r := csv.NewReader(strings.NewReader(args[2] + text))
	r.Comma, r.FieldsPerRecord = rune(args[1][0]), -1
	rows, err := r.ReadAll()
	ts.Check(err)
	column := slices.Index(rows[0], args[3])
	if column < 0 {
		ts.Fatalf("no column %s in %q", args[3], rows[0])
	}
	var got []string
	for _, row := range rows[1:] {
		if len(row) == len(rows[0]) {
			got = append(got, decryptCell(ts, row[column], ids))
		}
	}
	if !slices.Equal(got, args[5:]) {
		ts.Fatalf("column %s holds %q, want %q", args[3], got, args[5:])
	}
}

func decryptCell(ts *testscript.TestScript, cell string, ids []age.Identity) string {
	r, err := age.Decrypt(base64.NewDecoder(base64.StdEncoding, strings.NewReader(cell)), ids...)
	ts.Check(err)
	b, err := io.ReadAll(r)
	ts.Check(err)
	return string(b)
}
