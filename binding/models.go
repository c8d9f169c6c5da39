package binding

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Model is what a TAC stands for.
type Model struct{ Brand, Name string }

// String is brand and model.
func (m Model) String() string { return strings.TrimSpace(m.Brand + " " + m.Name) }

// Models names TACs, 8 digits each. None are shipped: the list of the GSMA is licensed to those who pay for it.
type Models map[string]Model

// Find looks the first 8 digits of an IMEI up.
func (m Models) Find(imei string) (Model, bool) {
	if len(imei) < tacDigits {
		return Model{}, false
	}
	found, ok := m[imei[:tacDigits]]
	return found, ok
}

// Bounds of a table: some 250 000 TACs are in use.
const maxModels, maxModelName = 1 << 20, 80

// ReadModels reads a table with the columns tac, brand and model, in any order, commas or semicolons between them; other columns,
// empty lines and lines that begin with # are passed over. name stands in errors, which read NAME:LINE: reason.
func ReadModels(r io.Reader, name string) (Models, error) {
	in := bufio.NewReader(r)
	if mark, _ := in.Peek(3); string(mark) == "\uFEFF" {
		_, _ = in.Discard(3) // just peeked at
	}
	c := csv.NewReader(in)
	c.Comment, c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = '#', -1, true, true
	if head, _ := in.Peek(256); strings.Count(firstLine(head), ";") > strings.Count(firstLine(head), ",") {
		c.Comma = ';'
	}
	fail := func(reason string) error {
		line, _ := c.FieldPos(0)
		return fmt.Errorf("%s:%d: %s", name, line, reason)
	}
	head, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: no line with the columns tac, brand and model: %w", name, err)
	}
	at, ok := modelColumns(head)
	if !ok {
		return nil, fail("the columns tac, brand and model are needed")
	}
	out := Models{}
	for {
		row, err := c.Read()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case len(row) <= slices.Max(at):
			return nil, fail("fewer cells than columns")
		case len(out) == maxModels:
			return nil, fail("more than a million TACs")
		}
		tac := strings.TrimSpace(row[at[0]])
		if len(tac) != tacDigits || strings.Trim(tac, "0123456789") != "" {
			return nil, fail("a TAC is 8 digits")
		}
		out[tac] = Model{modelName(row[at[1]]), modelName(row[at[2]])}
	}
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

func modelColumns(head []string) (at []int, ok bool) {
	for _, want := range []string{"tac", "brand", "model"} {
		i := slices.IndexFunc(head, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), want) })
		if i < 0 {
			return nil, false
		}
		at = append(at, i)
	}
	return at, true
}

// modelName keeps a table from writing control characters to a terminal, or pages.
func modelName(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, strings.TrimSpace(s))
	if r := []rune(clean); len(r) > maxModelName {
		return string(r[:maxModelName])
	}
	return clean
}
