package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	shellWord = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)
	// callIn finds calls in documents: lines of a block, with a prompt or without, and what stands between backquotes.
	callIn = regexp.MustCompile("(?m)^(?:\\$ )?(?:\\./)?(simbind .*)$|`(simbind [^`\n]*)`")
)

// TestExamplesParse: every call in a help text, in README.md and in docs is one of a verb that there is, with flags and arguments that it takes.
func TestExamplesParse(t *testing.T) {
	calls := map[string]string{} // where each stands
	a := &app{out: io.Discard, err: io.Discard}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "simbind ") {
				calls[line] = c.CommandPath() + " --help"
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.root())
	pages, err := filepath.Glob(filepath.Join(repository(), "docs", "*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join(repository(), "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range callIn.FindAllStringSubmatch(strings.ReplaceAll(string(text), "`simbind seal v1`", ""), -1) { // words that are signed
			calls[m[1]+m[2]] = filepath.Base(page)
		}
	}
	if len(calls) < 100 {
		t.Errorf("%d calls", len(calls))
	}
	for call, where := range calls {
		checkCall(t, where, call)
	}
}

// checkCall parses the calls of a line; what stands behind a pipe, a redirection or a remark is left out.
func checkCall(t *testing.T, where, line string) {
	line = regexp.MustCompile(`\s+#\s.*$|\s+[|<>&].*$`).ReplaceAllString(line, "")
	var words []string
	for _, w := range shellWord.FindAllString(line, -1)[1:] {
		words = append(words, strings.Trim(w, `"'`))
	}
	root := (&app{out: io.Discard, err: io.Discard}).root()
	verb, rest, err := root.Find(words)
	if err != nil || verb == root && len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		t.Errorf("%s: %s: no such verb (%v)", where, line, err)
		return
	}
	if err := verb.ParseFlags(rest); err != nil && !strings.HasPrefix(err.Error(), "flag needs an argument") { // a text may name a flag alone
		t.Errorf("%s: %s: %v", where, line, err)
		return
	}
	args := verb.Flags().Args()
	if err := verb.ValidateArgs(args); err != nil && strings.HasSuffix(where, "--help") {
		t.Errorf("%s: %s: %v", where, line, err)
	}
	if verb.Name() == "send" {
		if _, err := rawSteps(args); err != nil {
			t.Errorf("%s: %s: %v", where, line, err)
		}
	}
}
