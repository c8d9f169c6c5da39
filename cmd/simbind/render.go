package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/simbind/simbind/uicc"
)

// report is what a verb found or did: one value behind table and JSON.
type report interface {
	// text writes the form for people.
	text(w io.Writer, p printer)
}

// head opens every JSON object.
type head struct {
	Schema  string `json:"schema"`
	Version int    `json:"version"`
}

func schema(name string) head { return head{Schema: "simbind/" + name, Version: 1} }

// printer carries how people want to see things.
type printer struct {
	reveal bool
}

// show prints the report on stdout in the form asked for.
func (a *app) show(r report) error {
	if a.global.json {
		return encode(a.out, r)
	}
	var b bytes.Buffer
	r.text(&b, printer{reveal: a.global.reveal})
	_, err := b.WriteTo(a.out)
	return err
}

// ended is the end of a verb whose report was shown: an interrupt that came while the card was written is told, and adds no second object.
func (a *app) ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	a.say("simbind: interrupted, and the card is done")
	return &codeError{code: exitInterrupted}
}

func encode(w io.Writer, r report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// say talks on stderr.
func (a *app) say(format string, args ...any) {
	if !a.global.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// table prints rows without frames or colour: columns that line up, for people and for grep alike.
func table(w io.Writer, header []string, rows [][]string) {
	var buf bytes.Buffer
	defer func() {
		for line := range strings.Lines(buf.String()) {
			fmt.Fprintln(w, strings.TrimRight(line, " \n"))
		}
	}()
	t := tablewriter.NewTable(&buf,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.On),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: "  ", Overwrite: true}),
	)
	if len(header) > 0 {
		t.Header(header)
	}
	_ = t.Bulk(rows) // rows of strings cannot fail to convert
	_ = t.Render()   // nor to be written to memory
}

// pairs prints name and value lines.
func pairs(w io.Writer, rows [][2]string) {
	out := make([][]string, 0, len(rows))
	for _, r := range rows {
		if r[1] != "" {
			out = append(out, []string{r[0], r[1]})
		}
	}
	table(w, nil, out)
}

// iccid shows an ICCID, shortened unless asked for.
func (a *app) iccid(id uicc.ICCID) string {
	if a.global.reveal {
		return id.String()
	}
	return id.Short()
}
