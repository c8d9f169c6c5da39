package ledger

import (
	"errors"
	"fmt"
)

// Errors a caller acts on.
var (
	ErrNoJob      = errors.New("the ledger knows no such job")
	ErrNotOrdered = errors.New("the card is not in the job")
	ErrSealed     = errors.New("the job is sealed")
	ErrLost       = errors.New("the claim is no longer held: it was concluded, or taken over by another run")
	ErrConcluded  = errors.New("the claim is concluded, and stays so")
	ErrNoClaim    = errors.New("the ledger knows no such claim")
)

// TakenError is a card that is claimed or done already, under this or another job, on this or another station.
type TakenError struct {
	Holding CardState
}

func (e *TakenError) Error() string {
	h := e.Holding
	if h.Outcome == Underway {
		return fmt.Sprintf("card %s is claimed by station %s", short(h.ICCID), h.By.Station)
	}
	return fmt.Sprintf("card %s was done before: %s on station %s", short(h.ICCID), h.Outcome, h.By.Station)
}

// HeldError is a claim that is another station's until its lease is over or a person releases it.
type HeldError struct {
	Holding CardState
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("card %s stays with station %s until %s", short(e.Holding.ICCID), e.Holding.By.Station, e.Holding.Lease.Format("15:04:05 MST"))
}

// ApprovalError is something two operators must sign, and did not.
type ApprovalError struct {
	Action Action
	Have   int // valid signatures of different operators with different keys
}

func (e *ApprovalError) Error() string {
	return fmt.Sprintf("%s needs the signatures of two operators, %d found", e.Action, e.Have)
}

// ImbalanceError is a job that cannot be sealed: not every card is good, rejected or untouched.
type ImbalanceError struct {
	Counts Counts
}

func (e *ImbalanceError) Error() string {
	c := e.Counts
	return fmt.Sprintf("%d ordered, but %d good + %d rejected + %d untouched: %d in doubt, %d in quarantine",
		c.Ordered, c.Good, c.Rejected, c.Untouched, c.Open, c.Quarantined)
}

// JobDiffersError is a digest that was registered with another order.
type JobDiffersError struct{ What string }

func (e *JobDiffersError) Error() string {
	return fmt.Sprintf("a job with this digest is registered with another %s", e.What)
}

// InputError is something a caller gave that the ledger does not take.
type InputError struct{ Field, Reason string }

func (e *InputError) Error() string { return e.Field + ": " + e.Reason }

// short hides the middle of an ICCID.
func short(iccid string) string {
	if len(iccid) < 10 {
		return "******"
	}
	return iccid[:6] + "***" + iccid[len(iccid)-4:]
}
