package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/trace"
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
	s.record = f
	s.counter = trace.Count(trace.Record(s.Card, f, trace.Options{Reveal: a.global.reveal}), a.now)
	return nil
}

type traceReport struct {
	head
	Exchanges []traceExchange `json:"exchanges"`
}

type traceExchange struct {
	Command  string   `json:"command"`
	Response string   `json:"response"`
	Words    []string `json:"words"`
}

func (r traceReport) text(w io.Writer, _ printer) {
	for i, x := range r.Exchanges {
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
			Use: "show FILE", Short: "Name every command and answer of a transcript", Args: cobra.ExactArgs(1),
			Example: "  simbind status --trace talk.txt && simbind trace show talk.txt",
			RunE:    func(_ *cobra.Command, args []string) error { return a.showTrace(args[0]) },
		},
		a.replayCommand(),
	)
	return c
}

func (a *app) showTrace(path string) error {
	t, err := loadTrace(path)
	if err != nil {
		return err
	}
	out := traceReport{head: schema("trace"), Exchanges: []traceExchange{}}
	for _, x := range t.Describe() {
		out.Exchanges = append(out.Exchanges, traceExchange{Command: x.Command, Response: x.Response, Words: x.Words})
	}
	return a.show(out)
}

func loadTrace(path string) (trace.Transcript, error) {
	f, err := os.Open(path)
	if err != nil {
		return trace.Transcript{}, fileError(path, err)
	}
	defer f.Close()
	t, err := trace.Parse(f)
	if errors.As(err, new(*fs.PathError)) {
		return t, fileError(path, err)
	}
	if err != nil {
		return t, usagef("%s: %w", path, err)
	}
	return t, nil
}
