//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestHangup: a terminal that goes away ends a batch as an interrupt does; under nohup the batch goes on to its own end.
func TestHangup(t *testing.T) {
	for launch, want := range map[string]string{`exec "$@"`: "interrupted", `trap "" HUP; exec "$@"`: "idle"} {
		if got := hungUp(t, launch); got != want {
			t.Errorf("%s: the batch ended %s, want %s", launch, got, want)
		}
	}
}

// hungUp starts a batch that waits for cards, hangs up once it has begun, and gives how it ended.
func hungUp(t *testing.T, launch string) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	simbind, job, cards := filepath.Join(dir, "simbind"), filepath.Join(dir, "job.csv"), filepath.Join(dir, "cards")
	if err := os.Symlink(program, simbind); err != nil { // by this name it is the tool
		t.Fatal(err)
	}
	if err := os.WriteFile(job, []byte("iccid,scheme\n8988211000000430010,first-insert\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cards, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "sh", "-c", launch, "sh", simbind, "batch", "run", job, "--test-keys", "--json", "--idle", "2s",
		"--reader", "virtual:"+cards, "--state-dir", filepath.Join(dir, "state"))
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var e batchEvent
	for lines := bufio.NewScanner(out); lines.Scan(); {
		e = batchEvent{}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		if e.Event == "started" {
			if err := run.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = run.Wait() // the last event says how it ended
	return e.End
}
