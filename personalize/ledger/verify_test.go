package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/personalize/ledger"
)

func newKey(t testing.TB) ledger.Key {
	t.Helper()
	k, err := ledger.NewKey(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// worked is a ledger with a job of three cards: one good, one in the bin, one untouched. Records: 1 begin, 2 job, 3 claim, 4 event, 5 conclude, 6 claim, 7 conclude.
func worked(t *testing.T, where string) (*ledger.Ledger, ledger.Job) {
	l := open(t, where, nil)
	j := jobOf("one", iccids(3))
	register(t, l, j)
	c := claim(t, l, j, j.ICCIDs[0], desk1)
	if err := c.Event(context.Background(), ledger.Event{Step: "write", Note: "box 7"}); err != nil {
		t.Fatal(err)
	}
	conclude(t, c, ledger.Good)
	conclude(t, claim(t, l, j, j.ICCIDs[1], desk2), ledger.Rejected)
	return l, j
}

// TestVerifyNames every way somebody with the database in hand could change the past.
func TestVerifyNames(t *testing.T) {
	disarm := []string{`DROP TRIGGER records_kept`, `DROP TRIGGER records_fixed`}
	rows := []struct{ name, tamper, want string }{
		{"changed", `UPDATE records SET body = REPLACE(body, '"step":"write"', '"step":"wrote"') WHERE seq = 4`, "record 4 was changed"},
		{"not canonical", `UPDATE records SET body = body || ' ' WHERE seq = 4`, "record 4 was changed"},
		{"column", `UPDATE records SET kind = 'remark' WHERE seq = 4`, "record 4 was changed"},
		{"hash", `UPDATE records SET hash = hash || '0' WHERE seq = 4`, "record 4 was changed"},
		{"removed", `DELETE FROM records WHERE seq = 4`, "record 4 is missing"},
		{"two removed", `DELETE FROM records WHERE seq IN (4, 5)`, "records 4 to 5 are missing"},
		{"first removed", `DELETE FROM records WHERE seq = 1`, "record 1 is missing"},
		{"last removed", `DELETE FROM records WHERE seq = 7`, "records 7 to 7 are missing at the end"},
		{"all removed", `DELETE FROM records`, "records 1 to 7 are missing at the end"},
		{"closed up", `DELETE FROM records WHERE seq = 4; UPDATE records SET seq = seq - 1 WHERE seq = 5; UPDATE records SET seq = seq - 1 WHERE seq = 6;
			UPDATE records SET seq = seq - 1 WHERE seq = 7`, "record 4 is not in its place: it was written as 5"},
		{"reordered", `UPDATE records SET seq = 99 WHERE seq = 4; UPDATE records SET seq = 4 WHERE seq = 5; UPDATE records SET seq = 5 WHERE seq = 99`,
			"record 4 is not in its place: it was written as 5"},
		{"note", `UPDATE records SET note = 'box 8' WHERE seq = 4`, "the note of record 4 was changed"},
		{"note gone", `UPDATE records SET note = NULL WHERE seq = 4`, "the note of record 4 is gone"},
		{"end cut, head too", `DELETE FROM records WHERE seq = 7; UPDATE head SET seq = 6, hash = (SELECT hash FROM records WHERE seq = 6)`, "is not as its records say"},
		{"claim freed", `UPDATE claims SET holds = 0 WHERE outcome = 'good'`, "is not as its records say"},
		{"claim removed", `DELETE FROM claims WHERE outcome = 'good'`, "1 claims were removed"},
		{"outcome", `UPDATE claims SET outcome = 'good'`, "is not as its records say"},
		{"order shrunk", `DELETE FROM orders WHERE position = 2`, "the list of cards of job"},
		{"job sealed", `UPDATE jobs SET sealed = 1`, "is not as its records say"},
		{"identity", `UPDATE cards SET iccid = '8988211000999999999'`, "shows another ICCID"},
		{"salt gone", `UPDATE cards SET salt = NULL`, "the salt of card"},
	}
	both(t, func(t *testing.T, where string) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				where := another(t, where)
				l, _ := worked(t, where)
				sound(t, l)
				db := raw(t, where)
				for _, q := range append(disarm, strings.Split(row.tamper, ";")...) {
					if strings.HasPrefix(where, "postgres") && strings.HasPrefix(q, "DROP TRIGGER") {
						q += " ON records"
					}
					if _, err := db.Exec(q); err != nil {
						t.Fatalf("%s: %v", q, err)
					}
				}
				_, err := l.Verify(context.Background())
				var e *ledger.ChainError
				if !errors.As(err, &e) {
					t.Fatalf("not noticed: %v", err)
				}
				if !strings.Contains(fmt.Sprint(e.Problems), row.want) {
					t.Errorf("%v, want %q", e.Problems, row.want)
				}
			})
		}
	})
}

// TestEveryByteOfTheChainCounts: one changed character anywhere in a record is found, and that record is named.
func TestEveryByteOfTheChainCounts(t *testing.T) {
	where := sqliteFile(t)
	l, _ := worked(t, where)
	db := raw(t, where)
	if _, err := db.Exec(`DROP TRIGGER records_fixed`); err != nil {
		t.Fatal(err)
	}
	var body string
	if err := db.QueryRow(`SELECT body FROM records WHERE seq = 4`).Scan(&body); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		changed := body[:i] + string(body[i]^1) + body[i+1:]
		if _, err := db.Exec(`UPDATE records SET body = ? WHERE seq = 4`, changed); err != nil {
			t.Fatal(err)
		}
		_, err := l.Verify(context.Background())
		var e *ledger.ChainError
		if !errors.As(err, &e) || e.Problems[0].Seq != 4 {
			t.Fatalf("character %d: %v", i, err)
		}
	}
}

func TestSeal(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l, j := worked(t, where)
		k := newKey(t)
		doubt := claim(t, l, j, j.ICCIDs[2], desk1)
		var imbalance *ledger.ImbalanceError
		if _, err := l.Seal(ctx, j.Digest, desk1, k); !errors.As(err, &imbalance) || imbalance.Counts.Open != 1 {
			t.Errorf("in doubt: %v", err)
		}
		conclude(t, doubt, ledger.Quarantined)
		if _, err := l.Seal(ctx, j.Digest, desk1, k); !errors.As(err, &imbalance) || imbalance.Counts.Quarantined != 1 {
			t.Errorf("in quarantine: %v", err)
		}
		if err := l.Reject(ctx, doubt.ID, desk1, "scratched"); err != nil {
			t.Fatal(err)
		}
		s, err := l.Seal(ctx, j.Digest, desk1, k)
		if err != nil {
			t.Fatal(err)
		}
		if want := (ledger.Counts{Ordered: 3, Good: 1, Rejected: 2}); s.Counts != want || s.Key != k.Public() || !s.Genuine() {
			t.Errorf("%+v", s)
		}
		if v := sound(t, l, s); len(v.Seals) != 1 || v.Seals[0].Signature != s.Signature {
			t.Errorf("seals: %+v", v.Seals)
		}
		if _, err := l.Seal(ctx, j.Digest, desk1, k); !errors.Is(err, ledger.ErrSealed) {
			t.Errorf("twice: %v", err)
		}
		if _, err := l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[0], By: desk1, Redo: "once more"}); !errors.Is(err, ledger.ErrSealed) {
			t.Errorf("claimed under the seal: %v", err)
		}
		forged := s
		forged.Counts.Good, forged.Counts.Rejected = 2, 1
		if _, err := l.Verify(ctx, forged); forged.Genuine() || !errors.As(err, new(*ledger.ChainError)) {
			t.Errorf("a forged seal: %v", err)
		}
		other := open(t, sqliteFile(t), nil)
		if _, err := other.Verify(ctx, s); !errors.As(err, new(*ledger.ChainError)) {
			t.Errorf("the seal of another ledger: %v", err)
		}
	})
}

func TestTwoOperatorsApprove(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l := open(t, where, nil)
		anna, bert, mallory := newKey(t), newKey(t), newKey(t)
		j := jobOf("dual", iccids(2))
		j.Dual = true
		j.Approvers = []ledger.Approver{{Operator: "anna", Key: anna.Public()}, {Operator: "bert", Key: bert.Public()}, {Operator: "carl", Key: anna.Public()}}
		register(t, l, j)
		want := ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[0], By: desk1}
		missing := func(err error, action ledger.Action, have int) {
			t.Helper()
			var e *ledger.ApprovalError
			if !errors.As(err, &e) || e.Action != action || e.Have != have {
				t.Errorf("want %s refused with %d signatures, got %v", action, have, err)
			}
		}
		approve := func(action ledger.Action, iccid string, by ledger.Actor, k ledger.Key, have int) {
			t.Helper()
			if n, err := l.Approve(ctx, j.Digest, action, iccid, by, k); err != nil || n != have {
				t.Errorf("%s: %d signatures, %v", action, n, err)
			}
		}
		_, err := l.Claim(ctx, want)
		missing(err, ledger.Start, 0)
		if _, err := l.Approve(ctx, j.Digest, ledger.Start, "", desk2, mallory); err == nil {
			t.Error("a key the job does not name")
		}
		approve(ledger.Start, "", desk1, anna, 1)
		approve(ledger.Start, "", desk1, anna, 1) // twice the same is one
		carl := desk1
		carl.Operator = "carl"
		approve(ledger.Start, "", carl, anna, 1) // nor do two names with one key make two
		_, err = l.Claim(ctx, want)
		missing(err, ledger.Start, 1)
		approve(ledger.Start, "", desk2, bert, 2)
		c, err := l.Claim(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		conclude(t, c, ledger.Good)
		want.Redo = "wrong IMEI ordered"
		_, err = l.Claim(ctx, want)
		missing(err, ledger.Redo, 0)
		for n, by := range []ledger.Actor{desk1, desk2} {
			approve(ledger.Redo, want.ICCID, by, []ledger.Key{anna, bert}[n], n+1)
		}
		if c, err = l.Claim(ctx, want); err != nil {
			t.Fatal(err)
		}
		conclude(t, c, ledger.Good)
		_, err = l.Claim(ctx, want)
		missing(err, ledger.Redo, 0) // the signatures were for the claim before
		_, err = l.Seal(ctx, j.Digest, desk1, anna)
		missing(err, ledger.Close, 0)
		approve(ledger.Close, "", desk1, anna, 1)
		approve(ledger.Close, "", desk2, bert, 2)
		if c, err = l.Claim(ctx, ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[1], By: desk1}); err != nil {
			t.Fatal(err)
		}
		conclude(t, c, ledger.Good)
		_, err = l.Seal(ctx, j.Digest, desk1, anna)
		missing(err, ledger.Close, 0) // the signatures were under other counts
		approve(ledger.Close, "", desk1, anna, 1)
		approve(ledger.Close, "", desk2, bert, 2)
		s, err := l.Seal(ctx, j.Digest, desk1, anna)
		if err != nil || len(s.Approvers) != 2 {
			t.Fatal(s, err)
		}
		sound(t, l, s)
	})
}

func TestExportAndErase(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l, j := worked(t, where)
		iccid := j.ICCIDs[0]
		s, err := l.Seal(ctx, j.Digest, desk1, newKey(t))
		if err != nil {
			t.Fatal(err)
		}
		d, err := l.Export(ctx, iccid, desk1)
		if err != nil || len(d.Records) != 4 || d.Records[1].Clear != "box 7" || d.Salt == "" || d.Erased {
			t.Errorf("%+v, %v", d, err)
		}
		if err := l.Erase(ctx, iccid, desk1, ""); err == nil {
			t.Error("erased without a reason")
		}
		if err := l.Erase(ctx, iccid, desk1, "retention ended"); err != nil {
			t.Fatal(err)
		}
		if v := sound(t, l, s); v.Erased != 1 {
			t.Errorf("%+v", v)
		}
		for c, err := range l.Cards(ctx, j.Digest) {
			if err != nil || (c.ICCID == "") != (c.Position == 0) || c.Position == 0 && c.Note != "" {
				t.Errorf("%+v, %v", c, err)
			}
		}
		if d, err = l.Export(ctx, iccid, desk1); err != nil || !d.Erased || d.Salt != "" || d.Records[1].Clear != "" {
			t.Errorf("after the erasure: %+v, %v", d, err)
		}
		again := jobOf("two", iccids(3))
		register(t, l, again)
		if _, err := l.Claim(ctx, ledger.Want{Job: again.Digest, ICCID: iccid, By: desk1}); !errors.As(err, new(*ledger.TakenError)) {
			t.Errorf("an erased card is issued again: %v", err)
		}
		claim(t, l, again, j.ICCIDs[2], desk1)
		if err := l.Erase(ctx, j.ICCIDs[2], desk1, "too early"); !errors.As(err, new(*ledger.HeldError)) {
			t.Errorf("erased at work: %v", err)
		}
		if _, err := l.Export(ctx, "8949000000000000001", desk1); !errors.Is(err, ledger.ErrNoClaim) {
			t.Errorf("a card nobody met: %v", err)
		}
		if !strings.HasPrefix(where, "postgres") {
			for _, f := range []string{where, where + "-wal"} {
				if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "box 7") {
					t.Errorf("%s still holds the note", f)
				}
			}
		}
		sound(t, l, s)
	})
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	k, err := ledger.NewKey(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := ledger.LoadKey(path)
	if err != nil || loaded.Public() != k.Public() {
		t.Errorf("%v %v", loaded, err)
	}
	if _, err := ledger.NewKey(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Count(s, k.Public()) != 4 || strings.Contains(s, "private") {
		t.Error(s)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.LoadKey(path); !errors.As(err, new(*ledger.InputError)) {
			t.Errorf("a key others can read: %v", err)
		}
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.LoadKey(path); !errors.As(err, new(*ledger.InputError)) {
		t.Errorf("no key: %v", err)
	}
}

// TestRecordsGoOn: a record that cannot be read is told, and those after it follow, so that a broken ledger can still be reported on.
func TestRecordsGoOn(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		l, j := worked(t, where)
		db := raw(t, where)
		disarm := `DROP TRIGGER records_fixed`
		if strings.HasPrefix(where, "postgres") {
			disarm += " ON records"
		}
		for _, q := range []string{disarm, `UPDATE records SET body = body || ' ' WHERE seq = 4`} {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		var seqs []int64
		broken := 0
		for r, err := range l.Records(context.Background(), j.Digest) {
			var e *ledger.ChainError
			switch {
			case errors.As(err, &e):
				broken++
			case err != nil:
				t.Fatal(err)
			default:
				seqs = append(seqs, r.Seq)
			}
		}
		if broken != 1 || !slices.Equal(seqs, []int64{2, 3, 5, 6, 7}) {
			t.Errorf("records %v, %d broken", seqs, broken)
		}
	})
}
