package main

import "github.com/spf13/cobra"

func (a *app) batchCommand() *cobra.Command {
	var l ledgerFlags
	c := &cobra.Command{
		Use: "batch", Short: "The issuance bench: many cards, many readers, each card once",
		Long: `Work through a job of cards, look where they are, and do failed ones again. The ledger keeps what was
done (docs/ledger.md).`,
	}
	l.add(c)
	c.AddCommand(a.batchRunCommand(&l), a.batchRetryCommand(&l), a.batchStatusCommand(&l))
	return c
}
