//go:build pkcs11 && cgo && !windows

package keys

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/simbind/simbind/gp"
)

// maxPIN bounds the line of a PIN, in bytes.
const maxPIN = 1024

// keyName stands in a label for the name of a card's keys.
const keyName = "{key}"

// absent is ErrNoCard in the words of a token.
type absent struct{ words string }

func (a *absent) Error() string        { return a.words }
func (a *absent) Is(target error) bool { return target == ErrNoCard }

// labels are those of a card's masters, by purpose; that of the DEK may be empty.
func (t *Token) labels(name string) (map[gp.Purpose]string, error) {
	out := map[gp.Purpose]string{}
	for p, label := range map[gp.Purpose]string{gp.PurposeENC: t.ENC, gp.PurposeMAC: t.MAC, gp.PurposeDEK: t.DEK} {
		if name == "" && strings.Contains(label, keyName) {
			return nil, &absent{fmt.Sprintf("token %q: the labels want the name of the card's keys, and its row has none", t.Label)}
		}
		out[p] = strings.ReplaceAll(label, keyName, name)
	}
	return out, nil
}

// pin reads the user PIN: one line of a private file, or what ask answers.
func (t *Token) pin(ask func() (string, error)) (string, error) {
	if t.PINFile == "" {
		if ask == nil {
			return "", &TokenError{Label: t.Label, Step: "PIN", Reason: "no file names it, and nobody can be asked"}
		}
		return ask()
	}
	f, err := os.Open(t.PINFile)
	if err != nil {
		return "", &Error{File: t.PINFile, Reason: bareReason(err)}
	}
	defer f.Close()
	if err := checkMode(f, t.PINFile); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPIN))
	if err != nil {
		return "", &Error{File: t.PINFile, Reason: bareReason(err)}
	}
	defer clear(b)
	line, _, _ := strings.Cut(string(b), "\n")
	switch line = strings.TrimSpace(line); { // a token counts a wrong PIN, whatever it is
	case line == "":
		return "", &Error{File: t.PINFile, Line: 1, Reason: "no PIN in it"}
	case len(line) == maxPIN:
		return "", &Error{File: t.PINFile, Line: 1, Reason: "too long for a PIN"}
	}
	return line, nil
}
