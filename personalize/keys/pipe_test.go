//go:build linux

package keys

import (
	"fmt"
	"os"
	"testing"
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
