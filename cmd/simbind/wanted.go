package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/uicc"
)

// wantedFlags describe a binding on the command line, or name the job it stands in.
type wantedFlags struct {
	firstInsert, off                  bool
	imeis, prefixes, ranges, patterns []string
	job                               string
	allowTestIMEI, allowSameIMEI      bool

	noIMEI                                                    string
	strictStart, openIdentity, pairing, keepLocation, observe bool
	denyIMSI, refresh                                         string
	terminals                                                 int

	loaded *job.Job // of --job, once it is validated
}

func (w *wantedFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&w.firstInsert, "first-insert", false, "bind to the first terminal; prefixes, ranges and patterns narrow who may be first")
	f.BoolVar(&w.off, "off", false, "no binding: every terminal is allowed")
	f.StringArrayVar(&w.imeis, "imei", nil, "preset a full IMEI, 14 to 16 digits (repeatable)")
	f.StringArrayVar(&w.prefixes, "imei-prefix", nil, "preset the first 8 to 14 digits (repeatable)")
	f.StringArrayVar(&w.ranges, "imei-range", nil, "preset LOW-HIGH, both included (repeatable)")
	f.StringArrayVar(&w.patterns, "imei-pattern", nil, "preset 14 digits, F or ? for any (repeatable)")
	f.StringVar(&w.job, "job", "", "job: folder, YAML, or CSV alone; the row is chosen by the card's ICCID")
	f.BoolVar(&w.allowTestIMEI, "allow-test-imei", false, "accept IMEIs whose TAC begins with 00")
	f.BoolVar(&w.allowSameIMEI, "allow-same-imei", false, "accept one full IMEI for several cards of a job")
	f.StringVar(&w.noIMEI, "no-imei", "deny", "a terminal that answers without an IMEI: deny or allow")
	f.BoolVar(&w.strictStart, "strict-start", false, "hide EF_IMSI until the terminal was checked")
	f.BoolVar(&w.openIdentity, "open-identity", false, "show whole IMEIs without keys")
	f.BoolVar(&w.pairing, "pairing-status", false, "write EF_IPS")
	f.BoolVar(&w.keepLocation, "keep-location", false, "keep location and key files when access changes")
	f.BoolVar(&w.observe, "observe-only", false, "decide and count, never touch EF_IMSI")
	f.StringVar(&w.denyIMSI, "deny-imsi", "", "denial value of EF_IMSI: 18 hex digits, or the digits of an IMSI")
	f.StringVar(&w.refresh, "refresh", "00", "REFRESH qualifier after a change: 00, 02, 04, 05, 06")
	f.IntVar(&w.terminals, "terminals", 1, "how many terminals may become bound, 1 to 4")
}

// schemeFlags are the flags of which exactly one kind is needed.
func (w *wantedFlags) narrowing() bool {
	return len(w.imeis)+len(w.prefixes)+len(w.ranges)+len(w.patterns) > 0
}

// named tells whether any binding was asked for.
func (w *wantedFlags) named() bool { return w.firstInsert || w.off || w.job != "" || w.narrowing() }

// check refuses contradictions before anything else is looked at.
func (w *wantedFlags) check(c *cobra.Command) error {
	kinds := 0
	for _, on := range []bool{w.firstInsert, w.off, w.job != "", w.narrowing() && !w.firstInsert} {
		if on {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return usagef("no binding named: one of --first-insert, --imei, --imei-prefix, --imei-range, --imei-pattern, --off or --job")
	case kinds > 1:
		return usagef("--first-insert, --off, --job and presets exclude each other")
	case w.firstInsert && len(w.imeis) > 0:
		return usagef("--imei with --first-insert: a known IMEI is a preset; narrow a first insert by prefix, range or pattern")
	case w.job != "":
		for _, name := range []string{"no-imei", "strict-start", "open-identity", "pairing-status", "keep-location", "observe-only", "deny-imsi", "refresh", "terminals"} {
			if c.Flags().Changed(name) {
				return usagef("--%s with --job: the job's rows say it", name)
			}
		}
	}
	return nil
}

// wish gives what is wanted of a card as a function of its ICCID: flags are the same for every card, a job has a row
// for each. The job is validated whole before any card is touched.
func (w *wantedFlags) wish(a *app, identity string) (func(iccid uicc.ICCID) (personalize.Wish, error), error) {
	expected := a.expected()
	if w.job == "" {
		c, err := w.configuration(a)
		if err != nil {
			return nil, err
		}
		return func(uicc.ICCID) (personalize.Wish, error) {
			return personalize.Wish{Configuration: c, Expected: expected}, nil
		}, nil
	}
	j, err := job.Load(w.job, job.Options{AllowTestIMEI: w.allowTestIMEI, AllowSameIMEI: w.allowSameIMEI, Identity: identity})
	if err != nil {
		return nil, fileError("--job "+w.job, err)
	}
	w.loaded = j
	return func(id uicc.ICCID) (personalize.Wish, error) { return fromJob(a, j, id, expected) }, nil
}

func fromJob(a *app, j *job.Job, id uicc.ICCID, expected personalize.Expected) (personalize.Wish, error) {
	row, ok := j.Row(id.String())
	if !ok {
		return personalize.Wish{}, &personalize.MismatchError{What: "ICCID", Want: "a row of " + j.Form.File, Got: id.Short()}
	}
	for _, n := range row.Notes {
		a.say("note: %s", n)
	}
	if expected.IMSI == "" {
		expected.IMSI = row.IMSI
	}
	return personalize.Wish{Configuration: row.Configuration, Expected: expected}, nil
}

// configuration builds the binding the flags describe.
func (w *wantedFlags) configuration(a *app) (binding.Configuration, error) {
	c := binding.DefaultConfiguration(w.scheme())
	if err := w.entries(a, &c); err != nil {
		return c, err
	}
	if err := w.policy(&c); err != nil {
		return c, err
	}
	if w.terminals < 1 || w.terminals > 4 {
		return c, usagef("--terminals: 1 to 4")
	}
	c.MaxTerminals = byte(w.terminals)
	if err := c.Validate(nil); err != nil {
		return c, usagef("%w", err)
	}
	return c, nil
}

func (w *wantedFlags) scheme() binding.Scheme {
	switch {
	case w.off:
		return binding.Off
	case w.firstInsert:
		return binding.FirstInsert
	}
	return binding.Preset
}

func (w *wantedFlags) entries(a *app, c *binding.Configuration) error {
	flag := func(name, text string, notes []string, err error) error {
		for _, n := range notes {
			a.say("note: --%s: %s", name, n)
		}
		if err != nil {
			return usagef("--%s %s: %w", name, shortDigits(text), err)
		}
		return nil
	}
	for _, s := range w.imeis {
		imei, notes, err := binding.ParseIMEI(s)
		if err := flag("imei", s, notes, err); err != nil {
			return err
		}
		if imei.Test() && !w.allowTestIMEI {
			return usagef("--imei %s: a test IMEI (its TAC begins with 00); --allow-test-imei accepts it", shortDigits(s))
		}
		c.Patterns = append(c.Patterns, imei.Pattern())
	}
	for _, s := range w.prefixes {
		p, notes, err := binding.ParsePrefix(s)
		if err := flag("imei-prefix", s, notes, err); err != nil {
			return err
		}
		c.Patterns = append(c.Patterns, p)
	}
	for _, s := range w.patterns {
		p, err := binding.ParsePattern(s)
		if err := flag("imei-pattern", s, nil, err); err != nil {
			return err
		}
		c.Patterns = append(c.Patterns, p)
	}
	for _, s := range w.ranges {
		r, err := binding.ParseRange(s)
		if err := flag("imei-range", s, nil, err); err != nil {
			return err
		}
		c.Ranges = append(c.Ranges, r)
	}
	return nil
}

func (w *wantedFlags) policy(c *binding.Configuration) error {
	for _, b := range []struct {
		on  bool
		bit binding.Policy
	}{
		{w.noIMEI == "allow", binding.AllowNoIMEI}, {w.strictStart, binding.StrictStart}, {w.openIdentity, binding.OpenIdentity},
		{w.pairing, binding.PairingStatus}, {w.keepLocation, binding.KeepLocation}, {w.observe, binding.ObserveOnly},
	} {
		if b.on {
			c.Policy |= b.bit
		}
	}
	if w.noIMEI != "allow" && w.noIMEI != "deny" {
		return usagef("--no-imei: deny or allow")
	}
	if w.denyIMSI != "" {
		if err := job.SetDenial(c, w.denyIMSI); err != nil {
			return usagef("--deny-imsi: %w", err)
		}
	}
	q, err := hex.DecodeString(w.refresh)
	if err != nil || len(q) != 1 || !binding.KnownRefresh(q[0]) {
		return usagef("--refresh %.8q: two hex digits, 00, 02, 04, 05 or 06", w.refresh)
	}
	c.Refresh = q[0]
	return nil
}

// shortDigits keeps the first eight characters of what somebody typed: an IMEI is personal data.
func shortDigits(s string) string {
	if len(s) <= 8 {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q", s[:8]+strings.Repeat("*", min(len(s)-8, 12)))
}
