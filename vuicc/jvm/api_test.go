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
	var names []string
	err := filepath.WalkDir(api, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "Stub.class" {
			return err
		}
		rel, err := filepath.Rel(api, path)
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(rel, ".class"), string(filepath.Separator), "."))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	has, wanted := signatures(t, classes.runtime, names), signatures(t, api, names)
	for line := range wanted {
		if !has[line] {
			t.Errorf("%s: not in the runtime", line)
		}
	}
	if len(wanted) < 200 {
		t.Errorf("%d signatures", len(wanted))
	}
}

// signatures are what javap tells, behind the head of its class: members that are not private or of the package, and constants with
// their values. Interfaces the runtime adds to a class are its own.
func signatures(t *testing.T, path string, names []string) map[string]bool {
	t.Helper()
	out, err := exec.Command("javap", append([]string{"-protected", "-constants", "-cp", path}, names...)...).CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("javap: %w\n%s", err, out))
	}
	lines := map[string]bool{}
	class := ""
	for _, line := range strings.Split(string(out), "\n") {
		line = strings.TrimSpace(line)
		if head, ok := strings.CutSuffix(line, " {"); ok {
			class, _, _ = strings.Cut(head, " implements ")
			lines[class] = true
		} else if strings.HasSuffix(line, ";") {
			lines[class+": "+line] = true
		}
	}
	return lines
}
