package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/trace/explain"
)

// wrap puts counter and, when asked for, the recorder between a verb and its card.
func (a *app) wrap(s *session) error {
	s.counter = trace.Count(s.Card, a.now)
	if a.global.trace == "" {
		return nil
	}
	f, err := os.OpenFile(a.global.trace, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fileError("--trace "+a.global.trace, err)
	}
	s.record = &recording{WriteCloser: f, a: a}
	fmt.Fprintf(s.record, "# %s\n", trace.ResetNote) // a card is powered up when it is connected to; calls append to the file
	s.counter = trace.Count(trace.Record(s.Card, s.record, trace.Options{Reveal: a.global.reveal}), a.now)
	return nil
}

// recording is the file of --trace. When it takes no more the conversation goes on, and that it is not whole is said once.
type recording struct {
	io.WriteCloser
	a      *app
	failed bool
}

// Write implements io.Writer.
func (r *recording) Write(b []byte) (int, error) {
	n, err := r.WriteCloser.Write(b)
	if err != nil && !r.failed {
		r.failed = true
		fmt.Fprintf(r.a.err, "simbind: --trace %s: the recording is not whole: %v\n", r.a.global.trace, err)
	}
	return n, err
}

type traceReport struct {
	head
	Revealed  bool            `json:"revealed"`
	Exchanges []traceExchange `json:"exchanges"`
}

type traceExchange struct {
	Line     int           `json:"line"`
	Reset    bool          `json:"reset,omitempty"` // the card was reset before it
	Command  string        `json:"command"`
	Response string        `json:"response"`
	Name     string        `json:"name"`
	File     string        `json:"file,omitempty"`
	Answer   string        `json:"answer"`
	Objects  []traceObject `json:"objects"`
	Words    []string      `json:"words"`
}

type traceObject struct {
	Side  string `json:"side"`
	Depth int    `json:"depth"`
	Tag   string `json:"tag,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	Words string `json:"words,omitempty"`
}

func (r traceReport) text(w io.Writer, _ printer) {
	for i, x := range r.Exchanges {
		if x.Reset {
			fmt.Fprintln(w, "    the card is reset")
		}
		fmt.Fprintf(w, "%3d > %s\n    < %s\n", i+1, x.Command, x.Response)
		for _, line := range x.Words {
			fmt.Fprintf(w, "      %s\n", line)
		}
	}
}

func (a *app) traceCommand() *cobra.Command {
	c := &cobra.Command{Use: "trace", Short: "Show or replay a recorded conversation"}
	c.AddCommand(
		&cobra.Command{
			Use: "show FILE", Short: "Say a recorded conversation in words", Args: cobra.ExactArgs(1),
			Long: `Name every command, file, status word, TLV object and proactive command of a conversation: a file of --trace, lines of
hex that are command and answer in turn, the output of scriptor, gscriptor, pySim, apdu4j or opensc-tool, or AT+CSIM of a modem. - reads
stdin. Codes and keys are never shown; IMSI, IMEI and ICCID are shortened unless --reveal.`,
			Example: `  simbind status --trace talk.txt && simbind trace show talk.txt
  pySim-shell --apdu-trace … | simbind trace show -`,
			RunE: func(c *cobra.Command, args []string) error { return a.showTrace(c.Context(), args[0]) },
		},
		a.replayCommand(),
	)
	return c
}

func (a *app) showTrace(ctx context.Context, path string) error {
	t, err := a.loadTrace(ctx, path, trace.Read)
	if err != nil {
		return err
	}
	return a.show(a.traceReport(t))
}

func (a *app) traceReport(t trace.Transcript) traceReport {
	out := traceReport{head: schema("trace"), Revealed: a.global.reveal, Exchanges: []traceExchange{}}
	for _, x := range explain.Transcript(t, trace.Options{Reveal: a.global.reveal}) {
		out.Exchanges = append(out.Exchanges, viewExchange(x))
	}
	return out
}

func viewExchange(x explain.Exchange) traceExchange {
	v := traceExchange{
		Line: x.Line, Reset: x.Reset, Command: x.Command, Response: x.Response, Name: x.Name, File: x.File, Answer: x.Answer,
		Objects: []traceObject{}, Words: x.Lines(),
	}
	for _, o := range x.Objects {
		side := "command"
		if o.Answer {
			side = "answer"
		}
		v.Objects = append(v.Objects, traceObject{Side: side, Depth: o.Depth, Tag: o.Tag, Name: o.Name, Value: o.Value, Words: o.Words})
	}
	return v
}

// loadTrace reads a transcript with the strict parser of recordings or the lenient one; - is stdin.
func (a *app) loadTrace(ctx context.Context, path string, parse func(io.Reader) (trace.Transcript, error)) (trace.Transcript, error) {
	in := a.stdin(ctx)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return trace.Transcript{}, fileError(path, err)
		}
		defer f.Close()
		in = f
	}
	t, err := parse(in)
	if errors.As(err, new(*fs.PathError)) {
		return t, fileError(path, err)
	}
	if err != nil {
		return t, usagef("%s: %w", path, err)
	}
	return t, nil
}
