package job

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
)

// canonical is what of the settings decides what is done, in a fixed order. Where files lie on a station is not among it,
// nor what was allowed in validation.
type canonical struct {
	Job            string     `json:"job"` // version of this form
	Name           string     `json:"name"`
	Level          byte       `json:"level"`
	AID            string     `json:"aid"`
	Domain         string     `json:"domain"`
	Keys           string     `json:"keys"` // file, token with its labels, or none
	Recipients     []string   `json:"recipients"`
	Dual           bool       `json:"dual"`
	Approvers      []Approver `json:"approvers"`
	FailuresInARow int        `json:"failures_in_a_row"`
	Attempts       int        `json:"attempts"`
	Hooks          Hooks      `json:"hooks"`
	Template       string     `json:"template"` // digest of its content
}

func (j *Job) digestSettings(h hash.Hash) {
	s := &j.Settings
	c := canonical{
		Job: "simbind job v1", Name: s.Name, Level: byte(s.Channel.Level), AID: hex.EncodeToString(s.Channel.AID), Domain: hex.EncodeToString(s.Channel.Domain),
		Keys: s.Keys.kind(), Recipients: s.Backups.Recipients, Dual: s.Approval.Required, Approvers: s.Approval.Approvers,
		FailuresInARow: s.FailuresInARow, Attempts: s.Attempts, Hooks: j.written, Template: s.Output.digest,
	}
	b, err := json.Marshal(c)
	if err != nil { // texts and numbers alone cannot fail
		panic(err)
	}
	h.Write(append(b, '\n'))
}

func (k KeySource) kind() string {
	switch {
	case k.Token != nil:
		return "token " + k.Token.Canonical()
	case k.File != "":
		return "file"
	}
	return ""
}

// digestRow adds a card: ICCID, IMSI, name of its keys, and template E0 in hex.
func digestRow(h hash.Hash, r *Row) {
	e0, err := r.Configuration.Encode()
	if err != nil { // a row that validated encodes
		panic(err)
	}
	fmt.Fprintf(h, "%s,%s,%s,%x\n", r.ICCID, r.IMSI, r.Key, e0)
}
