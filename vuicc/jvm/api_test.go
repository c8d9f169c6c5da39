package jvm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simbind/simbind/applet"
	"github.com/simbind/simbind/vuicc/jvm"
)

// TestRuntimeHasTheAPI: every class, method and constant of the stubs the applet is compiled against is in the runtime, with the same
// signature, so that what compiles links.
func TestRuntimeHasTheAPI(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "sources"), applet.Sources); err != nil {
		t.Fatal(err)
	}
	api := filepath.Join(dir, "api")
	if err := jvm.CompileApplet(api, filepath.Join(dir, "sources", "api"), filepath.Join(dir, "sources", "api")); err != nil {
		t.Fatal(err)
	}
	found := 0
	err := filepath.WalkDir(api, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "Stub.class" {
			return err
		}
		rel, err := filepath.Rel(api, path)
		if err != nil {
			return err
		}
		class := strings.ReplaceAll(strings.TrimSuffix(rel, ".class"), string(filepath.Separator), ".")
		has := signatures(t, classes.runtime, class)
		for line := range signatures(t, api, class) {
			found++
			if !has[line] {
				t.Errorf("%s: %s is not in the runtime", class, line)
			}
		}
		return nil
	})
	if err != nil || found < 200 {
		t.Errorf("%d signatures, %v", found, err)
	}
}

// signatures are the lines of javap: members that are not private or of the package, and constants with their values. Interfaces the
// runtime adds to a class are its own.
func signatures(t *testing.T, path, class string) map[string]bool {
	t.Helper()
	out, err := exec.Command("javap", "-protected", "-constants", "-cp", path, class).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("javap %s: %w\n%s", class, err, out))
	}
	lines := map[string]bool{}
	for _, line := range strings.Split(string(out), "\n")[1:] {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, ";") {
			lines[line] = true
		}
		if head, ok := strings.CutSuffix(line, " {"); ok {
			head, _, _ = strings.Cut(head, " implements ")
			lines[head] = true
		}
	}
	return lines
}
