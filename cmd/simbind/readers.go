package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/pcsc"
)

type readersReport struct {
	head
	Readers []readerRow `json:"readers"`
}

type readerRow struct {
	Index  int      `json:"index"`
	Name   string   `json:"name"`
	Label  string   `json:"label"`
	Card   bool     `json:"card"`
	State  string   `json:"state"`
	ATR    string   `json:"atr,omitempty"`
	UsedBy []string `json:"usual_holders,omitempty"`
}

func (r readersReport) text(w io.Writer, _ printer) {
	if len(r.Readers) == 0 {
		fmt.Fprintln(w, "no reader")
		return
	}
	var rows [][]string
	for _, x := range r.Readers {
		rows = append(rows, []string{fmt.Sprint(x.Index), x.Label, x.State, x.ATR})
	}
	table(w, []string{"NO", "READER", "STATE", "ATR"}, rows)
}

func (a *app) readersCommand() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "readers",
		Short: "List readers, the cards in them, and who holds them",
		Long:  "List the PC/SC readers, whether a card is in them and whether another program holds it.\nNothing is sent to any card.",
		Example: `  simbind readers
  simbind readers --watch --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.listReaders(c.Context(), watch) },
	}
	c.Flags().BoolVar(&watch, "watch", false, "print again at every change, until interrupted")
	return c
}

func (a *app) listReaders(ctx context.Context, watch bool) error {
	service, err := a.readers()
	if err != nil {
		return err
	}
	defer service.Close()
	list, err := service.Readers(ctx)
	if err != nil && !errors.Is(err, pcsc.ErrNoReader) {
		return err
	}
	if err := a.show(readersOf(list)); err != nil || !watch {
		return err
	}
	for {
		before := fmt.Sprint(list)
		list, err = service.Wait(ctx, func(rs []pcsc.Reader) bool { return fmt.Sprint(rs) != before })
		if ctx.Err() != nil {
			return nil // the way to end it
		}
		if err != nil {
			return err
		}
		if err := a.show(readersOf(list)); err != nil {
			return err
		}
	}
}

func readersOf(list []pcsc.Reader) readersReport {
	out := readersReport{head: schema("readers"), Readers: []readerRow{}}
	for _, r := range list {
		row := readerRow{Index: r.Index, Name: r.Name, Label: r.Label, Card: r.Present, State: readerState(r), ATR: strings.ToUpper(fmt.Sprintf("%x", r.ATR))}
		if r.InUse {
			row.UsedBy = pcsc.UsualHolders
		}
		out.Readers = append(out.Readers, row)
	}
	return out
}

func readerState(r pcsc.Reader) string {
	switch {
	case !r.Present:
		return "empty"
	case r.Mute:
		return "card does not answer"
	case r.Exclusive:
		return "card, held exclusively by another program"
	case r.InUse:
		return "card, used by another program"
	}
	return "card"
}
