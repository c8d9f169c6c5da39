package main

import "github.com/spf13/cobra"

func (a *app) batchCommand() *cobra.Command {
	var l ledgerFlags
	c := &cobra.Command{
		Use:   "batch",
		Short: "Many cards, each exactly once: a job, its run, its record",
		Long: `A job says which cards shall be brought to which binding: a folder with job.yaml and cards.csv, a
YAML file that names the CSV, or the CSV alone. See docs/bench.md. The ledger keeps what was done
(docs/ledger.md).`,
	}
	l.add(c)
	c.AddCommand(a.batchCheckCommand(), a.batchRunCommand(&l), a.batchRetryCommand(&l), a.batchStatusCommand(&l), a.batchReportCommand(&l), a.batchOutputCommand(&l))
	return c
}
