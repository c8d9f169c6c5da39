package personalize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// DefaultAttempts is how many failed authentications with one key version of a card, and how many in a row with any, this station
// allows before it refuses the next one.
const DefaultAttempts = 3

// Attempts counts the authentications of one card that were begun and not seen to succeed, by key version as most cards do, and in a row,
// for those that count all versions together. The count goes up on the disk before EXTERNAL AUTHENTICATE goes out, so that no crash can hide a spent try.
type Attempts struct {
	path string
	rec  attemptRecord
}

type attemptRecord struct {
	Failed   int            `json:"failed"`        // with all versions
	Row      int            `json:"row,omitempty"` // since the last success with any
	KVN      string         `json:"kvn,omitempty"` // of the last attempt
	Last     time.Time      `json:"last"`
	Versions map[string]int `json:"versions,omitempty"` // failures by key version; an older record has none: all are of KVN
}

// with counts the failures that stand against a key version: its own, or those in a row. 00 leaves the choice to the card: all count.
func (r attemptRecord) with(kvn byte) int {
	if kvn == 0 {
		return r.Failed
	}
	own := r.Versions[version(kvn)] + r.Versions[""] // in an older record that names no version
	return max(own, r.Row)
}

func version(kvn byte) string { return fmt.Sprintf("%02X", kvn) }

// AttemptsError refuses an authentication because too many failed before.
type AttemptsError struct {
	ICCID  string
	Failed int
	Last   time.Time
}

func (e *AttemptsError) Error() string {
	return fmt.Sprintf("card %s: %d authentications failed on this station, the last at %s; the next one is refused",
		shortICCID(e.ICCID), e.Failed, e.Last.UTC().Format(time.RFC3339))
}

// Attempts opens the count of a card.
func (s *Store) Attempts(iccid string) (*Attempts, error) {
	path, err := s.path("attempts", iccid, ".json")
	if err != nil {
		return nil, err
	}
	a := &Attempts{path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, hide("failed attempts", path, err)
	}
	if a.rec, err = decodeAttempts(b); err != nil {
		return nil, hide("failed attempts", path, fmt.Errorf("%s is damaged: %w", path, err))
	}
	return a, nil
}

// decodeAttempts takes no count below zero, and no sum that is another: it would allow more failures than the limit.
func decodeAttempts(b []byte) (attemptRecord, error) {
	var rec attemptRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return rec, err
	}
	if rec.Versions == nil && rec.Failed > 0 {
		rec.Versions, rec.Row = map[string]int{rec.KVN: rec.Failed}, rec.Failed
	}
	sum := 0
	for _, n := range rec.Versions {
		if n < 0 || n > math.MaxInt32 {
			return rec, fmt.Errorf("a count of %d", n)
		}
		sum += n
	}
	if rec.Failed != sum || rec.Row < 0 || rec.Row > sum {
		return rec, fmt.Errorf("a count of %d, in a row of %d, by version of %d", rec.Failed, rec.Row, sum)
	}
	return rec, nil
}

// Failed is the count, with all key versions.
func (a *Attempts) Failed() int { return a.rec.Failed }

// Allow refuses with *AttemptsError when limit attempts with a key version failed already, or in a row with any; 00: with all of them together.
func (a *Attempts) Allow(iccid string, kvn byte, limit int) error {
	failed := a.rec.with(kvn)
	if failed < limit {
		return nil
	}
	return &AttemptsError{ICCID: iccid, Failed: failed, Last: a.rec.Last}
}

// prepare makes the file of a card that has none, so that counting is one write in place.
func (a *Attempts) prepare() error {
	_, err := os.Stat(a.path)
	if !errors.Is(err, os.ErrNotExist) {
		return hide("failed attempts", a.path, err)
	}
	b, err := attemptRecord{}.bytes()
	if err == nil {
		err = a.create(b)
	}
	return hide("failed attempts", a.path, err)
}

// Begin counts one attempt with a key version, durably.
func (a *Attempts) Begin(now time.Time, kvn byte) error {
	versions := map[string]int{}
	maps.Copy(versions, a.rec.Versions)
	versions[version(kvn)]++
	a.rec = attemptRecord{Failed: a.rec.Failed + 1, Row: a.rec.Row + 1, KVN: version(kvn), Last: now.UTC(), Versions: versions}
	return a.write(true)
}

// Succeeded clears the count of the key version the card answered and of the one it was asked for, and ends the row; what failed with other
// versions stands. It does not wait for the disk: a power cut leaves the count too high, never too low.
func (a *Attempts) Succeeded(answered, asked byte) error {
	if a.rec.Failed == 0 {
		return nil
	}
	for _, v := range []string{version(answered), version(asked), ""} {
		a.rec.Failed -= a.rec.Versions[v]
		delete(a.rec.Versions, v)
	}
	a.rec.Row = 0
	if a.rec.Failed == 0 {
		a.rec = attemptRecord{}
	}
	return a.write(false)
}

// attemptSize is the length of the file, filled up with blanks: within one block of any disk, and always the same, so that writing over it
// leaves the old count or the new.
const attemptSize = 160

func (r attemptRecord) bytes() ([]byte, error) {
	b, err := json.Marshal(r)
	return append(b, bytes.Repeat([]byte{' '}, max(attemptSize-len(b), 0))...), err
}

func (a *Attempts) write(durably bool) error {
	b, err := a.rec.bytes()
	if err != nil {
		return err
	}
	over, err := a.writeOver(b, durably)
	if err == nil && !over {
		err = a.create(b)
	}
	return hide("failed attempts", a.path, err)
}

// writeOver takes a file of just that length.
func (a *Attempts) writeOver(b []byte, durably bool) (done bool, err error) {
	f, err := os.OpenFile(a.path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(b)) {
		return false, err
	}
	if _, err := f.WriteAt(b, 0); err != nil || !durably {
		return true, err
	}
	return true, f.Sync()
}

func (a *Attempts) create(b []byte) error {
	if err := maybe.WriteFile(a.path, b, 0o600); err != nil {
		return err
	}
	return syncDir(filepath.Dir(a.path))
}
