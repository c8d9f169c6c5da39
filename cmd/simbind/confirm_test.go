package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestInterruptedWhileReading: nobody is kept waiting for a line that never comes.
func TestInterruptedWhileReading(t *testing.T) {
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer hold.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := &app{in: in, err: io.Discard}
	if _, err := a.readSecret(ctx, "--pin-file", "-"); !errors.Is(err, context.Canceled) {
		t.Errorf("a code from a pipe: %v", err)
	}
	for _, args := range [][]string{{"imei", "check", "-"}, {"trace", "show", "-"}, {"gp", "store-data", "-", "--test-keys", "--dry-run"}} {
		a := &app{in: in, out: io.Discard, err: io.Discard}
		if code := a.execute(ctx, args); code != exitInterrupted {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

func TestAwait(t *testing.T) {
	v, err := await(context.Background(), func() (string, error) { return "line", io.EOF })
	if v != "line" || !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", v, err)
	}
}

// TestOneStandardInput: the PIN of a token is never taken from the line that holds a code of the card.
func TestOneStandardInput(t *testing.T) {
	for _, s := range []*secretFlags{{pinFile: "-"}, {admFile: "-"}} {
		a := &app{in: strings.NewReader("1234\n"), err: io.Discard}
		if pin, err := a.tokenPIN(context.Background(), s); pin != "" || !isUsage(err) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	a := &app{in: strings.NewReader(""), err: io.Discard} // it was read for something else
	if pin, err := a.tokenPIN(context.Background(), &secretFlags{}); pin != "" || !isUsage(err) {
		t.Errorf("at its end: %v", err)
	}
	a = &app{in: strings.NewReader("1234\n"), err: io.Discard}
	if pin, err := a.tokenPIN(context.Background(), &secretFlags{}); pin != "1234" || err != nil {
		t.Errorf("alone: %v", err)
	}
}
