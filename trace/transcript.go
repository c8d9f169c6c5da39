package trace

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// Exchange is one command and its answer, as hex that may hold masks such as [8 bytes].
type Exchange struct {
	Line     int // of the command in the file, from 1
	Command  string
	Response string   // empty: no answer
	Notes    []string // comment lines before it
}

// Transcript is a recorded conversation: lines that begin with # are comments, with > commands, with < answers.
type Transcript struct{ Exchanges []Exchange }

// ErrTranscript is wrapped by every refusal of a transcript.
var ErrTranscript = errors.New("transcript")

const maxLine = 300_000 // hex of the longest APDU, and room

// Parse reads a transcript strictly; errors name the line.
func Parse(r io.Reader) (Transcript, error) {
	var t Transcript
	var notes []string
	open := false
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	n := 0
	for sc.Scan() {
		n++
		line := strings.TrimSpace(sc.Text())
		fail := func(reason string) (Transcript, error) {
			return t, fmt.Errorf("%w line %d: %s", ErrTranscript, n, reason)
		}
		switch {
		case line == "":
		case line[0] == '#':
			notes = append(notes, strings.TrimSpace(line[1:]))
		case line[0] == '>' && open:
			return fail("a second command before an answer")
		case line[0] == '>':
			t.Exchanges = append(t.Exchanges, Exchange{Line: n, Command: compact(line[1:]), Notes: notes})
			notes, open = nil, true
		case line[0] == '<' && !open:
			return fail("an answer without a command")
		case line[0] == '<':
			t.Exchanges[len(t.Exchanges)-1].Response = compact(line[1:])
			open = false
		default:
			return fail("a line begins with #, > or <")
		}
		if k := len(t.Exchanges); k > 0 && !wellFormed(t.Exchanges[k-1]) {
			return fail("neither hex nor a mask like [8 bytes]")
		}
	}
	if err := sc.Err(); err != nil {
		return t, fmt.Errorf("%w line %d: %w", ErrTranscript, n+1, err)
	}
	if open {
		return t, fmt.Errorf("%w line %d: the last command has no answer", ErrTranscript, n)
	}
	return t, nil
}

// compact takes spaces out, but not those inside a mask.
func compact(s string) string {
	var b strings.Builder
	masked := false
	for _, r := range s {
		masked = masked && r != ']' || r == '['
		if r == ' ' && !masked || r == '\t' {
			continue
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

func wellFormed(x Exchange) bool {
	for _, s := range []string{x.Command, x.Response} {
		if _, err := hex.DecodeString(withoutMasks(s)); err != nil {
			return false
		}
	}
	return true
}

// maskForm is what stands for bytes that are not shown.
var maskForm = regexp.MustCompile(`\[([0-9]{1,5}) BYTES\]`)

func withoutMasks(s string) string { return maskForm.ReplaceAllString(s, "") }

// Player is a Transmitter that answers as the transcript says. A command that differs by a byte is an error.
type Player struct {
	exchanges []Exchange
	next      int
}

// Replay makes a player. A redacted transcript cannot be played.
func Replay(t Transcript) (*Player, error) {
	for _, x := range t.Exchanges {
		if strings.Contains(x.Command+x.Response, "[") {
			return nil, fmt.Errorf("%w line %d: it is redacted and cannot be played", ErrTranscript, x.Line)
		}
	}
	return &Player{exchanges: t.Exchanges}, nil
}

// Transmit implements apdu.Transmitter.
func (p *Player) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	b, err := c.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	got := strings.ToUpper(hex.EncodeToString(b))
	if p.next >= len(p.exchanges) {
		return apdu.Response{}, fmt.Errorf("%w: command %s beyond its end", ErrTranscript, c)
	}
	x := p.exchanges[p.next]
	if x.Command != got {
		return apdu.Response{}, fmt.Errorf("%w line %d: recorded is another command (%s was sent)", ErrTranscript, x.Line, c)
	}
	p.next++
	raw, err := hex.DecodeString(x.Response)
	if err != nil {
		return apdu.Response{}, fmt.Errorf("%w line %d: %w", ErrTranscript, x.Line, err)
	}
	return apdu.ParseResponse(raw)
}

// Done is an error while recorded commands were not sent.
func (p *Player) Done() error {
	if p.next < len(p.exchanges) {
		return fmt.Errorf("%w line %d: %d recorded commands were not sent", ErrTranscript, p.exchanges[p.next].Line, len(p.exchanges)-p.next)
	}
	return nil
}
