package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
)

func (a *app) gpKeys() *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Key sets of the issuer security domain: list, put, delete",
		Long:  "Key sets of the issuer security domain. Keys are never shown: a set is told by its version and check values.",
	}
	c.AddCommand(a.keysList(), a.keysPut(), a.keysDelete())
	return c
}

type keysListReport struct {
	head
	ICCID  string    `json:"iccid"`
	Domain string    `json:"security_domain"`
	Keys   []keyView `json:"keys"`
	Total  phaseCost `json:"total"`
}

func (r *keysListReport) text(w io.Writer, _ printer) {
	pairs(w, [][2]string{{"card", r.ICCID}, {"security domain", r.Domain}})
	printKeys(w, r.Keys)
}

func (a *app) keysList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Which keys the card has, by version",
		Long:    "Read the key information of the issuer security domain. No key is used.",
		Example: "  simbind gp keys list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.lookAtDomain(c.Context(), content.LookAtKeys, func(f *content.Facts, s *session) report {
				return &keysListReport{head: schema("keys-list"), ICCID: a.iccid(f.ICCID), Domain: fmt.Sprintf("%X", f.FCI.AID), Keys: viewKeys(f.Keys), Total: totalCost(s.counter)}
			})
		},
	}
}

// keysPutFlags name the new set and the one it replaces.
type keysPutFlags struct {
	contentFlags
	newKeys, newIdentity, replace string
	allowTestKeys                 bool
}

func (a *app) keysPut() *cobra.Command {
	var o keysPutFlags
	c := &cobra.Command{
		Use:   "put",
		Short: "Put a key set on the card, and prove it",
		Long: `Put the key set of --new-keys on the card: beside those it has, or with --replace in place of one. The new set
comes from a key file like that of --keys; a row with a diversification holds masters, and the card's own keys are derived
before they are sent. The channel always has C-DECRYPTION, which proves the ENC key.

The check values the card answers are compared, and a session with the new set is opened, before success is said. The same
command run again after it was broken off finds out which set the card holds, without spending a try.`,
		Example: `  simbind gp keys put --keys old.csv --new-keys new.csv --replace 30 --dry-run
  simbind gp keys put --keys old.csv --new-keys new.csv --replace 30 --yes --expect-iccid 8988211000000430010`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.putKeys(c.Context(), &o) },
	}
	o.addKeys(c)
	o.addLevel(c, "03")
	o.addYes(c)
	f := c.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "open a session and show the plan; send no key")
	f.BoolVar(&o.exitCode, "exit-code", false, "with --dry-run: exit 20 when the card does not hold the new set")
	f.StringVar(&o.newKeys, "new-keys", "", "key file with the new set (required)")
	f.StringVar(&o.newIdentity, "new-identity", "", "age identity that opens --new-keys")
	f.StringVar(&o.replace, "replace", "", "key version that goes for ever, two hex digits (without it the set is added)")
	f.BoolVar(&o.allowTestKeys, "allow-test-keys", false, "let the new set hold the published test keys 40..4F, which everybody knows")
	_ = c.MarkFlagRequired("new-keys") // the flag exists
	return c
}

func (a *app) putKeys(ctx context.Context, o *keysPutFlags) error {
	w, err := a.keyWish(o)
	if err != nil {
		return err
	}
	question := "a key set will be added to the card; go on?"
	if w.Replace != 0 {
		question = fmt.Sprintf("key set %02X of the card will be gone for ever; go on?", w.Replace)
	}
	if err := a.agreeContent(ctx, &o.contentFlags, question); err != nil {
		return err
	}
	s, run, err := a.startContent(ctx, &o.contentFlags)
	if err != nil {
		return err
	}
	defer s.Close()
	defer run.Close()
	plan, domain, err := content.PlanKeys(ctx, run, w)
	if err != nil {
		return err
	}
	defer domain.Close()
	r := a.keysPutReport(plan)
	if !o.dryRun && !plan.AsWanted() {
		if err := plan.Apply(ctx, domain); err != nil {
			return err
		}
		r.Outcome = outcomeDone
	}
	r.Phases, r.Total = phaseCosts(s.counter), totalCost(s.counter)
	if err := a.show(r); err != nil {
		return err
	}
	return differs(&o.contentFlags, r.Outcome)
}

func (a *app) keyWish(o *keysPutFlags) (content.KeyWish, error) {
	w := content.KeyWish{Expected: a.expected()}
	var err error
	if o.replace != "" {
		if w.Replace, err = keyVersion("--replace", o.replace); err != nil {
			return w, err
		}
	}
	if w.Replace == 0xFF {
		return w, usagef("--replace FF: a maker's first set cannot be named; it goes when another is added, so leave --replace out")
	}
	w.New = func(iccid string) (gp.KeySet, gp.KeyKind, error) {
		card, err := keys.Load(o.newKeys, o.newIdentity, iccid)
		if err == nil && !o.allowTestKeys && publicKeys(card.Keys) {
			err = &codeError{code: exitRefused, err: fmt.Errorf("key file %s: the new set holds the published test key, which everybody knows", o.newKeys), hint: "--allow-test-keys puts it on a test card"}
		}
		return card.Keys, card.Kind, err
	}
	return w, nil
}

// publicKeys tells whether a set, or the masters it is derived from, holds the published test key.
func publicKeys(set gp.KeySet) bool {
	return slices.ContainsFunc([]secret.Bytes{set.ENC, set.MAC, set.DEK}, gp.TestKey().Equal)
}

// keyVersion reads a key version, 01 to 7F.
func keyVersion(name, text string) (byte, error) {
	kvn, err := strconv.ParseUint(text, 16, 8)
	if err != nil || kvn == 0 || kvn > 0x7F && kvn != 0xFF {
		return 0, usagef("%s %q: a key version is two hex digits, 01 to 7F or FF", name, text)
	}
	return byte(kvn), nil
}

type keysPutReport struct {
	head
	Outcome  string      `json:"outcome"`
	ICCID    string      `json:"iccid"`
	Session  keySetView  `json:"session"` // the set the session was opened with
	New      keySetView  `json:"new"`
	Replaces string      `json:"replaces,omitempty"` // key version
	Steps    []stepView  `json:"steps"`
	Phases   []phaseCost `json:"phases"`
	Total    phaseCost   `json:"total"`
}

// keySetView is a key set by version and check values.
type keySetView struct {
	KVN         string   `json:"kvn"`
	Kind        string   `json:"kind"`
	Derivation  string   `json:"derivation"`
	CheckValues []string `json:"check_values"` // ENC, MAC, DEK
}

func viewKeySet(k content.KeyShow) keySetView {
	return keySetView{KVN: fmt.Sprintf("%02X", k.KVN), Kind: fmt.Sprintf("%s-%d", k.Kind, k.Bits), Derivation: k.Derivation.String(), CheckValues: k.CheckValues}
}

func (v keySetView) words() string {
	return fmt.Sprintf("KVN %s %s, derivation %s, check values %s", v.KVN, v.Kind, v.Derivation, strings.Join(v.CheckValues, " "))
}

func (a *app) keysPutReport(p *content.KeyChange) *keysPutReport {
	r := &keysPutReport{head: schema("keys-put"), Outcome: outcomePlanned, ICCID: a.iccid(p.ICCID), Session: viewKeySet(p.Old), New: viewKeySet(p.New), Steps: viewSteps(p.Steps)}
	if p.Replaces != 0 {
		r.Replaces = fmt.Sprintf("%02X", p.Replaces)
	}
	if p.AsWanted() {
		r.Outcome = outcomeAsWanted
	}
	return r
}

func (r *keysPutReport) text(w io.Writer, _ printer) {
	replaces := r.Replaces
	if replaces == "" {
		replaces = "nothing: the set is added"
	}
	pairs(w, [][2]string{{"card", r.ICCID}, {"session", r.Session.words()}, {"new set", r.New.words()}, {"replaces", replaces}, {"outcome", r.Outcome}})
	if r.Outcome == outcomePlanned {
		printSteps(w, r.Steps)
	}
	printCost(w, r.Total)
}

func (a *app) keysDelete() *cobra.Command {
	var o contentFlags
	c := &cobra.Command{
		Use:   "delete KVN",
		Short: "Delete a key set",
		Long: `Delete the key set of a version. The set that opens the session is not deleted with it: use the keys of another
one, so that there is a way back.`,
		Example: "  simbind gp keys delete 20 --keys keys.csv --yes --expect-iccid 8988211000000430010",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			kvn, err := keyVersion("KVN", args[0])
			if err != nil {
				return err
			}
			if err := a.agreeContent(c.Context(), &o, fmt.Sprintf("key set %02X of the card will be gone for ever; go on?", kvn)); err != nil {
				return err
			}
			return a.contentVerb(c.Context(), &o, "gp keys delete", func(ctx context.Context, d *content.Domain) ([]content.Step, error) {
				return d.PlanDeleteKeys(ctx, kvn)
			})
		},
	}
	o.add(c)
	o.addYes(c)
	return c
}
