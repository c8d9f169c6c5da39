package ledger_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/simbind/simbind/personalize/ledger"
)

// TestErasedWhileSomebodyReads: an erasure that the log of the database still holds is not told as done.
func TestErasedWhileSomebodyReads(t *testing.T) {
	ctx := context.Background()
	where := sqliteFile(t)
	l := open(t, where, nil)
	j := jobOf("one", iccids(2))
	register(t, l, j)
	conclude(t, claim(t, l, j, j.ICCIDs[0], desk1), ledger.Good)
	db := raw(t, where)
	reading, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(`SELECT count(*) FROM records`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	log := func() bool {
		b, err := os.ReadFile(where + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, []byte(j.ICCIDs[0]))
	}
	if err := l.Erase(ctx, j.ICCIDs[0], desk1, "retention ended"); err == nil && log() {
		t.Error("told as erased, and the log holds it")
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase(ctx, j.ICCIDs[0], desk1, "retention ended"); err != nil || log() {
		t.Errorf("again: %v", err)
	}
	sound(t, l)
}
