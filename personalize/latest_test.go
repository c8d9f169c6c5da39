package personalize

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLatestBackup: the newest one of this card; cards that share the shortened number are told apart, and a newest one that does not open is no
// reason to take an older.
func TestLatestBackup(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	const card, twin = "8988211000000430010", "8988219999999990010"
	save := func(iccid, content string, day int) string {
		path, err := s.SaveBackup(Backup{
			ICCID: iccid, Time: time.Date(2026, 1, day, 3, 4, 5, 0, time.UTC),
			Copies: []BackupCopy{{Place: PlaceUSIM, Content: content, From: "file"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := s.LatestBackup(card); !errors.Is(err, ErrNoBackup) {
		t.Errorf("none saved: %v", err)
	}
	save(card, "080910100000214365", 3)
	save(card, "082926101160845740", 5)
	save(card, "080910100000214366", 4)
	save(twin, "080910100000214367", 9)
	if b, err := s.LatestBackup(card); err != nil || b.Copies[0].Content != "082926101160845740" {
		t.Errorf("%+v, %v", b, err)
	}
	for _, id := range []string{"", "../etc", "8988*", "898821"} {
		if _, err := s.LatestBackup(id); !errors.Is(err, ErrNoBackup) {
			t.Errorf("%q: %v", id, err)
		}
	}
	newest := save(card, "080910100000214365", 8)
	if err := os.WriteFile(newest, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LatestBackup(card); !errors.Is(err, ErrBackup) {
		t.Errorf("%s does not open: %v", filepath.Base(newest), err)
	}
}

// TestLatestBackupInAnyFolder: the name of the state folder is no pattern.
func TestLatestBackupInAnyFolder(t *testing.T) {
	s, err := OpenStore(filepath.Join(t.TempDir(), "bench [1] *"))
	if err != nil {
		t.Fatal(err)
	}
	b := Backup{ICCID: "8988211000000430010", Time: time.Unix(0, 0), Copies: []BackupCopy{{Place: PlaceUSIM, Content: "082926101160845740", From: "file"}}}
	if _, err := s.SaveBackup(b); err != nil {
		t.Fatal(err)
	}
	if got, err := s.LatestBackup(b.ICCID); err != nil || got.ICCID != b.ICCID {
		t.Errorf("%+v, %v", got, err)
	}
}
