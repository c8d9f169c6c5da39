package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
)

// secretFlags say where the secrets of a card come from. There is no flag for a secret itself.
type secretFlags struct {
	keys, identity   string
	testKeys         bool
	pinFile, admFile string
	admHex           bool
	pinFloor         int
	attempts         int

	job *job.Job // whose key source is used when no other is named, and which names the keys of a card
}

func (s *secretFlags) addKeys(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.keys, "keys", "", "key file: CSV or YAML by ICCID, mode 0600 or age-encrypted; or YAML that names a PKCS#11 token")
	f.StringVar(&s.identity, "identity", "", "age identity that opens --keys")
	f.BoolVar(&s.testKeys, "test-keys", false, "use the published test keys 40..4F: for test cards only")
	f.IntVar(&s.attempts, "attempts", 0, "failed authentications with a key version of this card before the next is refused (default 3)")
}

func (s *secretFlags) addPIN(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.pinFile, "pin-file", "", "file with PIN1, or - for standard input")
	f.IntVar(&s.pinFloor, "pin-floor", uicc.DefaultFloor, "refuse a code when so many tries or fewer are left")
}

func (s *secretFlags) addADM(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.admFile, "adm-file", "", "file with the ADM1 code, or - for standard input")
	f.BoolVar(&s.admHex, "adm-hex", false, "the ADM1 code is sixteen hex digits, not eight ASCII digits")
}

// given tells whether any source of session keys was named.
func (s *secretFlags) given() bool {
	return s.keys != "" || s.testKeys || s.job != nil && (s.job.Keys.File != "" || s.job.Keys.Token != nil)
}

// provider gives the secrets of the card once it is known; nil when no source was named.
func (a *app) provider(ctx context.Context, s *secretFlags) (func(iccid string) (keys.Card, error), error) {
	if s.keys != "" && s.testKeys {
		return nil, usagef("--keys and --test-keys exclude each other")
	}
	if s.pinFile == "-" && s.admFile == "-" {
		return nil, usagef("--pin-file and --adm-file cannot both read standard input")
	}
	if !s.given() && s.pinFile == "" && s.admFile == "" {
		return nil, nil
	}
	return func(iccid string) (keys.Card, error) {
		card, err := a.keysOf(ctx, s, iccid)
		if err != nil {
			return card, err
		}
		return card, a.codes(ctx, s, &card)
	}, nil
}

func (a *app) keysOf(ctx context.Context, s *secretFlags, iccid string) (keys.Card, error) {
	if s.testKeys {
		k := gp.TestKey()
		return keys.Card{ICCID: iccid, Keys: gp.KeySet{ENC: k, MAC: gp.TestKey(), DEK: gp.TestKey()}}, nil
	}
	source, err := a.keySource(ctx, s)
	if source == nil || err != nil {
		return keys.Card{ICCID: iccid}, err
	}
	a.atEnd = append(a.atEnd, source.Close) // a token is at work until the session is open
	name := ""
	if s.job != nil {
		row, _ := s.job.Row(iccid)
		name = row.Key
	}
	return source.Card(iccid, name)
}

// keySource opens what the flags name, else what the job does.
func (a *app) keySource(ctx context.Context, s *secretFlags) (keys.Source, error) {
	ask := func() (string, error) { return a.tokenPIN(ctx, s) }
	if s.keys != "" {
		return flagSource(ctx, s.keys, s.identity, ask)
	}
	if s.job != nil {
		return jobSource(ctx, s.job, ask)
	}
	return nil, nil
}

// flagSource opens a token, or a key file: that may be a pipe, and nobody waits for its writer after an interrupt. The token's PIN is asked for in
// place, since the echo of the terminal comes back behind it.
func flagSource(ctx context.Context, path, identity string, ask func() (string, error)) (keys.Source, error) {
	t, err := keys.LoadToken(path)
	switch {
	case err != nil:
		return nil, err
	case t != nil:
		return keys.OpenToken(t, ask)
	}
	return await(ctx, func() (keys.Source, error) { return keys.OpenSource(path, identity, ask) })
}

func jobSource(ctx context.Context, j *job.Job, ask func() (string, error)) (keys.Source, error) {
	if j.Keys.Token != nil {
		return j.OpenSource(ask)
	}
	return await(ctx, func() (keys.Source, error) { return j.OpenSource(ask) })
}

// tokenPIN asks for the PIN of a token.
func (a *app) tokenPIN(ctx context.Context, s *secretFlags) (string, error) {
	if (s.pinFile == "-" || s.admFile == "-") && !a.onKeyboard() { // a code of the card would be offered to the token
		return "", usagef("the PIN of the token and a code of the card cannot both be read from standard input: name a file for one of them")
	}
	pin, err := a.secretFromInput(ctx, "PIN of the token")
	if err == nil && pin == "" { // a token counts an empty one, too
		return "", usagef("the PIN of the token: none was given")
	}
	return pin, err
}

// codes fills in what the files and prompts say; they win over the key file.
func (a *app) codes(ctx context.Context, s *secretFlags, card *keys.Card) error {
	if s.pinFile != "" {
		text, err := a.readSecret(ctx, "--pin-file", s.pinFile)
		if err != nil {
			return err
		}
		if card.PIN1, err = uicc.PIN(text); err != nil {
			return usagef("--pin-file: a PIN is 4 to 8 digits")
		}
	}
	if s.admFile == "" {
		return nil
	}
	text, err := a.readSecret(ctx, "--adm-file", s.admFile)
	if err != nil {
		return err
	}
	parse, form := uicc.ADMFromDigits, "eight digits (--adm-hex: sixteen hex digits)"
	if s.admHex {
		parse, form = uicc.ADMFromHex, "sixteen hex digits"
	}
	if card.ADM1, err = parse(text); err != nil {
		return usagef("--adm-file: the code has to be %s", form)
	}
	return nil
}

// readSecret reads one line from a private file, or from standard input: as a prompt when that is a terminal.
func (a *app) readSecret(ctx context.Context, flag, path string) (string, error) {
	if path == "-" {
		return a.secretFromInput(ctx, "Code")
	}
	return await(ctx, func() (string, error) { return privateLine(flag, path) })
}

func privateLine(flag, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fileError(flag+" "+path, err)
	}
	defer f.Close()
	if err := keys.CheckPrivate(f); err != nil {
		return "", usagef("%s %s: %w", flag, path, err)
	}
	line, err := firstLine(f)
	return line, fileError(flag+" "+path, err)
}

func (a *app) secretFromInput(ctx context.Context, what string) (string, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return await(ctx, func() (string, error) { return firstLine(a.in) })
	}
	if a.global.noInput {
		return "", usagef("--no-input: the code would be asked for; name a file instead of -")
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprintf(a.err, "%s: ", what)
	b, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
	fmt.Fprintln(a.err)
	if ctx.Err() != nil { // the echo comes back
		return "", errors.Join(ctx.Err(), term.Restore(int(f.Fd()), before))
	}
	defer clear(b)
	return strings.TrimSpace(string(b)), err
}

// onKeyboard tells whether standard input is a terminal.
func (a *app) onKeyboard() bool {
	f, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// recipients parses --backup-recipient values.
func recipients(texts []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, t := range texts {
		rs, err := age.ParseRecipients(strings.NewReader(t))
		if err != nil || len(rs) == 0 {
			return nil, &usageError{err: errors.New("--backup-recipient: no age recipient"), hint: "age-keygen prints it as the public key: age1…"} // the text may be the secret one
		}
		out = append(out, rs...)
	}
	return out, nil
}

func identities(path string) ([]age.Identity, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("--backup-identity "+path, err)
	}
	defer f.Close()
	if err := keys.CheckPrivate(f); err != nil {
		return nil, usagef("--backup-identity %s: %w", path, err)
	}
	ids, err := age.ParseIdentities(f)
	if err != nil {
		return nil, usagef("--backup-identity %s: holds no age identity", path)
	}
	return ids, nil
}
