//go:build linux

package keys

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPipe: keys that another program hands over never touch the disk.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString(good); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(fmt.Sprintf("/dev/fd/%d", r.Fd()), "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Card(iccid, "")
	check(t, c, err)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Card(iccid, ""); err == nil {
		t.Error("keys of a closed file")
	}
}

// TestNamedPipe: who looks whether a file names a token leaves a pipe alone. To open it would wait for a writer, and take what it wrote.
func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	looked := make(chan error, 1)
	go func() {
		_, err := LoadToken(path)
		looked <- err
	}()
	select {
	case err := <-looked:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for a writer")
		if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			defer f.Close()
			<-looked
		}
	}
}

// TestLongPipe: of a pipe that is too long no piece is taken for the whole.
func TestLongPipe(t *testing.T) {
	if _, err := openStream(strings.NewReader(good), "pipe", "", int64(len(good)-1)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%v", err)
	}
	if o, err := openStream(strings.NewReader(good), "pipe", "", int64(len(good))); err != nil {
		t.Error(err)
	} else {
		o.forget()
	}
}
