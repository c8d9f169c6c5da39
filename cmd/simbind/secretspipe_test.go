//go:build unix

package main

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/simbind/simbind/personalize/job"
)

// TestPipeWithoutWriter: an interrupt ends the wait for a pipe that nobody writes to.
func TestPipeWithoutWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	a, ofJob := &app{}, &job.Job{}
	ofJob.Keys.File = path
	for name, read := range map[string]func(context.Context) error{
		"--keys":        func(ctx context.Context) error { _, err := a.keySource(ctx, &secretFlags{keys: path}); return err },
		"keys of a job": func(ctx context.Context) error { _, err := a.keySource(ctx, &secretFlags{job: ofJob}); return err },
		"--pin-file":    func(ctx context.Context) error { _, err := a.readSecret(ctx, "--pin-file", path); return err },
	} {
		ctx, interrupt := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- read(ctx) }()
		interrupt()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: it still waits", name)
		}
	}
}
