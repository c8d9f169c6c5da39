package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// Approval is one operator's signature under one action. It counts for nothing else: the statement names ledger, job and action, for a
// redo the card and the claim that it replaces, for a seal the counts.
type Approval struct {
	Action    Action  `json:"action"`
	Card      string  `json:"card,omitempty"`
	Claim     string  `json:"claim,omitempty"`
	Counts    *Counts `json:"counts,omitempty"`
	Key       string  `json:"key"`
	Signature string  `json:"signature"`
}

// statement is what is signed: a word that names the kind, and JSON with fields in this order.
func (a Approval) statement(ledger, job, operator string) []byte {
	b, _ := json.Marshal(struct { // strings and numbers cannot fail
		Ledger   string  `json:"ledger"`
		Job      string  `json:"job"`
		Operator string  `json:"operator"`
		Action   Action  `json:"action"`
		Card     string  `json:"card"`
		Claim    string  `json:"claim"`
		Counts   *Counts `json:"counts"`
		Key      string  `json:"key"`
	}{ledger, job, operator, a.Action, a.Card, a.Claim, a.Counts, a.Key})
	return append([]byte("simbind approval v1\n"), b...)
}

// Approve signs an action on a job as by.Operator and records it. iccid names the card of a redo. It gives how many of the two signatures are there now.
func (l *Ledger) Approve(ctx context.Context, job string, action Action, iccid string, by Actor, k Key) (have int, err error) {
	if err := by.check(); err != nil {
		return 0, err
	}
	r := record(random(16), KindApproval, by)
	r.Job = job
	a := Approval{Action: action, Key: k.Public()}
	if action == Redo {
		if err := checkICCID(iccid); err != nil {
			return 0, err
		}
		a.Card = pseudonym(l.salt, iccid)
	} else if iccid != "" {
		return 0, &InputError{"ICCID", "for a redo alone"}
	}
	err = l.writeMore(ctx, allCards, r.ID, func(ctx context.Context, t *tx) error {
		j, err := t.approvable(ctx, job, &a, by)
		if err != nil {
			return err
		}
		signing := a
		signing.Signature = k.sign(a.statement(l.id, job, by.Operator))
		r.Card, r.Approval = a.Card, &signing
		if err := t.append(ctx, r); err != nil {
			return err
		}
		have, err = t.signatures(ctx, j, a)
		return err
	})
	return have, err
}

// MayStart tells whether cards of a job may be claimed: ErrNoJob, ErrSealed, *ApprovalError. Every claim looks again.
func (l *Ledger) MayStart(ctx context.Context, job string) error {
	return l.briefly(ctx, 0, func(ctx context.Context, _ bool) error {
		t := &tx{conn: conn{l.store, l.reads}, l: l}
		j, err := l.job(ctx, t.conn, job)
		switch {
		case err != nil:
			return err
		case j.Sealed:
			return ErrSealed
		case !j.Dual:
			return nil
		}
		return t.approved(ctx, j, Approval{Action: Start})
	})
}

// approvable fills in what the signature is about.
func (t *tx) approvable(ctx context.Context, job string, a *Approval, by Actor) (JobState, error) {
	j, err := t.l.job(ctx, t.conn, job)
	switch {
	case err != nil:
		return j, err
	case !j.Dual:
		return j, &InputError{"job", "asks for no approval"}
	case j.Sealed:
		return j, ErrSealed
	case !j.mayApprove(by.Operator, a.Key):
		return j, &InputError{"approver", "operator and key are not among those the job names"}
	}
	switch a.Action {
	case Start:
	case Redo:
		h, err := t.holding(ctx, a.Card)
		if err != nil {
			return j, err
		}
		if h == nil {
			return j, ErrNoClaim
		}
		a.Claim = h.Claim
	case Close:
		n, err := t.counts(ctx, job)
		if err != nil {
			return j, err
		}
		if !n.balanced() {
			return j, &ImbalanceError{Counts: n}
		}
		a.Counts = &n
	default:
		return j, &InputError{"action", "not start, redo or seal"}
	}
	return j, nil
}

// mayApprove tells whether the job takes this operator's key.
func (j JobState) mayApprove(operator, key string) bool {
	if len(j.Approvers) == 0 {
		return true
	}
	for _, a := range j.Approvers {
		if a.Operator == operator && a.Key == key {
			return true
		}
	}
	return false
}

// approved wants two signatures under want, of different operators with different keys.
func (t *tx) approved(ctx context.Context, j JobState, want Approval) error {
	have, err := t.signatures(ctx, j, want)
	if err != nil {
		return err
	}
	if have < 2 {
		return &ApprovalError{Action: want.Action, Have: have}
	}
	return nil
}

// signatures counts the valid ones in the chain: at most one an operator and one a key.
func (t *tx) signatures(ctx context.Context, j JobState, want Approval) (int, error) {
	signers, err := t.signers(ctx, j, want)
	return len(signers), err
}

func (t *tx) signers(ctx context.Context, j JobState, want Approval) ([]Approver, error) {
	var out []Approver
	operators, keys := map[string]bool{}, map[string]bool{}
	err := t.rows(ctx, func(rs *sql.Rows) error {
		var body string
		if err := rs.Scan(&body); err != nil {
			return failed(err)
		}
		r, err := parseRecord([]byte(body))
		if err != nil {
			return errors.Join(errors.New("approval cannot be read"), err)
		}
		if !r.approves(t.l.id, j, want) || operators[r.Operator] || keys[r.Approval.Key] {
			return nil
		}
		operators[r.Operator], keys[r.Approval.Key] = true, true
		out = append(out, Approver{Operator: r.Operator, Key: r.Approval.Key})
		return nil
	}, `SELECT body FROM records WHERE job = ?1 AND kind = ?2 ORDER BY seq`, j.Digest, string(KindApproval))
	return out, err
}

func (r *Record) approves(ledger string, j JobState, want Approval) bool {
	a := r.Approval
	return a != nil && a.Action == want.Action && a.Card == want.Card && a.Claim == want.Claim && sameCounts(a.Counts, want.Counts) &&
		j.mayApprove(r.Operator, a.Key) && signed(a.Key, a.Signature, a.statement(ledger, r.Job, r.Operator))
}

func sameCounts(a, b *Counts) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
