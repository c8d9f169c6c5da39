package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Problem is one thing that is not as it was written.
type Problem struct {
	Seq  int64  // of the record; 0: not in the chain but in a table beside it
	What string // a sentence about it
}

// ChainError is a ledger that was changed by other means than this package's.
type ChainError struct{ Problems []Problem }

func (e *ChainError) Error() string {
	p := e.Problems[0]
	if more := len(e.Problems) - 1; more > 0 {
		return fmt.Sprintf("%s, and %d more", p.What, more)
	}
	return p.What
}

// maxProblems ends the search: what is that broken needs no full list.
const maxProblems = 100

// Verified is what a ledger without problems holds.
type Verified struct {
	Ledger  string
	Records int64
	Head    string // hash of the last record
	Erased  int    // cards whose personal data were erased
	Seals   []Seal // from the chain, each genuine
}

// Verify reads the whole chain and everything derived from it, as of one moment. Seals that were kept elsewhere are held against it, too:
// without one, records cut off at the end with the tables changed to match cannot be noticed. Problems come as a *ChainError.
func (l *Ledger) Verify(ctx context.Context, kept ...Seal) (v Verified, err error) {
	err = l.retry(ctx, func(bool) error {
		snapshot, err := l.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: l.snapshot})
		if err != nil {
			return failed(err)
		}
		defer snapshot.Rollback() //nolint:errcheck // nothing was written
		w := newVerifier(l, conn{l.store, snapshot}, kept)
		err = w.run(ctx)
		v = w.Verified
		return err
	})
	return v, err
}

// verifier walks the chain once and keeps what the tables must say.
type verifier struct {
	Verified
	l        *Ledger
	c        conn
	kept     []Seal
	problems []Problem
	prev     string
	jobs     map[string]*jobFacts
	claims   map[string]*claimFacts
	holds    map[string]string    // card: the claim that holds it
	latest   map[[2]string]string // job and card: the last claim
	gone     map[string][]int64   // card: records whose note is missing and not yet explained
	erased   map[string]bool
}

type jobFacts struct {
	order  Order
	sealed bool
}

type claimFacts struct {
	job, card, station string
	outcome            Outcome
	code               string
}

func newVerifier(l *Ledger, c conn, kept []Seal) *verifier {
	return &verifier{
		l: l, c: c, kept: kept, Verified: Verified{Ledger: l.id}, jobs: map[string]*jobFacts{}, claims: map[string]*claimFacts{},
		holds: map[string]string{}, latest: map[[2]string]string{}, gone: map[string][]int64{}, erased: map[string]bool{},
	}
}

var errEnough = errors.New("more problems than anyone reads")

func (v *verifier) problem(seq int64, format string, args ...any) error {
	v.problems = append(v.problems, Problem{Seq: seq, What: fmt.Sprintf(format, args...)})
	if len(v.problems) >= maxProblems {
		return errEnough
	}
	return nil
}

func (v *verifier) run(ctx context.Context) error {
	for _, part := range []func(context.Context) error{v.chain, v.end, v.seals, v.checkJobs, v.checkOrders, v.checkCards, v.checkClaims} {
		if err := part(ctx); errors.Is(err, errEnough) {
			break
		} else if err != nil {
			return err
		}
	}
	if len(v.problems) > 0 {
		return &ChainError{Problems: v.problems}
	}
	return nil
}

// stored is a row of records with what is needed to recompute it.
type stored struct {
	seq                             int64
	id, kind, job, card, hash, body string
	note                            sql.NullString
	salt                            string
}

func (v *verifier) chain(ctx context.Context) error {
	return v.c.rows(ctx, func(rs *sql.Rows) error {
		var s stored
		if err := rs.Scan(&s.seq, &s.id, &s.kind, &s.job, &s.card, &s.hash, &s.body, &s.note, &s.salt); err != nil {
			return failed(err)
		}
		return v.link(s)
	}, `SELECT r.seq, r.id, r.kind, r.job, r.card, r.hash, r.body, r.note, COALESCE(k.salt, '')
		FROM records r LEFT JOIN cards k ON k.card = r.card ORDER BY r.seq`)
}

// link checks one record and its place. After a fault it goes on from what the record claims, so that each fault is told once.
func (v *verifier) link(s stored) error {
	before := v.Records
	v.Records = s.seq
	if err := v.gap(before+1, s.seq); err != nil {
		return err
	}
	prev := v.prev
	v.prev = s.hash
	r, err := parseRecord([]byte(s.body))
	switch {
	case err != nil:
		return v.problem(s.seq, "record %d was changed: %v", s.seq, err)
	case r.Hash != s.hash:
		return v.problem(s.seq, "record %d was changed: its hash is not that of its content", s.seq)
	case r.Seq != s.seq:
		return v.problem(s.seq, "record %d is not in its place: it was written as %d", s.seq, r.Seq)
	case r.ID != s.id || string(r.Kind) != s.kind || r.Job != s.job || r.Card != s.card:
		return v.problem(s.seq, "record %d was changed: the columns beside its content differ from it", s.seq)
	case r.Prev != prev && before+1 == s.seq:
		if err := v.problem(s.seq, "record %d does not follow record %d, which was replaced or is not in its place", s.seq, before); err != nil {
			return err
		}
	}
	if err := v.note(r, s); err != nil {
		return err
	}
	return v.replay(r)
}

func (v *verifier) gap(want, got int64) error {
	switch {
	case got == want+1:
		return v.problem(want, "record %d is missing", want)
	case got > want:
		return v.problem(want, "records %d to %d are missing", want, got-1)
	case got < want:
		return v.problem(got, "record %d is there where %d should be", got, want)
	}
	return nil
}

// note holds the clear text against its digest. One that is gone needs an erasure later in the chain.
func (v *verifier) note(r Record, s stored) error {
	switch {
	case r.Note == "" && !s.note.Valid:
		return nil
	case !s.note.Valid:
		v.gone[r.Card] = append(v.gone[r.Card], r.Seq)
		return nil
	case r.Note == "" || salted(s.salt, "note", []byte(s.note.String)) != r.Note:
		return v.problem(s.seq, "the note of record %d was changed", s.seq)
	}
	return nil
}

// replay follows what the records say, for the tables to be held against.
func (v *verifier) replay(r Record) error {
	switch r.Kind {
	case KindBegin:
		if r.Begin == nil || r.Seq != 1 || r.Begin.Ledger != v.l.id || r.Begin.Salt != digest([]byte(v.l.salt)) {
			return v.problem(r.Seq, "record %d begins another ledger", r.Seq)
		}
	case KindJob:
		if r.Order != nil {
			v.jobs[r.Job] = &jobFacts{order: *r.Order}
		}
	case KindClaim:
		return v.claim(r)
	case KindTakeOver:
		return v.withClaim(r, func(c *claimFacts) { c.station = r.Station })
	case KindConclude, KindReject:
		return v.withClaim(r, func(c *claimFacts) { v.conclude(r, c) })
	case KindEvent, KindRelease:
		return v.withClaim(r, func(*claimFacts) {})
	case KindErase:
		delete(v.gone, r.Card)
		if !v.erased[r.Card] {
			v.erased[r.Card] = true
			v.Erased++
		}
	case KindSeal:
		return v.sealed(r)
	}
	return nil
}

func (v *verifier) claim(r Record) error {
	if held := v.holds[r.Card]; held != r.Replaces {
		return v.problem(r.Seq, "record %d claims a card that claim %q held", r.Seq, held)
	}
	v.claims[r.Claim] = &claimFacts{job: r.Job, card: r.Card, station: r.Station}
	v.holds[r.Card] = r.Claim
	v.latest[[2]string{r.Job, r.Card}] = r.Claim
	return nil
}

func (v *verifier) conclude(r Record, c *claimFacts) {
	c.outcome = r.Outcome
	if r.Kind == KindConclude {
		c.code = r.Code
	}
	if r.Outcome == Untouched {
		delete(v.holds, r.Card)
	}
}

func (v *verifier) withClaim(r Record, do func(*claimFacts)) error {
	c := v.claims[r.Claim]
	if c == nil || c.job != r.Job || c.card != r.Card {
		return v.problem(r.Seq, "record %d is about a claim that was never made", r.Seq)
	}
	do(c)
	return nil
}

// sealed checks a seal of the chain: its signature, its place, and its counts against what the records before it say.
func (v *verifier) sealed(r Record) error {
	j := v.jobs[r.Job]
	switch {
	case r.Seal == nil || j == nil || !r.Seal.Genuine() || r.Seal.Job != r.Job || r.Seal.Ledger != v.l.id:
		return v.problem(r.Seq, "the seal in record %d is not genuine", r.Seq)
	case r.Seal.Seq != r.Seq-1 || r.Seal.Head != r.Prev:
		return v.problem(r.Seq, "the seal in record %d is of another place in the chain", r.Seq)
	}
	j.sealed = true
	v.Seals = append(v.Seals, *r.Seal)
	return nil
}

// end compares with the head row: the last records may have been cut off.
func (v *verifier) end(ctx context.Context) error {
	var seq int64
	if err := v.c.one(ctx, errors.New("ledger: the head row is missing"), `SELECT seq, hash FROM head`, nil, &seq, &v.Head); err != nil {
		return err
	}
	switch {
	case v.Records < seq:
		return v.problem(v.Records+1, "records %d to %d are missing at the end", v.Records+1, seq)
	case v.Records > seq:
		return v.problem(seq+1, "record %d was added after the end", seq+1)
	case v.prev != v.Head:
		return v.problem(seq, "record %d, the last one, was replaced", seq)
	}
	for card, seqs := range v.gone {
		if err := v.problem(seqs[0], "the note of record %d is gone, and nothing says that card %.8s was erased", seqs[0], card); err != nil {
			return err
		}
	}
	return nil
}

// seals holds seals that were kept elsewhere against the chain.
func (v *verifier) seals(ctx context.Context) error {
	for _, s := range v.kept {
		var hash string
		err := v.c.one(ctx, ErrNoClaim, `SELECT hash FROM records WHERE seq = ?1`, []any{s.Seq}, &hash)
		switch {
		case errors.Is(err, ErrNoClaim):
			err = v.problem(s.Seq, "record %d, the last one under the seal of job %.8s, is missing", s.Seq, s.Job)
		case err != nil:
		case !s.Genuine():
			err = v.problem(0, "the seal given for job %.8s is not genuine: its signature does not fit", s.Job)
		case s.Ledger != v.l.id:
			err = v.problem(0, "the seal given for job %.8s is of another ledger", s.Job)
		case hash != s.Head:
			err = v.problem(s.Seq, "records up to %d are not those that were sealed for job %.8s", s.Seq, s.Job)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func list(approvers []Approver) string {
	var b strings.Builder
	for _, a := range approvers {
		b.WriteString(a.Operator + "\x00" + a.Key + "\x00")
	}
	return b.String()
}
