package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/ledger"
)

// TestRetryOfAllFailed names the cards that this job's own claim holds as failed: not one that was erased, and none that another job did since.
func TestRetryOfAllFailed(t *testing.T) {
	ctx := context.Background()
	l, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	by := ledger.Actor{Station: "desk-1", Operator: "anna", Tool: "simbind test"}
	job := func(name string, iccids ...string) ledger.Job {
		j := ledger.Job{Digest: fmt.Sprintf("%064x", name), Name: name, ICCIDs: iccids}
		if err := l.Register(ctx, j, by); err != nil {
			t.Fatal(err)
		}
		return j
	}
	end := func(j ledger.Job, i int, o ledger.Outcome, redo string) {
		t.Helper()
		c, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[i], By: by, Redo: redo})
		if err == nil {
			err = c.Conclude(ctx, o, ledger.Event{Note: "as told"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	march := job("march", "8988211000000000001", "8988211000000000002", "8988211000000000003", "8988211000000000004", "8988211000000000005")
	end(march, 0, ledger.Rejected, "")
	end(march, 1, ledger.Quarantined, "")
	end(march, 2, ledger.Rejected, "")
	end(march, 3, ledger.Good, "")
	april := job("april", march.ICCIDs[1], march.ICCIDs[4])
	end(april, 0, ledger.Good, "found in a drawer")
	end(april, 1, ledger.Rejected, "")
	if err := l.Erase(ctx, march.ICCIDs[2], by, "retention ended"); err != nil {
		t.Fatal(err)
	}
	got, err := redo(ctx, l, batch.Order{Job: march}, &batchFlags{failed: true, reason: "again"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for iccid := range got {
		names = append(names, iccid)
	}
	if slices.Sort(names); !slices.Equal(names, march.ICCIDs[:1]) {
		t.Errorf("to be done again: %q, want %q", names, march.ICCIDs[:1])
	}
}

// TestRetryOfACardByAnySpelling: the digits are compared, as everywhere.
func TestRetryOfACardByAnySpelling(t *testing.T) {
	order := batch.Order{Job: ledger.Job{ICCIDs: []string{"8988211000000430010"}}}
	for _, spelled := range []string{"8988211000000430010", "8988 2110 0000 0430 010", "8988211000000430010f"} {
		got, err := redo(context.Background(), nil, order, &batchFlags{redo: []string{spelled}, reason: "again"})
		if err != nil || got["8988211000000430010"] != "again" {
			t.Errorf("%s: %v, %v", spelled, got, err)
		}
	}
	if _, err := redo(context.Background(), nil, order, &batchFlags{redo: []string{"8988211000000430028"}}); err == nil {
		t.Error("a card of no row may be done again")
	}
}
