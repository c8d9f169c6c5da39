//go:build pcscd

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestPCSCDScripts runs every file of testdata/pcscd through a real pcscd: scripts/with-pcscd -n 6 starts it. Every script has a
// reader of its own, named in its first lines.
func TestPCSCDScripts(t *testing.T) {
	ports := strings.Fields(os.Getenv("SIMBIND_VPCD_PORTS"))
	if len(ports) < 6 {
		t.Fatalf("SIMBIND_VPCD_PORTS names %d readers, 6 are needed: run through scripts/with-pcscd -n 6", len(ports))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "pcscd"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SIMBIND_STATE_DIR", filepath.Join(e.WorkDir, "state"))
			e.Setenv("SCENARIOS", filepath.Join(repository(), "scenarios"))
			e.Setenv("A", "490154203237518")
			e.Setenv("B", "352099001761481")
			for i, p := range ports {
				e.Setenv("PORT"+string('0'+rune(i)), p)
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "keys.csv"), []byte(keyFile), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "valid": valid, "private": private},
	})
}
