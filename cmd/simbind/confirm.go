package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirm asks before a harm that flag would have agreed to. Off a terminal, or with --no-input, it refuses
// and names the flag; agreed is the flag's value.
func (a *app) confirm(agreed bool, flag, question string) error {
	if agreed {
		return nil
	}
	refused := &codeError{code: exitRefused, err: fmt.Errorf("not confirmed: %s", question), hint: flag + " confirms it"}
	f, ok := a.in.(*os.File)
	if a.global.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return refused
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
		return refused
	}
	return nil
}

// ask asks for a word that confirms, on a terminal; elsewhere it refuses and names the flag.
func (a *app) ask(question, flag string) (string, error) {
	f, ok := a.in.(*os.File)
	if a.global.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return "", &codeError{code: exitRefused, err: fmt.Errorf("not confirmed"), hint: flag + " confirms it"}
	}
	fmt.Fprint(a.err, question)
	line, err := bufio.NewReader(f).ReadString('\n')
	return strings.TrimSpace(line), err
}
