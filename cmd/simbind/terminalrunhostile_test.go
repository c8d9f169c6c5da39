package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// written is a scenario file of a test.
func (w *ward) written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(w.state, "x.scenario")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScenarioFileWithoutEnd: a file that never ends is refused, and one that never begins is given up when somebody interrupts.
func TestScenarioFileWithoutEnd(t *testing.T) {
	w := admit(t, patient{})
	if code, _, talk := w.call("terminal", "run", "/dev/zero"); code != exitUsage || !strings.Contains(talk, "longer than") {
		t.Errorf("exit %d\n%s", code, talk)
	}
	pipe := filepath.Join(w.state, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, talk := w.callUnder(ctx, "terminal", "run", pipe); code != exitInterrupted {
		t.Errorf("exit %d\n%s", code, talk)
	}
}

// TestScenarioOfAbsurdValues: objects of any size are compared or sent, and not relied upon.
func TestScenarioOfAbsurdValues(t *testing.T) {
	long := strings.Repeat("AB", 3000)
	for _, line := range []string{
		"log E403800100", "log E4", "log E4028000", "log " + long, "state 85=00 86=00 93=00 82=" + long, "state 83=00,11 88=00",
		"store E0", "store " + long, "store E0038A0100", "block 90 00 " + long[:300], "block 10 07 00 is 6985", "answer 00 " + long,
		"configuration E0038A0100", "information 84=00 85=" + long, "file 3F00/3F00/3F00/7FFF/7FFF 00", "file ADF1/ADF1 00", "asks refresh 00 " + long,
	} {
		w := admit(t, patient{e0: "E003800101"})
		path := w.written(t, "card usim-linked\ninstall E003800101\non\nprofile\nasks imei\nimei 490154203237518\n"+line+"\n")
		code, _, talk := w.call(append([]string{"terminal", "run", path, "--use-up-first-insert"}, w.means(t)...)...)
		if line == "file ADF1/ADF1 00" && code == exitUsage {
			continue // no path of the language
		}
		if code != exitDoubt && code != exitRefused && code != exitDone || strings.Contains(talk, "not put back") {
			t.Errorf("%.40s: exit %d\n%.400s", line, code, talk)
		}
	}
}
