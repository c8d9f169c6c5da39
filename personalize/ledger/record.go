package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// Kind is what a record says.
type Kind string

// Kinds of records.
const (
	KindBegin     Kind = "begin"     // the ledger was made
	KindJob       Kind = "job"       // a job was registered
	KindClaim     Kind = "claim"     // a card was claimed; Before it: After, the claim it replaces
	KindEvent     Kind = "event"     // a step on a claimed card
	KindConclude  Kind = "conclude"  // a claim ended
	KindTakeOver  Kind = "takeover"  // an open claim went to another run
	KindRelease   Kind = "release"   // a person took a claim from its station
	KindReject    Kind = "reject"    // a person put a card into the bin
	KindRemark    Kind = "remark"    // something outside of any claim
	KindApproval  Kind = "approval"  // an operator signed
	KindSeal      Kind = "seal"      // a job was closed and signed
	KindDisclosed Kind = "disclosed" // a card's data were exported
	KindErase     Kind = "erase"     // a card's personal data were erased
)

// Record is one link of the chain. Its canonical form is its JSON as encoding/json writes it, fields in this order; Hash is the SHA-256 of that.
// All digests are hex. Who a card belongs to is in none of the fields: Card is a pseudonym, Before, After, Hidden and Note are HMACs with a
// salt per card, which an erasure destroys.
type Record struct {
	Seq      int64             `json:"seq"`  // from 1, without gaps
	Prev     string            `json:"prev"` // Hash of the record before; of the first: empty
	ID       string            `json:"id"`   // chosen by the writer, so that a repeated append is known
	Time     time.Time         `json:"time"` // UTC, microseconds
	Kind     Kind              `json:"kind"`
	Job      string            `json:"job,omitempty"`
	Card     string            `json:"card,omitempty"`
	Claim    string            `json:"claim,omitempty"`
	Replaces string            `json:"replaces,omitempty"` // claim: the one that held the card before
	Station  string            `json:"station"`
	Operator string            `json:"operator"`
	Reader   string            `json:"reader,omitempty"`
	Tool     string            `json:"tool"`
	Step     string            `json:"step,omitempty"`
	SW       string            `json:"sw,omitempty"` // four hex digits
	Code     string            `json:"code,omitempty"`
	Micros   int64             `json:"us,omitempty"`
	APDUs    int               `json:"apdus,omitempty"`
	Outcome  Outcome           `json:"outcome,omitempty"`
	Before   string            `json:"before,omitempty"`
	After    string            `json:"after,omitempty"`
	Hidden   map[string]string `json:"hidden,omitempty"`
	Note     string            `json:"note,omitempty"`  // digest of Clear
	Words    string            `json:"words,omitempty"` // a note that is not about a card, in clear
	Begin    *Begin            `json:"begin,omitempty"`
	Order    *Order            `json:"order,omitempty"`
	Approval *Approval         `json:"approval,omitempty"`
	Seal     *Seal             `json:"seal,omitempty"`

	Hash  string `json:"-"`
	Clear string `json:"-"` // the note, unless erased
}

// Begin ties the chain to its ledger.
type Begin struct {
	Ledger string `json:"ledger"` // 32 hex digits, by chance
	Salt   string `json:"salt"`   // SHA-256 of the salt of all pseudonyms
}

// Order is what a job record adds.
type Order struct {
	Name      string     `json:"name"`
	Ordered   int        `json:"ordered"`
	List      string     `json:"list"` // SHA-256 over the pseudonyms in order
	Dual      bool       `json:"dual,omitempty"`
	Approvers []Approver `json:"approvers,omitempty"`
}

func (r *Record) canonical() ([]byte, error) { return json.Marshal(r) }

// parseRecord takes only what canonical makes.
func parseRecord(body []byte) (Record, error) {
	var r Record
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, err
	}
	again, err := r.canonical()
	if err != nil {
		return r, err
	}
	if !bytes.Equal(again, body) {
		return r, errors.New("not in canonical form")
	}
	r.Hash = digest(body)
	return r, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// salted is HMAC-SHA256 over the name of a field and its value.
func salted(salt, name string, value []byte) string {
	key, err := hex.DecodeString(salt)
	if err != nil || len(key) != 32 {
		return "" // equals no digest
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(name))
	m.Write([]byte{0})
	m.Write(value)
	return hex.EncodeToString(m.Sum(nil))
}

// pseudonym names a card of this ledger without its ICCID.
func pseudonym(salt, iccid string) string { return salted(salt, "iccid", []byte(iccid)) }

// random gives n bytes as hex.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// fill puts what an event says into a record, digests in place of what identifies.
func (r *Record) fill(e Event, salt string) {
	r.Step, r.Code, r.Micros, r.APDUs = limited(e.Step), limited(e.Code), e.Duration.Microseconds(), e.APDUs
	if e.SW != 0 {
		r.SW = e.SW.String()
	}
	if salt == "" {
		r.Words = limited(e.Note)
		return
	}
	r.Before, r.After = state(salt, e.Before), state(salt, e.After)
	for name, value := range e.Hidden {
		if r.Hidden == nil {
			r.Hidden = map[string]string{}
		}
		r.Hidden[limited(name)] = salted(salt, name, []byte(value))
	}
	r.setNote(e.Note, salt)
}

func (r *Record) setNote(note, salt string) {
	if note == "" {
		return
	}
	r.Clear = limited(note)
	r.Note = salted(salt, "note", []byte(r.Clear))
}

// state digests what a card held. Before and after share a name, so that an unchanged card shows it.
func state(salt string, b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return salted(salt, "state", b)
}
