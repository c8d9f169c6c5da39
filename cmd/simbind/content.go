package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
)

// contentFlags are what every verb has that changes what is on a card.
type contentFlags struct {
	secretFlags
	level            string
	dryRun, exitCode bool
	yes              bool
	answers          bool // what the card answers is part of the report
}

func (o *contentFlags) add(c *cobra.Command) {
	o.addKeys(c)
	o.addLevel(c, "01")
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "read, plan and show the commands; send none that changes the card")
	f.BoolVar(&o.exitCode, "exit-code", false, "with --dry-run: exit 20 when the card differs from what is wanted")
}

// addDomain gives every verb of a group the flag that names the security domain.
func (a *app) addDomain(group *cobra.Command) {
	group.PersistentFlags().StringVar(&a.global.domain, "security-domain", "", "AID of the security domain, when the card does not show the issuer's by itself")
}

// addYes is for verbs whose harm a person agrees to.
func (o *contentFlags) addYes(c *cobra.Command) {
	c.Flags().BoolVar(&o.yes, "yes", false, "agree without a prompt; needs --expect-iccid")
}

func (o *contentFlags) addLevel(c *cobra.Command, usual string) {
	c.Flags().StringVar(&o.level, "level", usual, "security of the channel: 01 C-MAC, 03 and C-DECRYPTION, 11, 13 and R-MAC, 33 and R-ENCRYPTION")
}

var levels = map[string]gp.Level{
	"01": gp.LevelCMAC,
	"03": gp.LevelCMAC | gp.LevelCDecryption,
	"11": gp.LevelCMAC | gp.LevelRMAC,
	"13": gp.LevelCMAC | gp.LevelCDecryption | gp.LevelRMAC,
	"33": gp.LevelCMAC | gp.LevelCDecryption | gp.LevelRMAC | gp.LevelREncryption,
}

// errExitCode: a call that forgot --dry-run writes nothing.
var errExitCode = usagef("--exit-code goes with --dry-run")

// startContent opens the card for a verb of card content: its keys are needed from the beginning.
func (a *app) startContent(ctx context.Context, o *contentFlags) (*session, *personalize.Run, error) {
	level, ok := levels[o.level]
	if !ok {
		return nil, nil, usagef("--level %s: it is one of 01, 03, 11, 13, 33", o.level)
	}
	if o.exitCode && !o.dryRun {
		return nil, nil, errExitCode
	}
	if !o.given() {
		return nil, nil, &codeError{code: exitAuth, err: personalize.ErrNoKeys, hint: "give --keys FILE with a row for this card"}
	}
	s, run, err := a.startRun(ctx, &o.secretFlags, nil)
	if err == nil {
		run.Level = level
	}
	return s, run, err
}

// stepView is one command of a plan as it is shown.
type stepView struct {
	Name    string `json:"name"`
	Command string `json:"command"` // hex; keys are left out: the header, then the number of bytes
	Note    string `json:"note,omitempty"`
}

func viewSteps(steps []content.Step) []stepView {
	out := []stepView{}
	for _, s := range steps {
		out = append(out, viewStep(s))
	}
	return out
}

func viewStep(s content.Step) stepView {
	v := stepView{Name: s.Name, Note: s.Note}
	if s.Secret {
		v.Command = fmt.Sprintf("%X [%d bytes with keys]", s.Command.Header(), len(s.Command.Data))
		return v
	}
	raw, err := s.Command.Bytes()
	if err != nil { // a command that was built always has bytes
		v.Command = err.Error()
		return v
	}
	v.Command = strings.ToUpper(hex.EncodeToString(raw))
	return v
}

// contentReport is what a verb of card content would do, or did.
type contentReport struct {
	head
	Verb    string      `json:"verb"`
	ICCID   string      `json:"iccid"`
	Outcome string      `json:"outcome"`          // planned, done, already as wanted
	Backup  string      `json:"backup,omitempty"` // of EF_IMSI, in the backup folder
	Steps   []stepView  `json:"steps"`
	Answers []string    `json:"answers,omitempty"` // hex with status word, of verbs that show them
	Phases  []phaseCost `json:"phases"`
	Total   phaseCost   `json:"total"`
}

// Outcomes of a verb of card content.
const (
	outcomePlanned  = "planned"
	outcomeDone     = "done"
	outcomeAsWanted = "already as wanted"
)

func (r *contentReport) text(w io.Writer, _ printer) {
	pairs(w, [][2]string{{"card", r.ICCID}, {"backup", r.Backup}, {"outcome", r.Outcome}})
	if r.Outcome == outcomePlanned {
		printSteps(w, r.Steps)
	}
	for _, answer := range r.Answers {
		fmt.Fprintln(w, answer)
	}
	printCost(w, r.Total)
}

func (r *contentReport) answered(o *contentFlags, answers []apdu.Response) {
	for _, x := range answers {
		if o.answers {
			r.Answers = append(r.Answers, fmt.Sprintf("%X", x.Bytes()))
		}
	}
}

// printSteps prints a plan. The blocks of a load file are many and alike: the first and the last stand for all.
func printSteps(w io.Writer, steps []stepView) {
	for i, s := range steps {
		if i > 1 && i < len(steps)-1 && isLoad(steps[i-1]) && isLoad(s) && isLoad(steps[i+1]) {
			if !isLoad(steps[i-2]) {
				fmt.Fprintln(w, "      …")
			}
			continue
		}
		fmt.Fprintf(w, "  %2d. %s\n", i+1, s.line())
		if s.Note != "" {
			fmt.Fprintf(w, "      %s\n", s.Note)
		}
	}
}

func isLoad(s stepView) bool { return strings.HasPrefix(s.Name, "LOAD ") }

// line is name and command, a long one by its head and size.
func (s stepView) line() string {
	if s.Command == "" {
		return s.Name
	}
	if n := len(s.Command) / 2; n > 64 {
		return fmt.Sprintf("%s: %s… %d bytes", s.Name, s.Command[:48], n)
	}
	return s.Name + ": " + s.Command
}

func printCost(w io.Writer, c phaseCost) {
	if c.APDUs > 0 {
		fmt.Fprintf(w, "%d commands, %d bytes, %.1f ms\n", c.APDUs, c.BytesSent+c.BytesReceived, c.Milliseconds)
	}
}

// endContent shows the report of a plan or of what was done.
func (a *app) endContent(r *contentReport, o *contentFlags, s *session) error {
	r.Phases, r.Total = phaseCosts(s.counter), totalCost(s.counter)
	if err := a.show(r); err != nil {
		return err
	}
	return differs(o, r.Outcome)
}

// differs is exit 20 of a dry run that found something to do.
func differs(o *contentFlags, outcome string) error {
	if o.exitCode && outcome == outcomePlanned {
		return &codeError{code: exitDiffers}
	}
	return nil
}

// readCAP reads a CAP file.
func readCAP(path string) (*capfile.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("CAP file "+path, err)
	}
	defer f.Close()
	file, err := capfile.Read(f)
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	return file, nil
}

// parseAID reads an AID in hex.
func parseAID(text string) ([]byte, error) {
	aid, err := hex.DecodeString(text)
	if err != nil || len(aid) < 5 || len(aid) > 16 {
		return nil, usagef("AID %q: an AID is 10 to 32 hex digits", text)
	}
	return aid, nil
}

// optionalAID is nil for an empty text.
func optionalAID(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return parseAID(text)
}
