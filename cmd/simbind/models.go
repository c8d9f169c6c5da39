package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/diagnose"
)

func addTAC(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "tac", "", "table of TACs (CSV with tac, brand, model) to name devices by; none is shipped")
}

// showIdentities says how identities appear in this call.
func (a *app) showIdentities(table string) (diagnose.Show, error) {
	models, err := readModels(table)
	return diagnose.Show{Reveal: a.global.reveal, Models: models}, err
}

// readModels reads a table of TACs; without a name none are known.
func readModels(path string) (binding.Models, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("--tac "+path, err)
	}
	defer f.Close()
	models, err := binding.ReadModels(f, path)
	if err != nil {
		return nil, usagef("--tac %w", err)
	}
	return models, nil
}

// modelRows are TACs with their names, one a line.
func modelRows(named map[string]string) [][2]string {
	var out [][2]string
	for tac, name := range named {
		out = append(out, [2]string{"model " + tac, name})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// holderNames are the process names of programs known for taking cards (pcsc.UsualHolders).
var holderNames = []string{"scdaemon", "gsd-smartcard", "pcsc_scan", "opensc-tool", "pkcs11-tool", "p11-kit-server", "simbind"}

// holders lists running programs known for taking cards, where the system tells its processes as files (Linux).
func (a *app) holders() []string {
	entries, err := os.ReadDir(a.proc)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		raw, err := os.ReadFile(fmt.Sprintf("%s/%s/comm", a.proc, e.Name()))
		name := strings.TrimSpace(string(raw))
		if err != nil || !slices.Contains(holderNames, name) || e.Name() == fmt.Sprint(os.Getpid()) {
			continue
		}
		out = append(out, fmt.Sprintf("%s (process %s)", name, e.Name()))
	}
	return out
}
