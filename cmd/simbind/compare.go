package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/uicc/usim"
)

type compareReport struct {
	head
	A           string       `json:"a"`
	B           string       `json:"b"`
	Equal       bool         `json:"equal"`
	Differences []difference `json:"differences"`
	Unknown     []difference `json:"unknown"` // identities that look alike as far as they are shown
}

type difference struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	A       string `json:"a"` // empty: not there
	B       string `json:"b"`
}

func (r *compareReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "A %s\nB %s\n", r.A, r.B)
	if len(r.Differences) == 0 {
		fmt.Fprintln(w, "no difference")
	} else {
		sideBySide(w, r.Differences)
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintln(w, "shown alike, but shortened, and without tokens of one salt: equal or not cannot be told")
		sideBySide(w, r.Unknown)
	}
}

// wideCell is what still stands beside another.
const wideCell = 100

// sideBySide is a table; what is too long for one stands below it.
func sideBySide(w io.Writer, ds []difference) {
	var beside, below [][]string
	for _, d := range ds {
		x, y := onlyParts(d.A, d.B)
		row := []string{d.Section + ", " + d.Name, orNotThere(x), orNotThere(y)}
		if max(utf8.RuneCountInString(row[1]), utf8.RuneCountInString(row[2])) > wideCell {
			below = append(below, row)
		} else {
			beside = append(beside, row)
		}
	}
	if len(beside) > 0 {
		table(w, []string{"", "A", "B"}, beside)
	}
	for _, row := range below {
		fmt.Fprintf(w, "%s\n  A  %s\n  B  %s\n", row[0], row[1], row[2])
	}
}

// onlyParts leaves out of two long lists what both have.
func onlyParts(a, b string) (x, y string) {
	left, right := strings.Split(a, ", "), strings.Split(b, ", ")
	if len(left) < longList || len(right) < longList {
		return a, b
	}
	without := func(list, other []string) string {
		var out []string
		for _, s := range list {
			if !slices.Contains(other, s) {
				out = append(out, s)
			}
		}
		if out == nil {
			return "no other"
		}
		return "besides: " + strings.Join(out, ", ")
	}
	return without(left, right), without(right, left)
}

// longList is from how many parts on a list is compared part by part.
const longList = 4

func orNotThere(s string) string {
	if s == "" {
		return "not there"
	}
	return s
}

func (a *app) compareCommand() *cobra.Command {
	var exitCode, withFiles bool
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Say in words how two cards, or a card and a saved report, differ",
		Long: `A and B are reports saved by 'report --output FILE.json', or readers: a number, a name or part of it, virtual[:FILE]. A name that
ends with .json is a report. Cards are read without keys; nothing is written to them.

Whole identities are compared by their tokens. Where two reports were made with different salts and show identities shortened, that is said.`,
		Example: `  simbind compare before.json after.json
  simbind compare golden.json 0 --exit-code`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return a.compare(c.Context(), args, exitCode, withFiles) },
	}
	c.Flags().BoolVar(&withFiles, "files", false, "compare every file's size, state and access rules, too; so it is where a saved report has them")
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit 20 when they differ, or when that cannot be told")
	return c
}

func (a *app) compare(ctx context.Context, args []string, exitCode, withFiles bool) error {
	show, err := a.showIdentities("")
	if err != nil {
		return err
	}
	salt, err := a.reportSalt(false)
	if err != nil {
		return err
	}
	var files [2]*cardFile
	for i, name := range args { // saved ones first: they say how much is to be read of a card
		if !isReport(name) {
			continue
		}
		if files[i], err = loadReport(name); err != nil {
			return err
		}
		withFiles = withFiles || slices.ContainsFunc(files[i].Facts, func(f fact) bool { return f.Section == fileSection })
	}
	for i, name := range args {
		if files[i] != nil {
			continue
		}
		if files[i], err = a.operand(ctx, name, show, salt, withFiles); err != nil {
			return err
		}
	}
	r := compareFiles(files[0], files[1])
	r.head, r.A, r.B = schema("compare"), operandName(args[0], files[0]), operandName(args[1], files[1])
	if !a.global.reveal {
		r.shorten()
	}
	if err := a.show(r); err != nil {
		return err
	}
	if exitCode && !r.Equal {
		return &codeError{code: exitDiffers}
	}
	return nil
}

// wholeIdentity is a run of digits as long as an IMEI, IMSI or ICCID.
var wholeIdentity = regexp.MustCompile(`\b(\d{6})\d{6,12}(\d{2})\b`)

// shorten hides what a report that was made with --reveal shows.
func (r *compareReport) shorten() {
	hide := func(s *string) { *s = wholeIdentity.ReplaceAllString(*s, "$1***$2") }
	hide(&r.A)
	hide(&r.B)
	for _, ds := range [][]difference{r.Differences, r.Unknown} {
		for i := range ds {
			hide(&ds[i].A)
			hide(&ds[i].B)
		}
	}
}

// operandName says which card an operand is.
func operandName(arg string, f *cardFile) string {
	return fmt.Sprintf("%s: card %s, %s", arg, f.Card.ICCID, f.Time)
}

// isReport tells a saved report from a reader by its name.
func isReport(name string) bool {
	return strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, "virtual:")
}

// operand is the card in a reader, read now.
func (a *app) operand(ctx context.Context, name string, show diagnose.Show, salt reportSalt, withFiles bool) (*cardFile, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return nil, usagef("%s: the name of a saved report ends with .json; virtual:%s names a virtual card", name, name)
	}
	chosen := a.global.reader
	defer func() { a.global.reader = chosen }()
	a.global.reader = name
	return a.readReport(ctx, show, salt, withFiles)
}

// maxReport is far more than a report with a long transcript takes.
const maxReport = 32 << 20

func loadReport(path string) (*cardFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	r, err := parseReport(b)
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	return r, nil
}

// errReport is wrapped by every refusal of a saved report.
var errReport = errors.New("no report of 'simbind report --output FILE.json'")

// parseReport reads a saved report. Its words are printed on terminals: control characters in them are refused.
func parseReport(b []byte) (*cardFile, error) {
	if len(b) > maxReport {
		return nil, fmt.Errorf("%w: longer than %d bytes", errReport, maxReport)
	}
	var r cardFile
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: %w", errReport, err)
	}
	want := schema("report")
	if r.head == want && r.Card == nil {
		return nil, fmt.Errorf("%w: no card could be asked when it was made", errReport)
	}
	if r.head != want {
		return nil, fmt.Errorf("%w: it says %q, version %d; this tool reads %q, version %d", errReport, r.Schema, r.Version, want.Schema, want.Version)
	}
	if _, err := time.Parse(time.RFC3339, r.Time); err != nil || len(r.Facts) == 0 {
		return nil, fmt.Errorf("%w: its time or its facts are missing", errReport)
	}
	for _, f := range append(r.Facts, fact{Value: r.Time, Name: r.Card.ICCID}) {
		if strings.ContainsFunc(f.Section+f.Name+f.Value, func(c rune) bool { return c < ' ' || c == 0x7F || c >= 0x80 && c < 0xA0 }) {
			return nil, fmt.Errorf("%w: control characters in it", errReport)
		}
	}
	return &r, nil
}

// resetsFact is not compared: every look at a card changes it.
const resetsFact = "resets without decision"

type factName struct{ section, name string }

// compareFiles says what differs, in the order of A, then what only B has.
func compareFiles(a, b *cardFile) *compareReport {
	r := &compareReport{Differences: []difference{}, Unknown: []difference{}}
	other := map[factName]fact{}
	for _, f := range b.Facts {
		other[factName{f.Section, f.Name}] = f
	}
	for _, f := range a.Facts {
		if f.Name == resetsFact {
			continue
		}
		key := factName{f.Section, f.Name}
		g, there := other[key]
		delete(other, key)
		d := difference{Section: f.Section, Name: f.Name, A: f.Value, B: g.Value}
		if !there {
			d.B = b.missing(f.Name)
		}
		switch same, known := sameFact(f, g, a.Salt == b.Salt); {
		case !there, known && !same:
			r.Differences = append(r.Differences, d)
		case !known:
			r.Unknown = append(r.Unknown, d)
		}
	}
	delete(other, factName{"binding", resetsFact})
	for _, f := range b.Facts {
		if _, left := other[factName{f.Section, f.Name}]; left {
			r.Differences = append(r.Differences, difference{Section: f.Section, Name: f.Name, A: a.missing(f.Name), B: f.Value})
		}
	}
	r.Equal = len(r.Differences)+len(r.Unknown) == 0
	return r
}

// readOf are the files that facts are read of, where the name of the fact does not say it.
var readOf = map[string]string{"services": usim.EFUST.Name, "forbidden networks": usim.EFFPLMN.Name, "network name": usim.EFSPN.Name}

// missing says why a report has no such fact: what could not be read may well be there.
func (r *cardFile) missing(name string) string {
	if of, ok := readOf[name]; ok {
		name = of
	}
	if slices.ContainsFunc(r.Unread, func(u diagnose.Unread) bool { return u.What == strings.TrimPrefix(name, "EF_IMSI of ") }) {
		return "not readable"
	}
	return ""
}

// sameFact compares two facts. Shortened identities that fit each other are the same only by their tokens.
func sameFact(a, b fact, oneSalt bool) (same, known bool) {
	switch {
	case oneSalt && a.Token != "" && b.Token != "":
		return a.Token == b.Token, true
	case oneSalt && a.Token == "" && b.Token == "": // the cards themselves show no more
		return a.Value == b.Value, true
	case !strings.Contains(a.Value+b.Value, "*"):
		return a.Value == b.Value, true
	}
	return false, !fits(a.Value, b.Value)
}

// fits tells whether two values, each perhaps shortened by asterisks, may be of one identity.
func fits(a, b string) bool {
	headA, tailA := shownEnds(a)
	headB, tailB := shownEnds(b)
	n, m := min(len(headA), len(headB)), min(len(tailA), len(tailB))
	return headA[:n] == headB[:n] && tailA[len(tailA)-m:] == tailB[len(tailB)-m:]
}

// shownEnds are what stands before the first and behind the last asterisk; of a whole value, the value twice.
func shownEnds(s string) (head, tail string) {
	i, j := strings.IndexByte(s, '*'), strings.LastIndexByte(s, '*')
	if i < 0 {
		return s, s
	}
	return s[:i], s[j+1:]
}
