package personalize

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const card = "8988211000000430010"

func store(t testing.TB) *Store {
	t.Helper()
	s, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJournalKnowsWhatIsInDoubt(t *testing.T) {
	for marks, doubt := range map[string]bool{
		"": false, "intent": true, "intent verified": false, "intent abandoned": false, "intent verified intent": true,
		"intent quarantine": true, "intent quarantine verified": false,
	} {
		s := store(t)
		for _, m := range strings.Fields(marks) {
			j, err := s.Journal(card)
			if err != nil {
				t.Fatal(err)
			}
			if err := j.Add(Entry{Mark: Mark(m), ICCID: card}); err != nil {
				t.Fatal(err)
			}
		}
		j, err := s.Journal(card)
		if err != nil {
			t.Fatal(err)
		}
		if (j.InDoubt() != nil) != doubt || j.Quarantined() != strings.HasSuffix(marks, "quarantine") {
			t.Errorf("%q: in doubt %v, quarantined %v", marks, j.InDoubt(), j.Quarantined())
		}
	}
}

// TestTornLine: a line that a power cut interrupted neither hides the others nor swallows the next.
func TestTornLine(t *testing.T) {
	s := store(t)
	j, err := s.Journal(card)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Add(Entry{Mark: MarkIntent}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Dir(), "journal", card+".ndjson")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"mark":"veri`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if j, err = s.Journal(card); err != nil || j.InDoubt() == nil {
		t.Fatalf("%v, %v", j, err)
	}
	if err := j.Add(Entry{Mark: MarkVerified}); err != nil {
		t.Fatal(err)
	}
	if j, err = s.Journal(card); err != nil || j.InDoubt() != nil || len(j.Entries()) != 2 {
		t.Errorf("%+v, %v", j, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestOneRunAtATime: two runs on one station never work on the same card.
func TestOneRunAtATime(t *testing.T) {
	s := store(t)
	unlock, err := s.Lock(card)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := s.Lock(card); !errors.As(err, &locked) {
		t.Errorf("a second run: %v", err)
	}
	if other, err := s.Lock("8988211000000467343"); err != nil {
		t.Errorf("another card: %v", err)
	} else {
		other()
	}
	unlock()
	if again, err := s.Lock(card); err != nil {
		t.Errorf("after the first: %v", err)
	} else {
		again()
	}
}

// TestErrorsShortenTheICCID that names a file; what went wrong stays to be found out.
func TestErrorsShortenTheICCID(t *testing.T) {
	s := store(t)
	for _, name := range []string{"attempts/" + card + ".json", "journal/" + card + ".ndjson", "locks/" + card + ".lock"} {
		if err := os.Mkdir(filepath.Join(s.Dir(), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	inFolder := func(sub string) error { // a folder in place of the file, behind the reading of it
		a := &Attempts{path: filepath.Join(s.Dir(), sub, card+".json")}
		return a.Begin(time.Now(), 0x30)
	}
	for name, do := range map[string]func() error{
		"attempts":  func() error { _, err := s.Attempts(card); return err },
		"journal":   func() error { _, err := s.Journal(card); return err },
		"lock":      func() error { _, err := s.Lock(card); return err },
		"counting":  func() error { return inFolder("attempts") },
		"no folder": func() error { return inFolder("gone") },
		"added":     func() error { return (&Journal{path: filepath.Join(s.Dir(), "journal", card+".ndjson")}).Add(Entry{}) },
	} {
		err := do()
		if err == nil || strings.Contains(err.Error(), card) || !strings.Contains(err.Error(), shortICCID(card)) || !errors.As(err, new(*os.PathError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestICCIDsBecomePaths only when they are digits: a card can send anything.
func TestICCIDsBecomePaths(t *testing.T) {
	s := store(t)
	for _, bad := range []string{"", "../../etc/passwd", "89882110000/4300", "12\x00345", strings.Repeat("9", 21)} {
		if _, err := s.Journal(bad); err == nil {
			t.Errorf("%q became a path", bad)
		}
	}
}

func TestAttempts(t *testing.T) {
	s := store(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for n := range 3 {
		a, err := s.Attempts(card)
		if err != nil || a.Failed() != n {
			t.Fatalf("%d failed, want %d, %v", a.Failed(), n, err)
		}
		if err := a.Allow(card, 0x30, DefaultAttempts); err != nil {
			t.Errorf("attempt %d: %v", n+1, err)
		}
		if err := a.Begin(at, 0x30); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.Attempts(card)
	if err != nil {
		t.Fatal(err)
	}
	var refused *AttemptsError
	if err := a.Allow(card, 0x30, DefaultAttempts); !errors.As(err, &refused) || strings.Contains(err.Error(), card) {
		t.Errorf("attempt 4: %v", err)
	}
	if err := a.Succeeded(0x30, 0); err != nil {
		t.Fatal(err)
	}
	if a, err = s.Attempts(card); err != nil || a.Failed() != 0 {
		t.Errorf("%d failed after a success, %v", a.Failed(), err)
	}
	for _, text := range []string{"{", `{"failed":-7}`, `{"failed":0,"versions":{"30":3}}`, `{"failed":1,"versions":{"30":3,"20":-2}}`, `{"failed":1,"row":-1,"versions":{"30":1}}`} {
		if err := os.WriteFile(filepath.Join(s.Dir(), "attempts", card+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Attempts(card); err == nil {
			t.Errorf("a damaged count counts as none: %s", text)
		}
	}
}

// TestAttemptsByVersion: the count of one key version stands for itself; 00 is all, and a record that names no version is of all.
func TestAttemptsByVersion(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]map[byte]int{
		`{"failed":2,"kvn":"30","last":"2026-01-02T03:04:05Z"}`: {0x00: 4, 0x20: 4, 0x30: 4, 0x40: 4},
		`{"failed":2,"last":"2026-01-02T03:04:05Z"}`:            {0x00: 4, 0x20: 4, 0x30: 4},
		`{"failed":3,"versions":{"20":2,"31":1}}`:               {0x00: 5, 0x20: 3, 0x30: 2, 0x31: 2},
	} {
		s := store(t)
		if err := os.WriteFile(filepath.Join(s.Dir(), "attempts", card+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, kvn := range []byte{0x20, 0x30} {
			a, err := s.Attempts(card)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Begin(at, kvn); err != nil {
				t.Fatal(err)
			}
		}
		a, err := s.Attempts(card)
		if err != nil {
			t.Fatal(err)
		}
		for kvn, n := range want {
			if a.Allow(card, kvn, n) == nil || a.Allow(card, kvn, n+1) != nil {
				t.Errorf("%s: version %02X does not count %d: %+v", text, kvn, n, a.rec)
			}
		}
		if err := a.Succeeded(0x20, 0x00); err != nil {
			t.Fatal(err)
		}
		if a, err = s.Attempts(card); err != nil || a.Allow(card, 0x20, 1) != nil || a.Allow(card, 0x30, 1) == nil || a.Allow(card, 0x40, 1) != nil {
			t.Errorf("%s: after a success with 20: %+v, %v", text, a.rec, err)
		}
	}
}

func FuzzAttempts(f *testing.F) {
	f.Add([]byte(`{"failed":2,"kvn":"30","last":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"failed":-1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if rec, err := decodeAttempts(b); err == nil && rec.Failed < 0 {
			t.Fatal("a count below zero was taken")
		}
	})
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"mark":"intent","iccid":"1"}` + "\n"))
	f.Add([]byte("{\n\n[]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := decodeLines[Entry](strings.NewReader(string(b)))
		if err == nil && len(entries) > len(b) {
			t.Fatal("more entries than bytes")
		}
	})
}
