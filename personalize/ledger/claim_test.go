package ledger_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/ledger"
)

func TestOneCardFromClaimToGood(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l := open(t, where, nil)
		j := jobOf("one", iccids(3))
		register(t, l, j)
		register(t, l, j) // again is nothing new
		c := claim(t, l, j, j.ICCIDs[1], desk1)
		e := ledger.Event{Step: "write", SW: 0x9000, Duration: 1500 * time.Microsecond, APDUs: 22, Before: []byte{1}, After: []byte{2},
			Hidden: map[string]string{"imsi": "001010000123456"}, Note: "the IMEI on the box was smudged"}
		if err := c.Event(ctx, e); err != nil {
			t.Fatal(err)
		}
		conclude(t, c, ledger.Good)
		if got, want := counts(t, l, j), (ledger.Counts{Ordered: 3, Good: 1, Untouched: 2}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		v := sound(t, l)
		if v.Records != 5 { // begin, job, claim, event, conclude
			t.Errorf("%d records", v.Records)
		}
		var cards []ledger.CardState
		for s, err := range l.Cards(ctx, j.Digest) {
			if err != nil {
				t.Fatal(err)
			}
			cards = append(cards, s)
		}
		if len(cards) != 3 || cards[0].Claim != "" || cards[1].Outcome != ledger.Good || cards[1].ICCID != j.ICCIDs[1] ||
			cards[1].By != desk1 || cards[1].Concluded.IsZero() || cards[1].Note != "as told" || cards[2].Position != 2 {
			t.Errorf("cards: %+v", cards)
		}
		if err := c.Event(ctx, ledger.Event{Step: "late"}); !errors.Is(err, ledger.ErrLost) {
			t.Errorf("event after the end: %v", err)
		}
	})
}

// TestRecordsHoldNoIdentity: what goes into the chain names neither card nor subscriber.
func TestRecordsHoldNoIdentity(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l := open(t, where, nil)
		j := jobOf("one", iccids(1))
		register(t, l, j)
		c := claim(t, l, j, j.ICCIDs[0], desk1)
		if err := c.Event(ctx, ledger.Event{Hidden: map[string]string{"imsi": "001010000123456", "imei": "490154203237518"}, Before: []byte("490154203237518")}); err != nil {
			t.Fatal(err)
		}
		if err := l.Remark(ctx, j.Digest, "8949000000000000001", desk1, ledger.Event{Code: "foreign_card"}); err != nil {
			t.Fatal(err)
		}
		rows, err := raw(t, where).Query(`SELECT body FROM records`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var body string
			if err := rows.Scan(&body); err != nil {
				t.Fatal(err)
			}
			n++
			for _, digits := range []string{j.ICCIDs[0], "001010000123456", "490154203237518", "8949000000000000001"} {
				if strings.Contains(body, digits) {
					t.Errorf("%s in %s", digits, body)
				}
			}
		}
		if n != 5 {
			t.Errorf("%d records", n)
		}
		if strings.HasPrefix(where, "postgres") || runtime.GOOS == "windows" {
			return
		}
		for _, f := range []string{where, where + "-wal"} {
			info, err := os.Stat(f)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", f, info.Mode(), err)
			}
		}
	})
}

func TestACardIsNeverClaimedTwice(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l, other := open(t, where, nil), open(t, where, nil)
		j, k := jobOf("one", iccids(5)), jobOf("two", iccids(6))
		register(t, l, j)
		register(t, l, k)
		again := func(job ledger.Job, iccid, redo string) error {
			_, err := other.Claim(ctx, ledger.Want{Job: job.Digest, ICCID: iccid, By: desk2, Redo: redo})
			return err
		}
		taken := func(err error, o ledger.Outcome) {
			t.Helper()
			var e *ledger.TakenError
			if !errors.As(err, &e) || e.Holding.Outcome != o || e.Holding.By.Station != "desk-1" || strings.Contains(err.Error(), "8988211000000") {
				t.Errorf("want taken (%q), got %v", o, err)
			}
		}
		for i, o := range []ledger.Outcome{ledger.Underway, ledger.Good, ledger.Rejected, ledger.Quarantined} {
			c := claim(t, l, j, j.ICCIDs[i], desk1)
			if o != ledger.Underway {
				conclude(t, c, o)
			}
			taken(again(j, j.ICCIDs[i], ""), o)
			taken(again(k, j.ICCIDs[i], ""), o)
		}
		taken(again(j, j.ICCIDs[0], "because"), ledger.Underway) // in doubt comes first
		if n := counts(t, l, k); n.Elsewhere != 4 || n.Untouched != 6 {
			t.Errorf("of the other job: %+v", n)
		}
		conclude(t, claim(t, l, j, j.ICCIDs[4], desk1), ledger.Untouched)
		if err := again(j, j.ICCIDs[4], ""); err != nil {
			t.Errorf("an untouched card: %v", err)
		}
		if err := again(k, j.ICCIDs[1], "printed twice"); err != nil {
			t.Errorf("redo with a reason: %v", err)
		}
		if n := counts(t, l, j); n.Good != 1 { // it was done in this job, too
			t.Errorf("after a redo in another job: %+v", n)
		}
		if err := again(j, "8988211000999999999", ""); !errors.Is(err, ledger.ErrNotOrdered) {
			t.Errorf("a card nobody ordered: %v", err)
		}
		if err := again(jobOf("none", nil), j.ICCIDs[0], ""); !errors.Is(err, ledger.ErrNoJob) {
			t.Errorf("a job nobody registered: %v", err)
		}
		sound(t, l)
	})
}

// TestTheDatabaseItselfRefuses: should the code fail, the unique index does not.
func TestTheDatabaseItselfRefuses(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		l := open(t, where, nil)
		j := jobOf("one", iccids(1))
		register(t, l, j)
		claim(t, l, j, j.ICCIDs[0], desk1)
		db := raw(t, where)
		if _, err := db.Exec(`INSERT INTO claims SELECT 'x', job, card, token, station, operator, reader, tool, outcome, code, note, 1, 0, claimed, lease, concluded FROM claims`); err == nil {
			t.Error("a second claim that holds the card was stored")
		}
		for _, q := range []string{`DELETE FROM records WHERE seq = 2`, `UPDATE records SET body = '{}' WHERE seq = 2`} {
			if _, err := db.Exec(q); err == nil {
				t.Errorf("%s: done", q)
			}
		}
		sound(t, l)
	})
}

func TestInDoubtStaysWithItsStation(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		now := newClock()
		l := open(t, where, now.now)
		j := jobOf("one", iccids(4))
		register(t, l, j)
		dead := claim(t, l, j, j.ICCIDs[0], desk1)
		doubt := func() ledger.CardState {
			t.Helper()
			all, err := l.InDoubt(ctx, j.Digest)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d in doubt, %v", len(all), err)
			}
			return all[0]
		}
		if s := doubt(); s.Claim != dead.ID || s.Expired || s.ICCID != j.ICCIDs[0] {
			t.Errorf("in doubt: %+v", s)
		}
		var held *ledger.HeldError
		if _, err := l.TakeOver(ctx, dead.ID, desk2, 0); !errors.As(err, &held) {
			t.Errorf("another station at once: %v", err)
		}
		if err := l.Reject(ctx, dead.ID, desk2, "lost"); !errors.As(err, &held) {
			t.Errorf("into the bin while at work: %v", err)
		}
		if _, err := l.Seal(ctx, j.Digest, desk1, newKey(t)); !errors.As(err, new(*ledger.ImbalanceError)) {
			t.Errorf("sealed in doubt: %v", err)
		}
		own, err := l.TakeOver(ctx, dead.ID, desk1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := dead.Event(ctx, ledger.Event{}); !errors.Is(err, ledger.ErrLost) {
			t.Errorf("the older run writes on: %v", err)
		}
		now.forward(61 * time.Minute)
		if !doubt().Expired {
			t.Error("the lease does not end")
		}
		if err := own.Event(ctx, ledger.Event{Step: "slow"}); err != nil { // late, but nobody took it
			t.Error(err)
		}
		if doubt().Expired {
			t.Error("an event does not renew the lease")
		}
		if err := l.Release(ctx, own.ID, desk2, ""); err == nil {
			t.Error("released without a reason")
		}
		if err := l.Release(ctx, own.ID, desk2, "desk-1 burnt down"); err != nil {
			t.Fatal(err)
		}
		if err := own.Event(ctx, ledger.Event{}); !errors.Is(err, ledger.ErrLost) {
			t.Errorf("the released station writes on: %v", err)
		}
		if s := doubt(); !s.Expired || s.Outcome != ledger.Underway {
			t.Errorf("after the release: %+v", s) // the ledger does not call it untouched
		}
		heir, err := l.TakeOver(ctx, own.ID, desk2, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := heir.Conclude(ctx, ledger.Quarantined, ledger.Event{}); err == nil {
			t.Error("concluded without a reason")
		}
		conclude(t, heir, ledger.Quarantined)
		if err := l.Reject(ctx, heir.ID, desk2, "cut in two"); err != nil {
			t.Error(err)
		}
		for _, err := range []error{l.Reject(ctx, heir.ID, desk2, "once more"), l.Release(ctx, heir.ID, desk2, "once more")} {
			if !errors.Is(err, ledger.ErrConcluded) || !strings.Contains(err.Error(), "rejected") {
				t.Errorf("a claim that is concluded: %v", err)
			}
		}
		if n := counts(t, l, j); n.Rejected != 1 || n.Open != 0 {
			t.Errorf("%+v", n)
		}
		sound(t, l)
	})
}

func TestRegisterRefuses(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		l := open(t, where, nil)
		good := jobOf("one", iccids(2))
		register(t, l, good)
		other := good
		other.ICCIDs = iccids(3)
		if err := l.Register(ctx, other, desk1); !errors.As(err, new(*ledger.JobDiffersError)) {
			t.Errorf("another list: %v", err)
		}
		for name, j := range map[string]ledger.Job{
			"digest": {Digest: "ab", Name: "x", ICCIDs: iccids(1)},
			"empty":  jobOf("x", nil),
			"twice":  jobOf("x", []string{"8988211000000430010", "8988211000000430010"}),
			"letter": jobOf("x", []string{"89882110000004300A0"}),
			"alone":  {Digest: good.Digest, Name: "x", ICCIDs: iccids(1), Dual: true, Approvers: make([]ledger.Approver, 1)},
		} {
			if err := l.Register(ctx, j, desk1); !errors.As(err, new(*ledger.InputError)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := l.Register(ctx, jobOf("y", iccids(1)), ledger.Actor{Station: "s", Tool: "t"}); err == nil {
			t.Error("nobody registered a job")
		}
	})
}

func TestNoPasswordInTheURL(t *testing.T) {
	for _, where := range []string{"postgres://u:hunter2@localhost/x", "postgres://u@localhost/x?password=hunter2", "postgres://u:hunter2@[broken/x"} {
		_, err := ledger.Open(context.Background(), where, ledger.Options{})
		if !errors.As(err, new(*ledger.InputError)) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
	t.Setenv("HOME", t.TempDir())
	path := filepath.Join(os.Getenv("HOME"), ".pgpass")
	if err := os.WriteFile(path, []byte("nobody.invalid:5432:x:u:hunter2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, where := range []string{"postgres://u@nobody.invalid/x", "postgres://u@nobody.invalid/x?passfile=" + path} {
		_, err := ledger.Open(ended, where, ledger.Options{})
		if !errors.As(err, new(*ledger.InputError)) || !strings.Contains(err.Error(), "mode 0644") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password file that others read: %v", err)
		}
	}
	if _, err := ledger.Open(ended, "postgres://other@nobody.invalid/x", ledger.Options{}); errors.As(err, new(*ledger.InputError)) {
		t.Errorf("a file with the passwords of others: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(ended, "postgres://u@nobody.invalid/x", ledger.Options{}); err == nil || errors.As(err, new(*ledger.InputError)) {
		t.Errorf("a private password file: %v", err)
	}
	t.Setenv("PGPASSWORD", "hunter2")
	if _, err := ledger.Open(context.Background(), os.Getenv("SIMBIND_POSTGRES"), ledger.Options{}); !errors.As(err, new(*ledger.InputError)) {
		t.Errorf("%v", err)
	}
}

// TestReleasedWhateverTheClockSays: a clock that is set back between a release and the taking over does not give the claim back to its station.
func TestReleasedWhateverTheClockSays(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		ctx := context.Background()
		now := newClock()
		l := open(t, where, now.now)
		j := jobOf("one", iccids(2))
		register(t, l, j)
		first, second := claim(t, l, j, j.ICCIDs[0], desk1), claim(t, l, j, j.ICCIDs[1], desk1)
		for _, c := range []*ledger.Claim{first, second} {
			if err := l.Release(ctx, c.ID, desk2, "desk-1 burnt down"); err != nil {
				t.Fatal(err)
			}
		}
		now.forward(-24 * time.Hour)
		if _, err := l.TakeOver(ctx, first.ID, desk2, 0); err != nil {
			t.Errorf("taken over: %v", err)
		}
		if err := l.Reject(ctx, second.ID, desk2, "lost in the fire"); err != nil {
			t.Errorf("into the bin: %v", err)
		}
		sound(t, l)
	})
}

// TestLedgerOfAnotherVersion is refused when it is opened, and from the moment that another tool made it one.
func TestLedgerOfAnotherVersion(t *testing.T) {
	both(t, func(t *testing.T, where string) {
		l := open(t, where, nil)
		j := jobOf("one", iccids(2))
		register(t, l, j)
		c := claim(t, l, j, j.ICCIDs[0], desk1)
		if _, err := raw(t, where).Exec(`UPDATE head SET version = 7`); err != nil {
			t.Fatal(err)
		}
		refused := func(what string, err error) {
			t.Helper()
			if !errors.As(err, new(*ledger.InputError)) || !strings.Contains(err.Error(), "version 7") {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := l.Claim(context.Background(), ledger.Want{Job: j.Digest, ICCID: j.ICCIDs[1], By: desk1})
		refused("claim", err)
		refused("conclude", c.Conclude(context.Background(), ledger.Good, ledger.Event{}))
		_, err = ledger.Open(context.Background(), where, ledger.Options{})
		refused("open", err)
	})
}
