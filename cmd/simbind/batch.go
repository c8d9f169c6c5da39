package main

import "github.com/spf13/cobra"

func (a *app) batchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "batch",
		Short: "Many cards, each exactly once: a job, its run, its record",
		Long: `A job says which cards shall be brought to which binding: a folder with job.yaml and cards.csv, a
YAML file that names the CSV, or the CSV alone. See docs/bench.md.`,
	}
	c.AddCommand(a.batchCheckCommand())
	return c
}
