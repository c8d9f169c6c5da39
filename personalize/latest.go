package personalize

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

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
	// Names carry the ICCID shortened: other cards may share it, and say so inside.
	names, err := filepath.Glob(filepath.Join(s.dir, "backups", iccid[:min(6, len(iccid))]+"-"+iccid[max(0, len(iccid)-4):]+"-*.json*"))
	if err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(filepath.Base(b), filepath.Base(a)) })
	for _, name := range names {
		b, err := LoadBackup(name, identities...)
		if err != nil {
			return Backup{}, err
		}
		if b.ICCID == iccid {
			return b, nil
		}
	}
	return Backup{}, ErrNoBackup
}
