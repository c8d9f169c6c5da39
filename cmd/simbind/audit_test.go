package main

import (
	"context"
	"database/sql"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/simbind/simbind/personalize/ledger"
)

// auditCards are those of every ledger the scripts make.
var auditCards = []string{"8988211000000430010", "8988211000000467343", "8988211000000530082"}

// worked makes a ledger with one job as a batch leaves it: worked FILE OUTCOME… gives the outcome of the first cards; "open" leaves a claim open.
// The job is called batch; with dual as first outcome it asks for two signatures and no card was claimed.
func worked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: worked FILE OUTCOME…")
	}
	ctx := context.Background()
	l, err := ledger.Open(ctx, ts.MkAbs(args[0]), ledger.Options{})
	ts.Check(err)
	defer l.Close()
	by := ledger.Actor{Station: "desk-1", Operator: "anna", Reader: "slot 1", Tool: "simbind test"}
	dual := len(args) > 1 && args[1] == "dual"
	j := ledger.Job{Digest: strings.Repeat("0a", 32), Name: "batch", ICCIDs: auditCards, Dual: dual}
	ts.Check(l.Register(ctx, j, by))
	if dual {
		return
	}
	for i, outcome := range args[1:] {
		c, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: auditCards[i], By: by})
		ts.Check(err)
		ts.Check(c.Event(ctx, ledger.Event{Step: "write", SW: 0x9000, APDUs: 22, Hidden: map[string]string{"imsi": "001010000123456"}, Note: "box 7"}))
		if outcome != "open" {
			ts.Check(c.Conclude(ctx, ledger.Outcome(outcome), ledger.Event{Step: "verify", Note: "as told"}))
		}
	}
}

// tamper changes a ledger behind the tool's back: tamper FILE SQL…
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tamper FILE SQL…")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	for _, q := range args[1:] {
		_, err := db.Exec(q)
		ts.Check(err)
	}
}
