package nvm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, s *Store, key, v string) {
	t.Helper()
	if err := s.Put(key, []byte(v)); err != nil {
		t.Fatal(err)
	}
}

// cut runs do and wants the power to go.
func cut(t *testing.T, do func()) {
	t.Helper()
	defer func() {
		if _, ok := recover().(PowerLoss); !ok {
			t.Error("the power was not cut")
		}
	}()
	do()
}

func TestTransactionIsOneWrite(t *testing.T) {
	s := New()
	put(t, s, "a", "1")
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "2")
	put(t, s, "b", "3")
	if err := s.Delete("c"); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Get("a")); got != "2" {
		t.Errorf("inside: %s", got)
	}
	if err := s.PutNow("f", []byte("9")); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	if string(s.Get("a")) != "1" || s.Get("b") != nil || string(s.Get("f")) != "9" {
		t.Errorf("after abort: %s %s %s", s.Get("a"), s.Get("b"), s.Get("f"))
	}
	if err := s.Commit(); !errors.Is(err, ErrTransaction) {
		t.Errorf("commit without begin: %v", err)
	}
	before := s.Writes()
	if err := errors.Join(s.Begin(), s.Put("a", []byte("4")), s.Put("b", nil), s.Commit()); err != nil {
		t.Fatal(err)
	}
	if s.Writes() != before+1 || string(s.Get("a")) != "4" || s.Get("b") == nil {
		t.Errorf("%d writes, a %s, b %v", s.Writes()-before, s.Get("a"), s.Get("b"))
	}
	if err := errors.Join(s.Begin()); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(); !errors.Is(err, ErrTransaction) {
		t.Errorf("begin twice: %v", err)
	}
}

// TestCut: before the write nothing of it is there, after it all; a transaction is all or nothing.
func TestCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		s := New()
		put(t, s, "a", "1")
		s.CutAt(2, after)
		put(t, s, "a", "2")
		cut(t, func() {
			if err := errors.Join(s.Begin(), s.Put("a", []byte("3")), s.Put("b", []byte("3")), s.Commit()); err != nil {
				t.Error(err)
			}
		})
		if done := string(s.Get("a")) == "3" && string(s.Get("b")) == "3"; done != after || !done && string(s.Get("a")) != "2" {
			t.Errorf("after %v: a %s, b %s", after, s.Get("a"), s.Get("b"))
		}
		if s.InTransaction() {
			t.Error("the transaction outlived the power")
		}
	}
}

func TestFailAt(t *testing.T) {
	s := New()
	put(t, s, "a", "1")
	s.FailAt(1)
	if err := s.Put("a", []byte("2")); !errors.Is(err, ErrMemory) || string(s.Get("a")) != "1" {
		t.Errorf("%v, a %s", err, s.Get("a"))
	}
	put(t, s, "a", "3")
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card")
	s, err := Open(path)
	if err != nil || !s.Empty() {
		t.Fatal(err)
	}
	put(t, s, "a", "1")
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "2") // never flushed: the process was killed
	again, err := Open(path)
	if err != nil || string(again.Get("a")) != "1" {
		t.Errorf("a %s, %v", again.Get("a"), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
	snapshot := again.Snapshot()
	put(t, again, "a", "5")
	again.Restore(snapshot)
	if string(again.Get("a")) != "1" {
		t.Error("the snapshot is not what it was")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"a":"MQ=="}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "card")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			return
		}
		if err := errors.Join(s.Put("x", bytes.Repeat([]byte{1}, 9)), s.Flush()); err != nil {
			t.Fatal(err)
		}
	})
}
