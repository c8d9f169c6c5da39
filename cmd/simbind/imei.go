package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/uicc/cat"
)

func (a *app) imeiCommand() *cobra.Command {
	c := &cobra.Command{Use: "imei", Short: "Explain an IMEI, and say what would allow it"}
	c.AddCommand(a.imeiCheckCommand(), a.imeiMatchCommand())
	return c
}

type imeiReport struct {
	head
	IMEIs []imeiView `json:"imeis"`
}

// imeiView is one IMEI taken apart. Without --reveal the serial number is masked.
type imeiView struct {
	Given    string   `json:"given"` // digits behind the eighth masked
	Valid    bool     `json:"valid"`
	Reason   string   `json:"reason,omitempty"` // why it is none
	Column   int      `json:"column,omitempty"` // where, from 1
	Form     string   `json:"form,omitempty"`   // imei_without_check_digit, imei, imei_as_terminals_send_it, imeisv
	TAC      string   `json:"tac,omitempty"`
	Serial   string   `json:"serial,omitempty"`
	Check    *int     `json:"check_digit,omitempty"`
	Software string   `json:"software_version,omitempty"` // of an IMEISV
	Model    string   `json:"model,omitempty"`            // with --tac
	Test     bool     `json:"test_imei"`
	Told     string   `json:"told_as,omitempty"` // object of TERMINAL RESPONSE, hex; with --reveal
	Notes    []string `json:"notes"`
}

// formWords are the forms of an IMEI by the number of its digits; 15 digits that end with 0 in place of the check digit are another.
var formWords = map[string]string{
	"imei_without_check_digit": "IMEI of 14 digits, without check digit", "imei": "IMEI of 15 digits, its check digit is right",
	"imei_as_terminals_send_it": "IMEI of 15 digits, 0 in place of the check digit, as terminals send it", "imeisv": "IMEISV of 16 digits",
}

func (r *imeiReport) text(w io.Writer, _ printer) {
	for i, v := range r.IMEIs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if !v.Valid {
			fmt.Fprintf(w, "%s is no IMEI: %s\n", v.Given, v.place())
			continue
		}
		rows := [][2]string{{"form", formWords[v.Form]}, {"TAC", v.TAC}, {"model", v.Model}, {"serial number", v.Serial}}
		if v.Check != nil {
			rows = append(rows, [2]string{"check digit", fmt.Sprint(*v.Check)})
		}
		rows = append(rows, [2]string{"software version", v.Software}, [2]string{"told as", v.Told})
		if v.Test {
			rows = append(rows, [2]string{"use", "for tests: the TAC begins with 00"})
		}
		pairs(w, rows)
		for _, n := range v.Notes {
			fmt.Fprintf(w, "note: %s\n", n)
		}
	}
}

func (v imeiView) place() string {
	if v.Column > 1 {
		return fmt.Sprintf("column %d: %s", v.Column, v.Reason)
	}
	return v.Reason
}

func (a *app) imeiCheckCommand() *cobra.Command {
	var tac string
	c := &cobra.Command{
		Use:   "check IMEI…",
		Short: "Take an IMEI or IMEISV apart, and check its digits",
		Long: `Say of every IMEI what its digits are: the model (TAC), the serial number, the check digit as it should be, the software version of
an IMEISV. A card compares the first 14 digits alone. - reads one a line from stdin, where no other user of the machine sees them. Exit 2
when one is no IMEI. No card is used.`,
		Example: `  simbind imei check 490154203237518
  simbind imei check 4901542032375100 --tac models.csv --reveal
  simbind imei check - < labels.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.imeiCheck(c.Context(), args, tac) },
	}
	addTAC(c, &tac)
	return c
}

func (a *app) imeiCheck(ctx context.Context, args []string, tac string) error {
	show, err := a.showIdentities(tac)
	if err != nil {
		return err
	}
	if slices.Equal(args, []string{"-"}) {
		if args, err = imeiLines(a.stdin(ctx)); err != nil {
			return err
		}
	}
	r := &imeiReport{head: schema("imei"), IMEIs: []imeiView{}}
	wrong := false
	for _, s := range args {
		v := explainIMEI(s, show)
		wrong = wrong || !v.Valid
		r.IMEIs = append(r.IMEIs, v)
	}
	if err := a.show(r); err != nil {
		return err
	}
	if wrong {
		return &codeError{code: exitUsage}
	}
	return nil
}

// maxIMEILines bounds what is read from stdin.
const maxIMEILines = 100_000

// imeiLines reads one IMEI a line; empty lines and those that begin with # are passed over.
func imeiLines(r io.Reader) ([]string, error) {
	var out []string
	lines, read := bufio.NewScanner(r), 0
	for ; lines.Scan(); read++ {
		s := strings.TrimSpace(lines.Text())
		if read == 0 {
			s = strings.TrimPrefix(s, "\uFEFF") // a spreadsheet's mark
		}
		if s == "" || s[0] == '#' {
			continue
		}
		if out = append(out, s); len(out) > maxIMEILines {
			return nil, usagef("-: more than %d lines", maxIMEILines)
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, usagef("-: line %d: %w", read+1, err)
	case out == nil:
		return nil, usagef("-: no IMEI on stdin")
	}
	return out, nil
}

func explainIMEI(s string, show diagnose.Show) imeiView {
	v := imeiView{Given: givenIMEI(s, show), Notes: []string{}}
	imei, notes, err := binding.ParseIMEI(s)
	var wrong *binding.InputError
	if errors.As(err, &wrong) {
		v.Reason, v.Column = wrong.Reason, wrong.Column
		return v
	}
	check := int(imei.CheckDigit())
	v.Valid, v.TAC, v.Serial, v.Check, v.Test = true, imei.TAC(), "******", &check, imei.Test()
	v.Notes = append(v.Notes, notes...)
	if m, ok := show.Models.Find(imei.TAC()); ok {
		v.Model = m.String()
	}
	digits := onlyDigits(s)
	v.Form = map[int]string{14: "imei_without_check_digit", 15: "imei", 16: "imeisv"}[len(digits)]
	if notes.Has(binding.NoteTerminalForm) {
		v.Form = "imei_as_terminals_send_it"
	}
	if v.Form == "imeisv" {
		v.Software = digits[14:]
	}
	if show.Reveal {
		v.Serial, v.Told = imei.String()[8:], toldAs(imei, digits)
	}
	return v
}

// toldAs is the object a terminal answers PROVIDE LOCAL INFORMATION with (TS 102 223 clauses 8.20, 8.74).
func toldAs(imei binding.IMEI, digits string) string {
	build, of := cat.IMEIObject, imei.String()
	if len(digits) == 16 {
		build, of = cat.IMEISVObject, digits
	}
	object, err := build(of)
	if err != nil { // the digits were parsed
		return ""
	}
	return fmt.Sprintf("%X", object)
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// maxGiven is longer than any IMEI with spaces between its digits.
const maxGiven = 40

// givenIMEI is what somebody typed, fit to be printed: digits behind the eighth masked, nothing that is no printable text.
func givenIMEI(s string, show diagnose.Show) string {
	seen, out := 0, []rune(nil)
	for _, r := range strings.ToValidUTF8(s, "?") {
		switch {
		case len(out) == maxGiven:
			return string(out) + "…"
		case r < ' ' || r >= 0x7F && r < 0xA0:
			r = '?'
		case r >= '0' && r <= '9' || r >= 0xFF10 && r <= 0xFF19:
			if seen++; seen > 8 && !show.Reveal {
				r = '*'
			}
		}
		out = append(out, r)
	}
	return string(out)
}
