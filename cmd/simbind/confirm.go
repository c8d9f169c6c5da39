package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirm asks before a harm that flag would have agreed to. Off a terminal, or with --no-input, it refuses
// and names the flag; agreed is the flag's value.
func (a *app) confirm(ctx context.Context, agreed bool, flag, question string) error {
	if agreed {
		return nil
	}
	refused := &codeError{code: exitRefused, err: fmt.Errorf("not confirmed: %s", question), hint: flag + " confirms it"}
	f, ok := a.in.(*os.File)
	if a.global.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return refused
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	line, err := await(ctx, func() (string, error) { return bufio.NewReader(f).ReadString('\n') })
	if ctx.Err() != nil {
		fmt.Fprintln(a.err)
		return ctx.Err()
	}
	if err != nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
		return refused
	}
	return nil
}

// ask asks for a word that confirms, on a terminal; elsewhere, and without a word, it refuses and names the flag.
func (a *app) ask(ctx context.Context, question, flag string) (string, error) {
	refused := &codeError{code: exitRefused, err: fmt.Errorf("not confirmed"), hint: flag + " confirms it"}
	f, ok := a.in.(*os.File)
	if a.global.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return "", refused
	}
	fmt.Fprint(a.err, question)
	line, err := await(ctx, func() (string, error) { return bufio.NewReader(f).ReadString('\n') })
	if ctx.Err() != nil {
		fmt.Fprintln(a.err)
		return "", ctx.Err()
	}
	word := strings.TrimSpace(line)
	if err != nil || word == "" {
		return "", refused
	}
	return word, nil
}

// stdin is standard input for a verb that reads all of it. An interrupt ends the reading.
func (a *app) stdin(ctx context.Context) io.Reader { return interruptible{ctx, a.in} }

type interruptible struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader. What comes after an interrupt goes into memory of its own, since nobody waits for it.
func (r interruptible) Read(p []byte) (int, error) {
	own := make([]byte, len(p))
	n, err := await(r.ctx, func() (int, error) { return r.in.Read(own) })
	return copy(p, own[:n]), err
}

// await runs a read that knows of no context. After an interrupt nobody waits for it any longer: the program is about to end.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := read()
		done <- answer{v, err}
	}()
	select {
	case x := <-done:
		return x.value, x.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
