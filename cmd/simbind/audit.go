package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/ledger"
)

func (a *app) auditCommand() *cobra.Command {
	var o ledgerFlags
	c := &cobra.Command{
		Use: "audit", Short: "Check, sign and tidy the ledger of what was done to which card",
		Long: `The ledger holds a chain of records of every card the bench worked on. These verbs check it, sign a
job whose cards are all accounted for, let a second operator agree, and export or erase what it
holds about one card. None of them touches a card.`,
	}
	o.add(c)
	key := &cobra.Command{Use: "key", Short: "Keys that sign seals and approvals"}
	key.AddCommand(a.auditKeyNewCommand())
	c.AddCommand(a.auditVerifyCommand(&o), a.auditSealCommand(&o), a.auditApproveCommand(&o), key,
		a.auditDoubtCommand(&o), a.auditReleaseCommand(&o), a.auditRejectCommand(&o), a.auditExportCommand(&o), a.auditEraseCommand(&o))
	return c
}

type auditKeyReport struct {
	head
	File   string `json:"file"`
	Public string `json:"public"`
}

func (r auditKeyReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "%s: private key, mode 0600\npublic key %s\n", r.File, r.Public)
}

func (a *app) auditKeyNewCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new FILE", Short: "Make an Ed25519 key in a new file of mode 0600", Args: cobra.ExactArgs(1),
		Long: `Make an Ed25519 key: PKCS #8 in PEM, in a new file of mode 0600. The public key is printed; give it to
those who will check seals, by another way than the seals themselves.`,
		Example: "  simbind audit key new anna.pem",
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := ledger.NewKey(args[0])
			if err != nil {
				return fileError(args[0], err)
			}
			return a.show(auditKeyReport{head: schema("audit-key"), File: args[0], Public: k.Public()})
		},
	}
}

// actReport is one decision of a person, as recorded.
type actReport struct {
	head
	Action     string `json:"action"`
	ICCID      string `json:"iccid,omitempty"`
	Job        string `json:"job,omitempty"`
	Claim      string `json:"claim,omitempty"`
	Operator   string `json:"operator"`
	Signatures int    `json:"signatures,omitempty"`
}

func (r actReport) text(w io.Writer, _ printer) {
	said := []string{r.Action}
	if r.ICCID != "" {
		said = append(said, "card "+r.ICCID)
	}
	if r.Job != "" {
		said = append(said, "job "+r.Job)
	}
	fmt.Fprintf(w, "%s, by %s\n", strings.Join(said, ": "), r.Operator)
	if r.Signatures > 0 {
		fmt.Fprintf(w, "signatures: %d of 2\n", r.Signatures)
	}
}

func (a *app) auditApproveCommand(o *ledgerFlags) *cobra.Command {
	var keyFile, card string
	c := &cobra.Command{
		Use: "approve start|redo|seal JOB", Short: "Sign as one of two operators", Args: cobra.ExactArgs(2),
		Long: `Sign that a job may start, that a card may be done again, or that the job may be sealed with its
present counts. Two different operators with two keys have to, when the job asks for approval. A
signature under a redo is used up by it; one under a seal is void when another card is done.`,
		Example: `  simbind audit approve start march-500 --operator anna --key anna.pem
  simbind audit approve redo march-500 --card 8988211000000430010 --key anna.pem`,
		RunE: func(c *cobra.Command, args []string) error {
			k, err := signingKey(keyFile)
			if err != nil {
				return err
			}
			l, err := a.oldLedger(c.Context(), o)
			if err != nil {
				return err
			}
			defer l.Close()
			j, err := jobCalled(c.Context(), l, args[1])
			if err != nil {
				return err
			}
			by := a.actor(o, "")
			have, err := l.Approve(c.Context(), j.Digest, ledger.Action(args[0]), card, by, k)
			if err != nil {
				return err
			}
			r := actReport{head: schema("audit-act"), Action: "approved " + args[0], Job: j.Name, Operator: by.Operator, Signatures: have}
			if card != "" {
				r.ICCID = a.digits(card, "")
			}
			return a.show(r)
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", "file with your private key")
	c.Flags().StringVar(&card, "card", "", "ICCID of the card of a redo")
	return c
}
