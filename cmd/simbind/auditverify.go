package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/ledger"
)

type auditVerifyReport struct {
	head
	Outcome  string         `json:"outcome"` // sound, broken
	Ledger   string         `json:"ledger"`
	Records  int64          `json:"records"`
	Head     string         `json:"head"`
	Erased   int            `json:"erased"`
	Seals    []sealView     `json:"seals"`
	Problems []auditProblem `json:"problems"`
}

type auditProblem struct {
	Record int64  `json:"record,omitempty"` // absent: in a table beside the chain
	What   string `json:"what"`
}

type sealView struct {
	Job    string        `json:"job"`
	Name   string        `json:"name"`
	Time   string        `json:"time"`
	Key    string        `json:"key"`
	Counts ledger.Counts `json:"counts"`
	Seal   ledger.Seal   `json:"seal"` // whole, as in the file of 'audit seal'
}

func (r auditVerifyReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "ledger %s: %s\n", r.Ledger, r.Outcome)
	pairs(w, [][2]string{{"records", fmt.Sprint(r.Records)}, {"head", r.Head}, {"erased cards", fmt.Sprint(r.Erased)}})
	for _, s := range r.Seals {
		fmt.Fprintf(w, "seal of job %s, %s, key %s: %s\n", s.Name, s.Time, s.Key, inWords(s.Counts))
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "problem: %s\n", p.What)
	}
}

func inWords(n ledger.Counts) string {
	return fmt.Sprintf("%d ordered = %d good + %d rejected + %d untouched", n.Ordered, n.Good, n.Rejected, n.Untouched)
}

func (a *app) auditVerifyCommand(o *ledgerFlags) *cobra.Command {
	var sealFiles, signers []string
	c := &cobra.Command{
		Use: "verify", Short: "Find any record that was changed, removed or put elsewhere", Args: cobra.NoArgs,
		Long: `Recompute the chain of records and everything derived from it, and name what is not as it was
written. Only a seal kept away from the ledger (--seal) shows that nothing was cut off at the end, or
the whole chain written anew; --signer says whose seals count. Exit code 8 when something is wrong.`,
		Example: `  simbind audit verify
  simbind audit verify --seal march-500.seal.json --signer 3c1f…`,
		RunE: func(c *cobra.Command, _ []string) error { return a.auditVerify(c.Context(), o, sealFiles, signers) },
	}
	c.Flags().StringArrayVar(&sealFiles, "seal", nil, "seal file to hold against the chain (repeatable)")
	c.Flags().StringArrayVar(&signers, "signer", nil, "public key, 64 hex digits: seals by any other are a problem (repeatable)")
	return c
}

func (a *app) auditVerify(ctx context.Context, o *ledgerFlags, sealFiles, signers []string) error {
	for i, key := range signers {
		if raw, err := hex.DecodeString(key); err != nil || len(raw) != ed25519.PublicKeySize {
			return usagef("--signer %q: a public key is 64 hex digits", key)
		}
		signers[i] = strings.ToLower(key)
	}
	var kept []ledger.Seal
	for _, path := range sealFiles {
		s, err := readSeal(path)
		if err != nil {
			return err
		}
		kept = append(kept, s)
	}
	l, err := a.oldLedger(ctx, o)
	if err != nil {
		return err
	}
	defer l.Close()
	v, err := l.Verify(ctx, kept...)
	var broken *ledger.ChainError
	if err != nil && !errors.As(err, &broken) {
		return err
	}
	r := auditVerifyReport{head: schema("audit-verify"), Outcome: "sound", Ledger: v.Ledger, Records: v.Records, Head: v.Head, Erased: v.Erased,
		Seals: []sealView{}, Problems: []auditProblem{}}
	if broken != nil {
		for _, p := range broken.Problems {
			r.Problems = append(r.Problems, auditProblem{Record: p.Seq, What: p.What})
		}
	}
	for _, s := range v.Seals {
		r.Seals = append(r.Seals, viewSeal(s))
	}
	for _, s := range append(v.Seals, kept...) {
		p := auditProblem{Record: s.Seq + 1, What: fmt.Sprintf("the seal of job %s is signed by another key, %s", s.Name, s.Key)}
		if len(signers) > 0 && !slices.Contains(signers, s.Key) && !slices.Contains(r.Problems, p) { // one that was kept is in the ledger, too
			r.Problems = append(r.Problems, p)
		}
	}
	if len(r.Problems) > 0 {
		r.Outcome = "broken"
	}
	if err := a.show(r); err != nil {
		return err
	}
	if len(r.Problems) > 0 {
		return &codeError{code: exitDoubt}
	}
	return nil
}

func viewSeal(s ledger.Seal) sealView {
	return sealView{Job: s.Job, Name: s.Name, Time: utc(s.Time), Key: s.Key, Counts: s.Counts, Seal: s}
}

// sealFile is a seal as it is shown and kept.
type sealFile struct {
	head
	Seal ledger.Seal `json:"seal"`
}

func (r sealFile) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "job %s sealed: %s\n", r.Seal.Name, inWords(r.Seal.Counts))
	pairs(w, [][2]string{{"head", r.Seal.Head}, {"key", r.Seal.Key}, {"signature", r.Seal.Signature}})
}

// maxSeal is longer than a seal with every approver a job can name.
const maxSeal = 1 << 20

func readSeal(path string) (ledger.Seal, error) {
	file, err := os.Open(path)
	if err != nil {
		return ledger.Seal{}, fileError("--seal "+path, err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSeal))
	if err != nil {
		return ledger.Seal{}, fileError("--seal "+path, err)
	}
	var f sealFile
	if err := json.Unmarshal(b, &f); err != nil || f.Schema != "simbind/audit-seal" {
		return ledger.Seal{}, usagef("--seal %s: not a seal", path)
	}
	return f.Seal, nil
}

func (a *app) auditSealCommand(o *ledgerFlags) *cobra.Command {
	var keyFile, out string
	c := &cobra.Command{
		Use: "seal JOB", Short: "Sign a job whose cards are all accounted for", Args: cobra.ExactArgs(1),
		Long: `Close a job and sign it: ordered = good + rejected + untouched, and the end of the chain. Cards in doubt
or in quarantine are settled first; nothing in a sealed job is claimed any more. The ledger is checked
before. Keep the seal away from the ledger: that is what makes it worth something.`,
		Example: "  simbind audit seal march-500 --key anna.pem --out march-500.seal.json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.auditSeal(c.Context(), o, args[0], keyFile, out)
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with the private key that signs")
	c.Flags().StringVar(&out, "out", "", "write the seal to this file; it must not exist")
	return c
}

func (a *app) auditSeal(ctx context.Context, o *ledgerFlags, job, keyFile, out string) error {
	k, err := signingKey(keyFile)
	if err != nil {
		return err
	}
	if _, err := os.Stat(out); out != "" && err == nil {
		return usagef("--out %s: file exists", out)
	}
	l, err := a.oldLedger(ctx, o)
	if err != nil {
		return err
	}
	defer l.Close()
	j, err := jobCalled(ctx, l, job)
	if err != nil {
		return err
	}
	f, sealed := sealFile{head: schema("audit-seal")}, false
	seal := func(w io.Writer) (err error) {
		if f.Seal, err = l.Seal(ctx, j.Digest, a.actor(o, ""), k); err != nil {
			return err
		}
		sealed = true
		return encode(w, f)
	}
	if out == "" {
		err = seal(io.Discard)
	} else {
		err = a.replace("--out", out, seal) // a folder that takes no file is told before anything is sealed
	}
	if err != nil && sealed {
		return &codeError{code: exitOther, err: fmt.Errorf("the job is sealed, but the file is not written: %v", err), hint: "'simbind audit verify --json' shows the seal whole"}
	}
	if err != nil {
		return err
	}
	return a.show(f)
}
