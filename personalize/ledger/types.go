package ledger

import (
	"time"

	"github.com/simbind/simbind/apdu"
)

// Actor is who does something, and where. The texts are kept in clear.
type Actor struct {
	Station  string // the desk or host; a claim stays with it
	Operator string
	Reader   string // label of the slot; empty without a card
	Tool     string // name and version
}

// Job is what was ordered.
type Job struct {
	Digest    string // 64 hex digits: SHA-256 of the job file as validated
	Name      string
	ICCIDs    []string   // in the order of the file, none twice
	Dual      bool       // start, redo and seal need two operators' signatures
	Approvers []Approver // who may sign; empty: any two operators with two keys
}

// Approver is an operator and the key that is taken for theirs.
type Approver struct {
	Operator string `json:"operator"`
	Key      string `json:"key"` // Ed25519 public key, 64 hex digits
}

// Want is a claim on one card.
type Want struct {
	Job   string // digest
	ICCID string
	By    Actor
	Lease time.Duration // 0: DefaultLease
	Redo  string        // why a card that is done is done again; empty: it is refused
}

// DefaultLease is how long a claim is its station's alone after its last sign of life. Every event renews it.
const DefaultLease = 15 * time.Minute

// Outcome is how a claim ended.
type Outcome string

// Outcomes. A card that is open, good, rejected or quarantined is never claimed again without a redo.
const (
	Underway    Outcome = ""            // not concluded: at work, or in doubt
	Good        Outcome = "good"        // verified by reading back
	Rejected    Outcome = "rejected"    // into the bin, with a reason
	Quarantined Outcome = "quarantined" // neither as before nor as wanted: a person decides
	Untouched   Outcome = "untouched"   // read and found as it was before; free to be claimed again
)

// Event is one step of the work on a card. What could identify a person is kept as digests salted per card.
type Event struct {
	Step     string // read, session, write, verify …
	SW       apdu.SW
	Code     string // stable word of a failure, snake_case
	Duration time.Duration
	APDUs    int
	Before   []byte            // what the card held; only its digest is kept
	After    []byte            // what it holds now; only its digest is kept
	Hidden   map[string]string // imsi, imei …: only digests are kept
	Note     string            // words for people; can be erased
}

// Counts says where the cards of a job are. Ordered = Good + Rejected + Quarantined + Open + Untouched.
type Counts struct {
	Ordered     int `json:"ordered"`
	Good        int `json:"good"`
	Rejected    int `json:"rejected"`
	Quarantined int `json:"quarantined"`
	Open        int `json:"open"`
	Untouched   int `json:"untouched"`
	Elsewhere   int `json:"elsewhere"` // of the untouched: claimed under another job
}

// CardState is an ordered card and the claim that holds it, if one does.
type CardState struct {
	Job       string
	Position  int    // in the job, from 0
	ICCID     string // empty: erased
	Card      string // its pseudonym in the chain
	Claim     string // empty: none
	Holder    string // digest of the job whose claim this is
	By        Actor
	Outcome   Outcome
	Code      string
	Note      string // the reason
	Claimed   time.Time
	Lease     time.Time // until when an open claim is its station's alone
	Concluded time.Time // zero while open
	Expired   bool      // an open claim whose lease is over: any station may take it over
}

// JobState is a registered job.
type JobState struct {
	Digest, Name string
	Dual         bool
	Approvers    []Approver
	Sealed       bool
	Registered   time.Time
}

// Action is what a second person approves.
type Action string

// Actions that need two signatures when the job asks for it.
const (
	Start Action = "start"
	Redo  Action = "redo" // of one card
	Close Action = "seal"
)
