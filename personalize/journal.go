package personalize

import (
	"errors"
	"os"
	"time"
)

// Mark is what a journal line says.
type Mark string

// Marks of one personalization, in order. INTENT without VERIFIED is a card in doubt.
const (
	MarkIntent     Mark = "intent"     // everything is ready, the first write follows
	MarkVerified   Mark = "verified"   // read back after a reset and found as intended
	MarkAbandoned  Mark = "abandoned"  // read again and found untouched, or refused before any write
	MarkQuarantine Mark = "quarantine" // read again and neither as before nor as intended
)

// Verbs that write, as the journal names them.
const (
	verbPersonalize = "personalize"
	verbRestore     = "restore"
	verbPlay        = "terminal run"
)

// Entry is one line of a card's journal. Configurations are hex of the E0 template as read back, without secrets.
type Entry struct {
	Time             time.Time `json:"time"`
	Mark             Mark      `json:"mark"`
	Run              string    `json:"run"`   // names the lines of one run
	Verb             string    `json:"verb"`  // personalize, restore …
	ICCID            string    `json:"iccid"` // 5 to 20 digits
	Tool             string    `json:"tool"`
	Backup           string    `json:"backup,omitempty"` // file name of the EF_IMSI backup
	GenerationBefore uint16    `json:"generation_before"`
	Before           string    `json:"before,omitempty"` // E0 before; empty: unconfigured or unknown
	Wanted           string    `json:"wanted,omitempty"` // E0 wanted
	Reason           string    `json:"reason,omitempty"`
}

// Journal is what was done to one card, an append-only file. Every line is on the disk before Add returns.
type Journal struct {
	path    string
	entries []Entry
}

// Journal opens the journal of a card, which may be empty.
func (s *Store) Journal(iccid string) (*Journal, error) {
	path, err := s.path("journal", iccid, ".ndjson")
	if err != nil {
		return nil, err
	}
	entries, err := readLines[Entry](path)
	if err != nil {
		return nil, hide("journal", path, err)
	}
	return &Journal{path: path, entries: entries}, nil
}

// prepareJournal makes the journal of a card that has none, with an empty line, so that announcing the first write is one write in place.
func (s *Store) prepareJournal(iccid string) error {
	path, err := s.path("journal", iccid, ".ndjson")
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return hide("journal", path, err)
	}
	return hide("journal", path, appendBytes(path, []byte{'\n'}, true))
}

// Entries are the lines so far, oldest first.
func (j *Journal) Entries() []Entry { return j.entries }

// Add appends one line durably.
func (j *Journal) Add(e Entry) error { return j.add(e, true) }

// add appends one line; durably: it is on the disk at the end.
func (j *Journal) add(e Entry, durably bool) error {
	if err := appendLine(j.path, e, durably); err != nil {
		return hide("journal", j.path, err)
	}
	j.entries = append(j.entries, e)
	return nil
}

// InDoubt gives the INTENT that nothing concluded, or nil; that of a scenario is Played.
func (j *Journal) InDoubt() *Entry {
	return j.open(func(e *Entry) bool { return e.Verb != verbPlay })
}

// Played gives the INTENT of a scenario that was played on the card and of which nothing says that the card was put back, or nil.
// It stands beside what other verbs announced meanwhile.
func (j *Journal) Played() *Entry {
	return j.open(func(e *Entry) bool { return e.Verb == verbPlay })
}

// open is the INTENT that nothing concluded, of the lines that count.
func (j *Journal) open(counts func(*Entry) bool) *Entry {
	var open *Entry
	for i := range j.entries {
		if !counts(&j.entries[i]) {
			continue
		}
		switch j.entries[i].Mark {
		case MarkIntent:
			open = &j.entries[i]
		case MarkVerified, MarkAbandoned:
			open = nil
		case MarkQuarantine: // stays in doubt until a person says otherwise
		}
	}
	return open
}

// Quarantined tells whether the last word on the card is quarantine; a scenario that is played says nothing about it.
func (j *Journal) Quarantined() bool {
	e := j.last()
	return e != nil && e.Mark == MarkQuarantine
}

// last is the last line, those of scenarios left out.
func (j *Journal) last() *Entry {
	for i := len(j.entries) - 1; i >= 0; i-- {
		if j.entries[i].Verb != verbPlay {
			return &j.entries[i]
		}
	}
	return nil
}
