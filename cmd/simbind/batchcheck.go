package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
)

func (a *app) batchCheckCommand() *cobra.Command {
	var opt job.Options
	c := &cobra.Command{
		Use: "check JOB", Short: "Validate a job whole, before the first card", Args: cobra.ExactArgs(1),
		Long: `Read job.yaml, the file of cards and the key file, and tell every fault with its line, its character
and what to do about it: the first hundred, then their number; of warnings that say the same the first five. No card is touched and no key opened.
Exit code 2 when something is wrong.`,
		Example: `  simbind batch check march-500
  simbind batch check cards.csv --json`,
		RunE: func(_ *cobra.Command, args []string) error { return a.batchCheck(args[0], opt) },
	}
	jobFlags(c, &opt)
	return c
}

// jobFlags are those of every verb that takes a job.
func jobFlags(c *cobra.Command, opt *job.Options) {
	f := c.Flags()
	f.StringVar(&opt.Identity, "identity", "", "age identity that opens the cards and keys of the job")
	f.BoolVar(&opt.AllowTestIMEI, "allow-test-imei", false, "accept IMEIs whose TAC begins with 00, whatever the job says")
	f.BoolVar(&opt.AllowSameIMEI, "allow-same-imei", false, "accept one full IMEI for several cards, whatever the job says")
}

func (a *app) batchCheck(path string, opt job.Options) error {
	j, err := job.Load(path, opt)
	if err == nil {
		err = checkKeys(j)
	}
	faults, err := faultsOf(err)
	if err != nil {
		return fileError(path, err)
	}
	r := batchCheckReport{head: schema("batch-check"), Outcome: "valid", File: path, Faults: faults.List, FaultsTotal: faults.Total, Warnings: []job.Fault{}}
	if faults.Total > 0 {
		r.Outcome = "invalid"
	} else {
		r.fill(j)
	}
	if err := a.show(&r); err != nil {
		return err
	}
	if faults.Total > 0 {
		a.say("no card was touched; mend the job and check it again")
		return &codeError{code: exitUsage}
	}
	return nil
}

// checkKeys looks whether every card has keys. A token is asked when the run begins.
func checkKeys(j *job.Job) error {
	f, err := j.OpenKeys()
	if err != nil || f == nil {
		return err
	}
	return f.Close()
}

// faultsOf takes what is wrong inside the files out of an error.
func faultsOf(err error) (job.Faults, error) {
	var faults *job.Faults
	var all *keys.Errors
	var one *keys.Error
	switch {
	case err == nil:
		return job.Faults{List: []job.Fault{}}, nil
	case errors.As(err, &faults):
		return *faults, nil
	case errors.As(err, &all):
	case errors.As(err, &one):
		all = &keys.Errors{List: []*keys.Error{one}, Total: 1}
	default:
		return job.Faults{}, err
	}
	out := job.Faults{Total: all.Total}
	for _, e := range all.List {
		out.List = append(out.List, job.Fault{File: e.File, Line: max(e.Line, 1), Column: 1, Name: e.Column, Reason: e.Reason})
	}
	return out, nil
}

type batchCheckReport struct {
	head
	Outcome       string         `json:"outcome"` // valid, invalid
	File          string         `json:"file"`    // as named
	Name          string         `json:"name,omitempty"`
	Digest        string         `json:"digest,omitempty"`
	Cards         int            `json:"cards"`
	Schemes       map[string]int `json:"schemes,omitempty"`
	Form          *jobForm       `json:"form,omitempty"`
	Keys          string         `json:"keys,omitempty"` // file, token, flags
	Approval      bool           `json:"approval"`
	Faults        []job.Fault    `json:"faults"` // the first hundred
	FaultsTotal   int            `json:"faults_total"`
	Warnings      []job.Fault    `json:"warnings"` // the first hundred, of those that say the same five
	WarningsTotal int            `json:"warnings_total"`
}

// jobForm is how the file of cards is written.
type jobForm struct {
	File      string   `json:"file"`
	Columns   []string `json:"columns"`
	Separator string   `json:"separator"`
	BOM       bool     `json:"bom"`
	CRLF      bool     `json:"crlf"`
	Encrypted bool     `json:"encrypted"`
	Secrets   bool     `json:"secrets"`
}

func (r *batchCheckReport) fill(j *job.Job) {
	r.Name, r.Digest, r.Cards, r.Approval = j.Name, j.Digest, j.Len(), j.Approval.Required
	r.Schemes = map[string]int{}
	for s, n := range j.Schemes {
		if n > 0 {
			r.Schemes[binding.Scheme(s).Code()] = n
		}
	}
	r.Form = &jobForm{j.Form.File, j.Form.Columns, string(j.Form.Separator), j.Form.BOM, j.Form.CRLF, j.Form.Encrypted, j.Form.Secrets}
	r.Keys = keySource(j)
	r.Warnings, r.WarningsTotal = append(r.Warnings, j.Warnings.List...), j.Warnings.Total
}

func keySource(j *job.Job) string {
	switch {
	case j.Keys.Token != nil:
		return "token"
	case j.Keys.File != "":
		return "file"
	}
	return "flags"
}

func (r *batchCheckReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: %s\n", r.File, r.Outcome)
	if r.Form != nil {
		pairs(w, [][2]string{
			{"job", r.Name}, {"digest", r.Digest}, {"cards", fmt.Sprint(r.Cards)}, {"schemes", r.schemes()}, {"file of cards", r.Form.words()},
			{"keys", map[string]string{"file": "a file, with a row for every card", "token": "derived in a token", "flags": "to be named when the run begins"}[r.Keys]},
			{"approval", map[bool]string{true: "by a second person", false: "none"}[r.Approval]},
		})
	}
	told(w, "fault", job.Faults{List: r.Faults, Total: r.FaultsTotal})
	told(w, "warning", job.Faults{List: r.Warnings, Total: r.WarningsTotal})
}

func told(w io.Writer, what string, all job.Faults) {
	for _, f := range all.List {
		fmt.Fprintf(w, "%s: %s\n", what, f.Error())
	}
	if more := all.Untold(); more > 0 {
		fmt.Fprintf(w, "%s: and %d more\n", what, more)
	}
}

func (r *batchCheckReport) schemes() string {
	var words []string
	for _, s := range []binding.Scheme{binding.Preset, binding.FirstInsert, binding.Off} {
		if n := r.Schemes[s.Code()]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(words, ", ")
}

func (f *jobForm) words() string {
	words := []string{f.File, map[string]string{",": "commas", ";": "semicolons", "\t": "tabs"}[f.Separator]}
	for _, x := range []struct {
		is   bool
		word string
	}{{f.BOM, "byte order mark"}, {f.CRLF, "CRLF"}, {f.Encrypted, "encrypted"}, {f.Secrets, "with keys or codes"}} {
		if x.is {
			words = append(words, x.word)
		}
	}
	return strings.Join(words, ", ")
}
