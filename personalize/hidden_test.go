package personalize_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize"
)

// TestFaultsOfTheStoreHideTheICCID: what goes wrong with a file of one card is told without its digits, since reasons go into logs and the ledger,
// and is still known as a fault of a file.
func TestFaultsOfTheStoreHideTheICCID(t *testing.T) {
	const iccid = "8988211000000430010"
	for _, row := range []struct {
		name, file string
		content    []byte // nil: a folder stands there
		isPath     bool
		do         func(*personalize.Store) error
	}{
		{"lock", "locks/" + iccid + ".lock", nil, true, func(s *personalize.Store) error { _, err := s.Lock(iccid); return err }},
		{"journal", "journal/" + iccid + ".ndjson", nil, true, func(s *personalize.Store) error { _, err := s.Journal(iccid); return err }},
		{"long line", "journal/" + iccid + ".ndjson", bytes.Repeat([]byte{'x'}, 2<<20), false, func(s *personalize.Store) error { _, err := s.Journal(iccid); return err }},
		{"attempts", "attempts/" + iccid + ".json", nil, true, func(s *personalize.Store) error { _, err := s.Attempts(iccid); return err }},
		{"damaged", "attempts/" + iccid + ".json", []byte("{"), false, func(s *personalize.Store) error { _, err := s.Attempts(iccid); return err }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := openStore(t)
			makeFault(t, filepath.Join(s.Dir(), row.file), row.content)
			err := row.do(s)
			if err == nil || strings.Contains(err.Error(), iccid) || !strings.Contains(err.Error(), "898821***0010") {
				t.Errorf("told: %v", err)
			}
			if is := errors.As(err, new(*fs.PathError)); is != row.isPath {
				t.Errorf("a fault of a file: %v", is)
			}
		})
	}
	t.Run("while it counts", func(t *testing.T) {
		s := openStore(t)
		a, err := s.Attempts(iccid)
		if err != nil {
			t.Fatal(err)
		}
		makeFault(t, filepath.Join(s.Dir(), "attempts", iccid+".json"), nil)
		if err := a.Begin(time.Unix(0, 0), 0x30); err == nil || strings.Contains(err.Error(), iccid) {
			t.Errorf("told: %v", err)
		}
	})
	t.Run("while it is written", func(t *testing.T) {
		s := openStore(t)
		j, err := s.Journal(iccid)
		if err != nil {
			t.Fatal(err)
		}
		makeFault(t, filepath.Join(s.Dir(), "journal", iccid+".ndjson"), nil)
		if err := j.Add(personalize.Entry{Mark: personalize.MarkIntent}); err == nil || strings.Contains(err.Error(), iccid) {
			t.Errorf("told: %v", err)
		}
	})
}

func openStore(t *testing.T) *personalize.Store {
	t.Helper()
	s, err := personalize.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func makeFault(t *testing.T, path string, content []byte) {
	t.Helper()
	err := os.WriteFile(path, content, 0o600)
	if content == nil {
		err = errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
	}
	if err != nil {
		t.Fatal(err)
	}
}
