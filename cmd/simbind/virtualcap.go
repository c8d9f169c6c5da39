package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/vuicc/standin"
)

func (a *app) virtualCAP() *cobra.Command {
	var o standin.Options
	var force bool
	c := &cobra.Command{
		Use:   "cap FILE",
		Short: "Make a CAP file to try installing with on a virtual card",
		Long: `Make a CAP file with the names, imports and size of the binding applet, for 'applet install' on a virtual card, which runs
its own model of the applet whatever the file's bytecode is. A real card cannot run it: docs/applet.md tells how the real one is built.`,
		Example: "  simbind virtual cap binding.cap\n  simbind virtual new card.json --image no-applet\n  simbind applet install binding.cap --reader virtual:card.json --test-keys",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cap, err := standin.CAP(o)
			if err != nil {
				return usagef("%w", err)
			}
			if err := a.writeNew(args[0], cap, force); err != nil || !a.global.json {
				return err
			}
			return a.show(capReport{schema("virtual-cap"), args[0], len(cap)})
		},
	}
	c.Flags().IntVar(&o.Size, "size", standin.DefaultSize, "bytes of the load file")
	c.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return c
}

type capReport struct {
	head
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
}

func (r capReport) text(w io.Writer, _ printer) { fmt.Fprintf(w, "%s: %d bytes\n", r.File, r.Bytes) }

// writeNew writes a file that must not be there, unless forced.
func (a *app) writeNew(path string, data []byte, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, mode, 0o644)
	if errors.Is(err, os.ErrExist) {
		return &codeError{code: exitRefused, err: fmt.Errorf("%s: a file is there already", path), hint: "--force replaces it"}
	}
	if err != nil {
		return fileError(path, err)
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	a.say("%s: %d bytes", path, len(data))
	return f.Close()
}
