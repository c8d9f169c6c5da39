package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
)

// checkJobs holds the table of jobs against the chain.
func (v *verifier) checkJobs(ctx context.Context) error {
	seen := 0
	err := v.c.rows(ctx, func(rs *sql.Rows) error {
		j, err := scanJob(rs.Scan)
		if err != nil {
			return failed(err)
		}
		seen++
		f := v.jobs[j.Digest]
		switch {
		case f == nil:
			return v.problem(0, "job %.8s is in no record", j.Digest)
		case f.order.Name != j.Name || f.order.Dual != j.Dual || f.sealed != j.Sealed || list(f.order.Approvers) != list(j.Approvers):
			return v.problem(0, "job %.8s is not as its records say", j.Digest)
		}
		return nil
	}, jobColumns)
	if err == nil && seen < len(v.jobs) {
		err = v.problem(0, "%d jobs were removed", len(v.jobs)-seen)
	}
	return err
}

// checkOrders recomputes the digest over each job's list of cards, and the counts under each seal's job.
func (v *verifier) checkOrders(ctx context.Context) error {
	for job, f := range v.jobs {
		h := sha256.New()
		n := 0
		err := v.c.rows(ctx, func(rs *sql.Rows) error {
			var card, iccid string
			if err := rs.Scan(&card, &iccid); err != nil {
				return failed(err)
			}
			n++
			h.Write([]byte(card))
			return v.named(card, iccid)
		}, `SELECT card, COALESCE(iccid, '') FROM orders WHERE job = ?1 ORDER BY position`, job)
		if err != nil {
			return err
		}
		if n != f.order.Ordered || hex.EncodeToString(h.Sum(nil)) != f.order.List {
			if err := v.problem(0, "the list of cards of job %.8s was changed", job); err != nil {
				return err
			}
		}
	}
	return v.checkCounts()
}

// checkCounts: a sealed job stays as it was counted.
func (v *verifier) checkCounts() error {
	counts := map[string]*Counts{}
	for job, f := range v.jobs {
		counts[job] = &Counts{Ordered: f.order.Ordered, Untouched: f.order.Ordered}
	}
	for key, claim := range v.latest {
		if n := counts[key[0]]; n != nil {
			n.add(v.claims[claim].outcome, 1)
		}
	}
	for _, s := range v.Seals {
		n := *counts[s.Job]
		n.Elsewhere = s.Counts.Elsewhere // of that day
		if n != s.Counts {
			if err := v.problem(s.Seq+1, "the seal of job %.8s counts otherwise than the records do", s.Job); err != nil {
				return err
			}
		}
	}
	return nil
}

// named holds an ICCID against its pseudonym.
func (v *verifier) named(card, iccid string) error {
	if iccid != "" && pseudonym(v.l.salt, iccid) != card {
		return v.problem(0, "card %.8s shows another ICCID than its pseudonym is of", card)
	}
	return nil
}

func (v *verifier) checkCards(ctx context.Context) error {
	return v.c.rows(ctx, func(rs *sql.Rows) error {
		var card, iccid, salt string
		if err := rs.Scan(&card, &iccid, &salt); err != nil {
			return failed(err)
		}
		if salt == "" && !v.erased[card] {
			return v.problem(0, "the salt of card %.8s is gone, and nothing says that it was erased", card)
		}
		return v.named(card, iccid)
	}, `SELECT card, COALESCE(iccid, ''), COALESCE(salt, '') FROM cards`)
}

// checkClaims holds the table that guards "each card once" against the chain.
func (v *verifier) checkClaims(ctx context.Context) error {
	seen := 0
	err := v.c.rows(ctx, func(rs *sql.Rows) error {
		var id string
		var c claimFacts
		var holds, latest bool
		if err := rs.Scan(&id, &c.job, &c.card, &c.station, &c.outcome, &c.code, &holds, &latest); err != nil {
			return failed(err)
		}
		seen++
		f := v.claims[id]
		switch {
		case f == nil:
			return v.problem(0, "claim %.8s on card %.8s is in no record", id, c.card)
		case *f != c || holds != (v.holds[c.card] == id) || latest != (v.latest[[2]string{c.job, c.card}] == id):
			return v.problem(0, "claim %.8s on card %.8s is not as its records say", id, c.card)
		}
		return nil
	}, `SELECT id, job, card, station, outcome, code, holds, latest FROM claims`)
	if err == nil && seen < len(v.claims) {
		err = v.problem(0, "%d claims were removed", len(v.claims)-seen)
	}
	return err
}
