package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

func (j *Job) check() error {
	if err := checkDigest("job digest", j.Digest); err != nil {
		return err
	}
	if err := label("job name", j.Name, true); err != nil {
		return err
	}
	if len(j.ICCIDs) == 0 || len(j.ICCIDs) > maxCards {
		return &InputError{"cards", fmt.Sprintf("%d ordered, 1 to %d can be", len(j.ICCIDs), maxCards)}
	}
	if len(j.Approvers) > 0 && !j.Dual {
		return &InputError{"approvers", "named, but the job asks for no approval"}
	}
	if len(j.Approvers) == 1 {
		return &InputError{"approvers", "one alone cannot be two"}
	}
	for _, a := range j.Approvers {
		if err := a.check(); err != nil {
			return err
		}
	}
	return j.checkCards()
}

func (a Approver) check() error {
	if err := checkDigest("approver's key", a.Key); err != nil {
		return err
	}
	return label("approver", a.Operator, true)
}

func (j *Job) checkCards() error {
	seen := make(map[string]bool, len(j.ICCIDs))
	for _, iccid := range j.ICCIDs {
		if err := checkICCID(iccid); err != nil {
			return err
		}
		if seen[iccid] {
			return &InputError{"cards", "ICCID " + short(iccid) + " is there twice"}
		}
		seen[iccid] = true
	}
	return nil
}

// Register makes a job known. The same job again is nothing new, and no error; another one with its digest is a *JobDiffersError.
func (l *Ledger) Register(ctx context.Context, j Job, by Actor) error {
	if err := errors.Join(j.check(), by.check()); err != nil {
		return err
	}
	cards, list := l.pseudonyms(j.ICCIDs)
	r := record(random(16), KindJob, by)
	r.Job = j.Digest
	r.Order = &Order{Name: j.Name, Ordered: len(cards), List: list, Dual: j.Dual, Approvers: j.Approvers}
	return l.writeMore(ctx, time.Duration(len(cards))*time.Millisecond, r.ID, func(ctx context.Context, t *tx) error {
		known, err := t.sameJob(ctx, j.Digest, r.Order)
		if known || err != nil {
			return err
		}
		if err := t.insertJob(ctx, j.Digest, r.Order); err != nil {
			return err
		}
		if err := t.insertOrders(ctx, j, cards); err != nil {
			return err
		}
		return t.append(ctx, r)
	})
}

// pseudonyms of cards in order, and the digest over all of them.
func (l *Ledger) pseudonyms(iccids []string) (cards []string, list string) {
	h := sha256.New()
	cards = make([]string, len(iccids))
	for i, iccid := range iccids {
		cards[i] = pseudonym(l.salt, iccid)
		h.Write([]byte(cards[i]))
	}
	return cards, hex.EncodeToString(h.Sum(nil))
}

func (t *tx) sameJob(ctx context.Context, digest string, o *Order) (bool, error) {
	var name, list, approvers string
	var dual bool
	err := t.one(ctx, ErrNoJob, `SELECT name, list, dual, approvers FROM jobs WHERE digest = ?1`, []any{digest}, &name, &list, &dual, &approvers)
	switch {
	case errors.Is(err, ErrNoJob):
		return false, nil
	case err != nil:
		return false, err
	case name != o.Name:
		return false, &JobDiffersError{"name"}
	case list != o.List:
		return false, &JobDiffersError{"list of cards"}
	case dual != o.Dual || approvers != o.approvers():
		return false, &JobDiffersError{"rule of approval"}
	}
	return true, nil
}

func (o *Order) approvers() string {
	b, _ := json.Marshal(o.Approvers) // strings alone cannot fail
	return string(b)
}

func (t *tx) insertJob(ctx context.Context, digest string, o *Order) error {
	return t.exec(ctx, `INSERT INTO jobs (digest, name, ordered, list, dual, approvers, sealed, registered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)`,
		digest, o.Name, o.Ordered, o.List, flag(o.Dual), o.approvers(), t.now.UnixMicro())
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// insertOrders writes the list of cards, by thousands where the database takes arrays.
func (t *tx) insertOrders(ctx context.Context, j Job, cards []string) error {
	if t.copyOrders == "" {
		return t.insertEach(ctx, j, cards)
	}
	const slice = 10_000
	for from := 0; from < len(cards); from += slice {
		to := min(from+slice, len(cards))
		positions := make([]int64, 0, slice)
		for p := from; p < to; p++ {
			positions = append(positions, int64(p))
		}
		if err := t.exec(ctx, t.copyOrders, j.Digest, positions, cards[from:to], j.ICCIDs[from:to]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertEach(ctx context.Context, j Job, cards []string) error {
	insert, err := t.PrepareContext(ctx, t.q(`INSERT INTO orders (job, position, card, iccid) VALUES (?1, ?2, ?3, ?4)`))
	if err != nil {
		return failed(err)
	}
	defer insert.Close()
	for i, card := range cards {
		if _, err := insert.ExecContext(ctx, j.Digest, i, card, j.ICCIDs[i]); err != nil {
			return failed(err)
		}
	}
	return nil
}

const jobColumns = `SELECT digest, name, dual, approvers, sealed, registered FROM jobs `

func scanJob(scan func(...any) error) (JobState, error) {
	var j JobState
	var approvers string
	var registered int64
	if err := scan(&j.Digest, &j.Name, &j.Dual, &approvers, &j.Sealed, &registered); err != nil {
		return j, err
	}
	j.Registered = moment(registered)
	return j, json.Unmarshal([]byte(approvers), &j.Approvers)
}

// moment is a time as the tables keep it; 0 is the zero time.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Job gives a registered job. ErrNoJob.
func (l *Ledger) Job(ctx context.Context, digest string) (j JobState, err error) {
	err = l.briefly(ctx, 0, func(ctx context.Context, _ bool) error {
		j, err = l.job(ctx, conn{l.store, l.reads}, digest)
		return err
	})
	return j, err
}

func (l *Ledger) job(ctx context.Context, c conn, digest string) (JobState, error) {
	j, err := scanJob(c.QueryRowContext(ctx, c.q(jobColumns+`WHERE digest = ?1`), digest).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return j, ErrNoJob
	}
	return j, failed(err)
}

// Jobs gives all jobs, oldest first.
func (l *Ledger) Jobs(ctx context.Context) (out []JobState, err error) {
	err = l.retry(ctx, func(bool) error {
		out = nil
		return conn{l.store, l.reads}.rows(ctx, func(rs *sql.Rows) error {
			j, err := scanJob(rs.Scan)
			out = append(out, j)
			return failed(err)
		}, jobColumns+`ORDER BY registered, digest`)
	})
	return out, err
}
