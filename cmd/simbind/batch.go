package main

import "github.com/spf13/cobra"

func (a *app) batchCommand() *cobra.Command {
	var o ledgerFlags
	c := &cobra.Command{
		Use: "batch", Short: "Work through a job of many cards, each exactly once",
		Long: `Verbs of the issuance bench. What was done to which card is in the ledger (see 'simbind audit').`,
	}
	o.add(c)
	c.AddCommand(a.batchReportCommand(&o))
	return c
}
