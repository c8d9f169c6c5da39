package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize/ledger"
)

type auditDoubtReport struct {
	head
	Cards []doubtView `json:"cards"`
}

type doubtView struct {
	ICCID    string `json:"iccid"`
	Job      string `json:"job"`
	Claim    string `json:"claim"`
	Station  string `json:"station"`
	Operator string `json:"operator"`
	Claimed  string `json:"claimed"`
	Lease    string `json:"lease"`
	Expired  bool   `json:"expired"`
}

func (r auditDoubtReport) text(w io.Writer, _ printer) {
	if len(r.Cards) == 0 {
		fmt.Fprintln(w, "no card is at work or in doubt")
		return
	}
	var rows [][]string
	for _, c := range r.Cards {
		lease := c.Lease
		if c.Expired {
			lease = "over"
		}
		rows = append(rows, []string{c.ICCID, c.Station, c.Operator, c.Claimed, lease})
	}
	table(w, []string{"card", "station", "operator", "claimed", "lease"}, rows)
}

func (a *app) auditDoubtCommand(o *ledgerFlags) *cobra.Command {
	return &cobra.Command{
		Use: "doubt [JOB]", Short: "List cards that were claimed and not concluded", Args: cobra.MaximumNArgs(1),
		Long: `List the claims nothing concluded: cards at work just now, and those of a station that died. Whether a
card was written only the card tells: it is read again by its station, or by any other after
'audit release' or when the lease is over.`,
		Example: "  simbind audit doubt",
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.oldLedger(c.Context(), o)
			if err != nil {
				return err
			}
			defer l.Close()
			job := ""
			if len(args) == 1 {
				j, err := jobCalled(c.Context(), l, args[0])
				if err != nil {
					return err
				}
				job = j.Digest
			}
			cards, err := l.InDoubt(c.Context(), job)
			if err != nil {
				return err
			}
			r := auditDoubtReport{head: schema("audit-doubt"), Cards: []doubtView{}}
			for _, s := range cards {
				r.Cards = append(r.Cards, doubtView{ICCID: a.digits(s.ICCID, s.Card), Job: s.Job, Claim: s.Claim, Station: s.By.Station,
					Operator: s.By.Operator, Claimed: utc(s.Claimed), Lease: utc(s.Lease), Expired: s.Expired})
			}
			return a.show(r)
		},
	}
}

func (a *app) auditReleaseCommand(o *ledgerFlags) *cobra.Command {
	return a.decisionCommand(o, &cobra.Command{
		Use: "release ICCID", Short: "Say that a station will not go on with a card",
		Long: `Take a claim from its station, which can write nothing more about the card: any station may read the
card again and conclude. The card is not called untouched by this.`,
		Example: `  simbind audit release 8988211000000430010 --reason "desk 2 has no power" --yes`,
	}, "released", "may another station take this card over?", (*ledger.Ledger).Release)
}

func (a *app) auditRejectCommand(o *ledgerFlags) *cobra.Command {
	return a.decisionCommand(o, &cobra.Command{
		Use: "reject ICCID", Short: "Say that a card in quarantine goes into the bin",
		Long: `Count a card as rejected: one in quarantine, or one in doubt that nobody can read again and whose claim
was released or whose lease is over.`,
		Example: `  simbind audit reject 8988211000000430010 --reason "cut in two" --yes`,
	}, "rejected", "does this card go into the bin?", (*ledger.Ledger).Reject)
}

// decisionCommand is a person's word about the claim that holds a card, with a reason, agreed to.
func (a *app) decisionCommand(o *ledgerFlags, c *cobra.Command, done, question string, decide func(*ledger.Ledger, context.Context, string, ledger.Actor, string) error) *cobra.Command {
	var yes bool
	var reason string
	c.Args = cobra.ExactArgs(1)
	c.Flags().BoolVar(&yes, "yes", false, "agree without a prompt")
	c.Flags().StringVar(&reason, "reason", "", "why, for the records (required)")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		if reason == "" {
			return usagef("--reason is missing: the record says why")
		}
		l, err := a.oldLedger(ctx, o)
		if err != nil {
			return err
		}
		defer l.Close()
		s, err := l.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if err := a.confirm(ctx, yes, "--yes", question); err != nil {
			return err
		}
		by := a.actor(o, "")
		if err := decide(l, ctx, s.Claim, by, reason); err != nil {
			return err
		}
		j, err := l.Job(ctx, s.Job)
		if err != nil {
			return err
		}
		return a.show(actReport{head: schema("audit-act"), Action: done, ICCID: a.digits(s.ICCID, s.Card), Job: j.Name, Claim: s.Claim, Operator: by.Operator})
	}
	return c
}

func (a *app) auditEraseCommand(o *ledgerFlags) *cobra.Command {
	var yes bool
	var reason string
	c := &cobra.Command{
		Use: "erase ICCID", Short: "Erase the personal data of a card; the chain stays whole", Args: cobra.ExactArgs(1),
		Long: `Remove the ICCID, the notes and the salt of a card for ever. What stays is digests that nobody can try
out, and a pseudonym that keeps the card from being issued again. A card at work or in doubt is
refused. Backups of the ledger, and backups of EF_IMSI in the state folder, are not touched.`,
		Example: `  simbind audit erase 8988211000000430010 --reason "retention ended" --yes`,
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if reason == "" {
				return usagef("--reason is missing: the record says why")
			}
			l, err := a.oldLedger(ctx, o)
			if err != nil {
				return err
			}
			defer l.Close()
			if err := a.confirm(ctx, yes, "--yes", "erase what the ledger knows about this card? It cannot be brought back."); err != nil {
				return err
			}
			by := a.actor(o, "")
			if err := l.Erase(ctx, args[0], by, reason); err != nil {
				return err
			}
			return a.show(actReport{head: schema("audit-act"), Action: "erased", ICCID: a.digits(args[0], ""), Operator: by.Operator})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "agree without a prompt")
	c.Flags().StringVar(&reason, "reason", "", "why, for the records, in clear (required)")
	return c
}

type auditExportReport struct {
	head
	ICCID   string         `json:"iccid"`
	Card    string         `json:"card"`
	Salt    string         `json:"salt,omitempty"`
	Erased  bool           `json:"erased"`
	Records []exportRecord `json:"records"`
}

type exportRecord struct {
	Hash   string        `json:"hash"`
	Note   string        `json:"note,omitempty"` // in clear
	Record ledger.Record `json:"record"`         // canonical
}

func (r auditExportReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "card %s, in the records as %s\n", r.ICCID, r.Card)
	var rows [][]string
	for _, x := range r.Records {
		c := x.Record
		rows = append(rows, []string{fmt.Sprint(c.Seq), utc(c.Time), string(c.Kind), c.Step, c.SW, string(c.Outcome), c.Station, c.Operator,
			(time.Duration(c.Micros) * time.Microsecond).String(), first(x.Note, c.Words)})
	}
	table(w, []string{"record", "time", "what", "step", "SW", "outcome", "station", "operator", "took", "note"}, rows)
}

func (a *app) auditExportCommand(o *ledgerFlags) *cobra.Command {
	return &cobra.Command{
		Use: "export ICCID", Short: "Show everything the ledger has about a card", Args: cobra.ExactArgs(1),
		Long: `Show every record of a card with its notes, and the salt with which its digests can be recomputed. That it
was shown is recorded.`,
		Example: "  simbind audit export 8988211000000430010 --reveal --json",
		RunE: func(c *cobra.Command, args []string) error {
			l, err := a.oldLedger(c.Context(), o)
			if err != nil {
				return err
			}
			defer l.Close()
			d, err := l.Export(c.Context(), args[0], a.actor(o, ""))
			if err != nil {
				return err
			}
			r := auditExportReport{head: schema("audit-export"), ICCID: a.digits(d.ICCID, d.Card), Card: d.Card, Erased: d.Erased, Records: []exportRecord{}}
			if a.global.reveal { // whoever has it can try out identities
				r.Salt = d.Salt
			}
			for _, x := range d.Records {
				r.Records = append(r.Records, exportRecord{Hash: x.Hash, Note: x.Clear, Record: x})
			}
			return a.show(r)
		},
	}
}
