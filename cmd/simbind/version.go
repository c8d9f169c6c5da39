package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	mcobra "github.com/muesli/mango-cobra"
	"github.com/muesli/roff"
	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/pcsc"
)

// version is set by the linker for releases.
var version = "development"

type versionReport struct {
	head
	Tool            string `json:"tool"`
	Revision        string `json:"revision,omitempty"`
	Modified        bool   `json:"modified,omitempty"`
	Go              string `json:"go"`
	Platform        string `json:"platform"`
	Readers         bool   `json:"readers"` // built with access to PC/SC readers
	AppletInterface int    `json:"applet_interface"`
}

func (r versionReport) text(w io.Writer, _ printer) {
	fmt.Fprintf(w, "simbind %s\n", r.Tool)
	readers := "yes"
	if !r.Readers {
		readers = "no (built without cgo)"
	}
	pairs(w, [][2]string{{"revision", r.Revision}, {"go", r.Go}, {"platform", r.Platform}, {"PC/SC readers", readers}, {"applet interface", fmt.Sprint(r.AppletInterface)}})
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version and build facts",
		Example: "  simbind version --json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.show(versionFacts()) },
	}
}

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man",
		Short:   "Print the manual page",
		Example: "  simbind man | man -l -",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			reflow(c.Root())
			page, err := mcobra.NewManPage(1, c.Root())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.out, page.Build(roff.NewDocument()))
			return err
		},
	}
}

// reflow joins the lines of every paragraph: roff breaks lines itself and takes each of ours for a paragraph. Lists stay.
func reflow(c *cobra.Command) {
	paragraphs := strings.Split(c.Long, "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains(p, "\n  ") {
			paragraphs[i] = strings.ReplaceAll(p, "\n", " ")
		}
	}
	c.Long = strings.Join(paragraphs, "\n\n")
	for _, sub := range c.Commands() {
		reflow(sub)
	}
}

// versionFacts reads what the linker and the build left in the binary.
func versionFacts() versionReport {
	r := versionReport{
		head: schema("version"), Tool: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Readers: pcsc.Available, AppletInterface: binding.InterfaceVersion,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Revision = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
	return r
}
