// Package ledger keeps what happened to which card: each is claimed before its first write, under one job, on one station, once.
//
// The same guarantees hold in a SQLite file and in a PostgreSQL database that several stations share. What happens is a chain
// of records, each with the SHA-256 of its predecessor; Verify finds what was changed, removed or put elsewhere, and Seal
// signs a job whose cards are all accounted for. No secret, no IMSI and no IMEI is ever kept in clear.
package ledger

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Options are what a ledger needs besides its place.
type Options struct {
	Now      func() time.Time // nil: the clock of the database, so that stations agree on leases
	Patience time.Duration    // how long a lost database is waited for; 0: DefaultPatience
}

// DefaultPatience outlasts the restart of a database.
const DefaultPatience = 30 * time.Second

// Ledger is an open ledger. Its methods may be called from several goroutines.
type Ledger struct{}

// Claim is a card the caller holds.
type Claim struct {
	ID    string
	Job   string
	ICCID string
	By    Actor
}

// Record is one link of the chain as stored.
type Record struct{}

var errSoon = errors.ErrUnsupported

// Open opens the ledger, and makes it when it is not there. where is the path of a SQLite file, or a postgres:// URL without a
// password: that comes from a password or service file (PGPASSFILE, PGSERVICEFILE).
func Open(ctx context.Context, where string, o Options) (*Ledger, error) { return nil, errSoon }

// Close ends all connections.
func (l *Ledger) Close() error { return errSoon }

// Register makes a job known. The same job again is nothing new, and no error.
func (l *Ledger) Register(ctx context.Context, j Job, by Actor) error { return errSoon }

// Claim takes a card of a job before its first write. A *TakenError says that the card is claimed or done already, anywhere.
func (l *Ledger) Claim(ctx context.Context, w Want) (*Claim, error) { return nil, errSoon }

// Event records a step, durable when it returns, and renews the lease. ErrLost: another run took the claim over; leave the card alone.
func (c *Claim) Event(ctx context.Context, e Event) error { return errSoon }

// Conclude ends the claim. Every outcome but Good needs a Note, the reason.
func (c *Claim) Conclude(ctx context.Context, o Outcome, e Event) error { return errSoon }

// Remark records something outside of any claim: a foreign card (its ICCID is kept as a pseudonym), a stop, a broken reader. iccid and job may be empty.
func (l *Ledger) Remark(ctx context.Context, job, iccid string, by Actor, e Event) error {
	return errSoon
}

// TakeOver gives an open claim to the caller, who must read the card again and conclude by what it holds. Its own station
// may do so at any time, provided that it holds the card's lock; others when the lease is over or a person released it (*HeldError).
func (l *Ledger) TakeOver(ctx context.Context, claim string, by Actor, lease time.Duration) (*Claim, error) {
	return nil, errSoon
}

// Release is a person's word that a station will not go on with a claim: any station may take it over from now on.
func (l *Ledger) Release(ctx context.Context, claim string, by Actor, reason string) error {
	return errSoon
}

// Reject is a person's word that a card in quarantine, or with a released claim that nobody can read again, goes into the bin.
func (l *Ledger) Reject(ctx context.Context, claim string, by Actor, reason string) error {
	return errSoon
}

// Job gives a registered job. ErrNoJob.
func (l *Ledger) Job(ctx context.Context, digest string) (JobState, error) {
	return JobState{}, errSoon
}

// Jobs gives all jobs, oldest first.
func (l *Ledger) Jobs(ctx context.Context) ([]JobState, error) { return nil, errSoon }

// Counts says where the cards of a job are.
func (l *Ledger) Counts(ctx context.Context, job string) (Counts, error) { return Counts{}, errSoon }

// Cards gives every ordered card of a job, in its order.
func (l *Ledger) Cards(ctx context.Context, job string) iter.Seq2[CardState, error] { return nil }

// InDoubt gives the open claims of a job, or of all jobs when it is empty. Those of running stations are among them.
func (l *Ledger) InDoubt(ctx context.Context, job string) ([]CardState, error) { return nil, errSoon }

// Find gives the claim that holds a card, under whatever job. ErrNoClaim.
func (l *Ledger) Find(ctx context.Context, iccid string) (CardState, error) {
	return CardState{}, errSoon
}

// Records gives the chain in order: all of it, or of one job.
func (l *Ledger) Records(ctx context.Context, job string) iter.Seq2[Record, error] { return nil }
