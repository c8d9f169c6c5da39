package main

import (
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/trace"
)

// replayCommand plays a recorded status against the host's decoders: what did that card say?
func (a *app) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay FILE",
		Short: "Read the binding state out of a recorded 'status --reveal --trace'",
		Long: `Play the card of a transcript that was recorded with --reveal, and run 'status' on it: every command
must match byte for byte, and no recorded command may be left over.`,
		Example: "  simbind status --reveal --trace talk.txt && simbind trace replay talk.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.loadTrace(c.Context(), args[0], trace.Parse)
			if err != nil {
				return err
			}
			player, err := trace.Replay(t)
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			aid, err := a.appletAID()
			if err != nil {
				return err
			}
			run := &personalize.Run{Card: recordedCard{player, args[0]}, AID: aid, Now: a.now}
			st, err := run.Status(c.Context(), personalize.Expected{}, false)
			if err != nil {
				return err
			}
			if err := player.Done(); err != nil {
				return err
			}
			return a.show(a.statusReport(&st, trace.Count(player, a.now)))
		},
	}
}
