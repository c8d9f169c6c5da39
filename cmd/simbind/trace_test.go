package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }
func (fullDisk) Close() error              { return nil }

// TestRecordingNotWhole: a recording that lost something says so once, with --quiet too.
func TestRecordingNotWhole(t *testing.T) {
	var talk bytes.Buffer
	r := &recording{WriteCloser: fullDisk{}, a: &app{err: &talk, global: globals{trace: "talk.txt", quiet: true}}}
	for range 3 {
		fmt.Fprintln(r, "> 00A4")
	}
	if said := talk.String(); strings.Count(said, "talk.txt: the recording is not whole: no space left") != 1 {
		t.Errorf("%q", said)
	}
}
