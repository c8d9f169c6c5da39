//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize"
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
	simbind, job, cards := toolIn(t, dir), filepath.Join(dir, "job.csv"), filepath.Join(dir, "cards")
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

// toolIn gives the program under the name by which it is the tool and no test.
func toolIn(t *testing.T, dir string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "simbind")
	if err := os.Symlink(program, tool); err != nil {
		t.Fatal(err)
	}
	return tool
}

// TestNobodyReads: a talk or an output that nobody reads ends no verb in the middle of its card. A session whose note is not read is one that
// succeeded, and is not counted as failed.
func TestNobodyReads(t *testing.T) {
	dir := t.TempDir()
	tool, card := toolIn(t, dir), filepath.Join(dir, "card.json")
	run := func(nobody *os.File, args ...string) error {
		c := exec.Command(tool, append(args, "--state-dir", filepath.Join(dir, "state"), "--reader", "virtual:"+card)...)
		c.Stderr = nobody
		return c.Run()
	}
	if err := run(os.Stderr, "virtual", "new", card, "--image", "usim-separate", "--quiet"); err != nil {
		t.Fatal(err)
	}
	in, nobody, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	for range personalize.DefaultAttempts + 1 { // the card is one of SCP02 and protects no response: that is noted
		if err := run(nobody, "gp", "list", "--test-keys", "--level", "33"); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(tool, "man")
	var talk bytes.Buffer
	c.Stdout, c.Stderr = nobody, &talk
	var end *exec.ExitError
	if err := c.Run(); !errors.As(err, &end) || end.ExitCode() != exitOther || talk.Len() > 0 {
		t.Errorf("an output that nobody reads: %v\n%s", err, talk.String())
	}
}
