package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/trace"
)

// stage is a session whose conversation is kept in memory, whole, to be said in words afterwards.
type stage struct {
	*session
	talk     bytes.Buffer
	recorder apdu.Transmitter
}

func newStage(s *session) *stage {
	st := &stage{session: s}
	st.recorder = trace.Record(s, &st.talk, trace.Options{Reveal: true})
	return st
}

// Transmit implements apdu.Transmitter.
func (s *stage) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	return s.recorder.Transmit(ctx, c)
}

// Reset keeps that the card was reset.
func (s *stage) Reset(ctx context.Context, cold bool) error {
	fmt.Fprintf(&s.talk, "# %s\n", trace.ResetNote)
	return s.session.Reset(ctx, cold)
}

// conversation is what was said, in words, as it may be shown.
func (a *app) conversation(s *stage) []traceExchange {
	t, err := trace.Read(bytes.NewReader(s.talk.Bytes()))
	if err != nil { // Record writes what Read reads
		return nil
	}
	return a.traceReport(t).Exchanges
}

// transcriptFile makes the file before the card is touched; without a name there is none.
func (a *app) transcriptFile(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fileError("--transcript "+path, err)
	}
	return f, nil
}

// writeTranscript writes a conversation so that people and 'trace show' read it.
func writeTranscript(f *os.File, xs []traceExchange) error {
	if f == nil {
		return nil
	}
	return errors.Join(printTranscript(f, xs), f.Close())
}

func printTranscript(w io.Writer, xs []traceExchange) error {
	var b bytes.Buffer
	for _, x := range xs {
		if x.Reset {
			fmt.Fprintf(&b, "# %s\n", trace.ResetNote)
		}
		fmt.Fprintf(&b, "> %s\n< %s\n", x.Command, x.Response)
		for _, line := range x.Words {
			fmt.Fprintf(&b, "#   %s\n", line)
		}
	}
	_, err := b.WriteTo(w)
	return err
}
