package personalize

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
)

// ErrNoBackup is a card this station has saved nothing of.
var ErrNoBackup = errors.New("no backup of this card on this station")

// LatestBackup is the newest backup of a card in the store; identities open an encrypted one. A newest one that cannot be opened is an
// error: an older one would mislead.
func (s *Store) LatestBackup(iccid string, identities ...age.Identity) (Backup, error) {
	if !digits.MatchString(iccid) {
		return Backup{}, ErrNoBackup
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "backups")) // in order of their names, which end in the time
	if err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	// Names carry the ICCID shortened: other cards may share it, and say so inside.
	begin := iccid[:min(6, len(iccid))] + "-" + iccid[max(0, len(iccid)-4):] + "-"
	for _, e := range slices.Backward(entries) {
		if !strings.HasPrefix(e.Name(), begin) {
			continue
		}
		b, err := LoadBackup(filepath.Join(s.dir, "backups", e.Name()), identities...)
		if err != nil {
			return Backup{}, err
		}
		if b.ICCID == iccid {
			return b, nil
		}
	}
	return Backup{}, ErrNoBackup
}
