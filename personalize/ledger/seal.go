package ledger

import (
	"context"
	"encoding/json"
	"time"
)

// Seal is a signed statement about a whole job: where every card is, and the end of the chain at that moment. Kept away from the
// ledger it proves later that nothing before it was changed.
type Seal struct {
	Ledger    string     `json:"ledger"`
	Job       string     `json:"job"`
	Name      string     `json:"name"`
	List      string     `json:"list"` // of the job record: SHA-256 over the pseudonyms in order
	Counts    Counts     `json:"counts"`
	Seq       int64      `json:"seq"`  // of the last record before the seal's own
	Head      string     `json:"head"` // its hash
	Time      time.Time  `json:"time"`
	Station   string     `json:"station"`
	Operator  string     `json:"operator"`
	Tool      string     `json:"tool"`
	Approvers []Approver `json:"approvers,omitempty"` // whose signatures are in the chain
	Key       string     `json:"key"`                 // Ed25519 public key, 64 hex digits
	Signature string     `json:"signature"`           // over the word, a line feed and this JSON with an empty signature
}

func (s Seal) statement() []byte {
	s.Signature = ""
	b, _ := json.Marshal(s) // strings, numbers and a time of this era cannot fail
	return append([]byte("simbind seal v1\n"), b...)
}

// Genuine tells whether the signature is that of the key in the seal. Whose key that is, the reader must know.
func (s Seal) Genuine() bool { return signed(s.Key, s.Signature, s.statement()) }

// Seal closes a job: nothing in it is claimed any more. It refuses a job with cards in doubt or in quarantine (*ImbalanceError), one whose
// approval is missing (*ApprovalError), and a ledger whose chain is broken (*ChainError).
func (l *Ledger) Seal(ctx context.Context, job string, by Actor, k Key) (Seal, error) {
	if err := by.check(); err != nil {
		return Seal{}, err
	}
	if _, err := l.Verify(ctx); err != nil {
		return Seal{}, err
	}
	r := record(random(16), KindSeal, by)
	r.Job = job
	var s Seal
	err := l.writeMore(ctx, allCards, r.ID, func(ctx context.Context, t *tx) error {
		var err error
		if s, err = t.seal(ctx, job, by, k); err != nil {
			return err
		}
		r.Seal = &s
		if err := t.change(ctx, ErrSealed, `UPDATE jobs SET sealed = 1 WHERE digest = ?1 AND sealed = 0`, job); err != nil {
			return err
		}
		return t.append(ctx, r)
	})
	return s, err
}

func (t *tx) seal(ctx context.Context, job string, by Actor, k Key) (Seal, error) {
	s := Seal{Ledger: t.l.id, Job: job, Seq: t.seq, Head: t.hash, Time: t.now, Station: by.Station, Operator: by.Operator, Tool: by.Tool, Key: k.Public()}
	j, err := t.l.job(ctx, t.conn, job)
	if err != nil {
		return s, err
	}
	if j.Sealed {
		return s, ErrSealed
	}
	s.Name = j.Name
	if err := t.one(ctx, ErrNoJob, `SELECT list FROM jobs WHERE digest = ?1`, []any{job}, &s.List); err != nil {
		return s, err
	}
	if s.Counts, err = t.counts(ctx, job); err != nil {
		return s, err
	}
	if !s.Counts.balanced() {
		return s, &ImbalanceError{Counts: s.Counts}
	}
	if j.Dual {
		want := Approval{Action: Close, Counts: &s.Counts}
		if err := t.approved(ctx, j, want); err != nil {
			return s, err
		}
		if s.Approvers, err = t.signers(ctx, j, want); err != nil {
			return s, err
		}
	}
	s.Signature = k.sign(s.statement())
	return s, nil
}
