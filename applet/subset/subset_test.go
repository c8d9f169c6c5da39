package subset_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/simbind/simbind/applet/subset"
)

// What the applet may grow to, in bytes: the load file, and transient memory.
const (
	loadBudget      = 9398
	transientBudget = 256
)

var (
	compiled    string // holds what javac makes
	stubsOnce   sync.Once
	stubsFolder string
)

func TestMain(m *testing.M) {
	var err error
	if compiled, err = os.MkdirTemp("", "subset"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(compiled)
	os.Exit(code)
}

// javac compiles every source below the folders, with the stubs on the class path unless they are what is compiled.
func javac(t *testing.T, classPath string, sources ...string) string {
	t.Helper()
	tool, err := exec.LookPath("javac")
	if err != nil {
		t.Fatal("javac is missing; scripts/setup installs it")
	}
	out, err := os.MkdirTemp(compiled, "")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--release", "8", "-Xlint:-options", "-g", "-implicit:none", "-d", out}
	if classPath != "" {
		args = append(args, "-cp", classPath)
	}
	if said, err := exec.Command(tool, append(args, sources...)...).CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("javac: %v\n%s", err, said)
	}
	return out
}

func sources(t *testing.T, folder string) []string {
	t.Helper()
	return find(t, folder, ".java")
}

func find(t *testing.T, folder, suffix string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, suffix) {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no %s below %s: %v", suffix, folder, err)
	}
	return out
}

func classes(t *testing.T, folder string) []*subset.Class {
	t.Helper()
	var out []*subset.Class
	for _, path := range find(t, folder, ".class") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := subset.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, c)
	}
	return out
}

// stubs compiles the API once for all tests.
func stubs(t *testing.T) string {
	t.Helper()
	stubsOnce.Do(func() { stubsFolder = javac(t, "", sources(t, "../api")...) })
	if stubsFolder == "" {
		t.Fatal("the stubs did not compile; see the first test that failed")
	}
	return stubsFolder
}

func applet(t *testing.T) []*subset.Class {
	t.Helper()
	return classes(t, javac(t, stubs(t), sources(t, "../src")...))
}

func TestAppletIsInTheSubset(t *testing.T) {
	for _, f := range subset.Check(applet(t)) {
		t.Error(f)
	}
}

// TestBudget prints what the applet costs; docs/applet.md holds the same table.
func TestBudget(t *testing.T) {
	p := subset.Estimate(applet(t))
	table := render(p)
	t.Log("\n" + table)
	if p.Load() >= loadBudget {
		t.Errorf("load file of about %d bytes: the budget is %d", p.Load(), loadBudget)
	}
	if p.Transient <= 0 || p.Transient >= transientBudget {
		t.Errorf("%d bytes of transient memory: the budget is %d", p.Transient, transientBudget)
	}
	doc, err := os.ReadFile("../../docs/applet.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(doc, []byte(table)) {
		t.Errorf("docs/applet.md does not hold this table:\n%s", table)
	}
}

func render(p subset.Package) string {
	var b strings.Builder
	b.WriteString("| class | methods | code | heads | class info | stack | locals | an object |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range p.Classes {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", filepath.Base(c.Class), c.Methods, c.Code, c.Heads, c.Structure, c.MaxStack, c.MaxLocals, c.Object)
	}
	b.WriteString("\n| component | bytes |\n|---|---|\n")
	for _, c := range p.Components {
		fmt.Fprintf(&b, "| %s | %d |\n", c.Name, c.Bytes)
	}
	fmt.Fprintf(&b, "\nLoad file %d bytes, persistent memory %d, transient memory %d.\n", p.Load(), p.Persistent, p.Transient)
	for _, pkg := range []string{"java/lang", "javacard/framework", "uicc/access", "uicc/toolkit", "org/globalplatform"} {
		if p.Imports[pkg] != "" {
			fmt.Fprintf(&b, "Imports %s %s.\n", strings.ReplaceAll(pkg, "/", "."), p.Imports[pkg])
		}
	}
	return b.String()
}

// TestStubsAreTheTable: stubs and table were written apart, and name the same classes and members.
func TestStubsAreTheTable(t *testing.T) {
	have := map[string]bool{}
	for _, c := range classes(t, stubs(t)) {
		if filepath.Base(c.Name) == "Stub" {
			continue
		}
		have[c.Name] = true
		for _, m := range c.Methods {
			if m.Name != "<clinit>" && m.Flags&0x0005 != 0 { // public or protected
				have[c.Name+"."+m.Name+m.Descriptor] = true
			}
		}
	}
	want := map[string]bool{}
	var pkg, class string
	for line := range strings.Lines(subset.API) {
		switch f := strings.Fields(line); {
		case len(f) < 2:
		case f[0] == "package":
			pkg = f[1]
		case pkg == "java/lang": // the compiler's own
		case f[0] == "class":
			class = pkg + "/" + f[1]
			want[class] = true
		default:
			want[class+"."+f[2]] = true
		}
	}
	for name := range want {
		if !have[name] {
			t.Errorf("no stub for %s", name)
		}
	}
	for name := range have {
		if !want[name] {
			t.Errorf("the table has no %s", name)
		}
	}
}

// TestRefusals compiles testdata/refused, one offence a line: "// refuse: words" behind it says what must be told there, and
// nothing else may be, unless the file says "// and more". "// refuse the class: words" anywhere is an offence the class file has no line for.
func TestRefusals(t *testing.T) {
	const folder = "testdata/refused"
	bySource := map[string][]*subset.Class{}
	for _, c := range classes(t, javac(t, stubs(t), sources(t, folder)...)) {
		bySource[c.Source] = append(bySource[c.Source], c)
	}
	for _, path := range sources(t, folder) {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".java"), func(t *testing.T) {
			text, want := expectations(t, path)
			for _, f := range subset.Check(bySource[name]) {
				if f.File != name {
					t.Errorf("the file is %s: %s", name, f)
				}
				if !met(want, f) && !strings.Contains(text, "// and more") {
					t.Errorf("not expected: %s", f)
				}
			}
			for line, words := range want {
				for _, w := range words {
					if w != "" {
						t.Errorf("line %d: not refused: %s", line, w)
					}
				}
			}
		})
	}
}

var expectation = regexp.MustCompile(`// refuse( the class)?: (.*)$`)

func expectations(t *testing.T, path string) (text string, want map[int][]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int][]string{}
	for n, line := range strings.Split(string(b), "\n") {
		if m := expectation.FindStringSubmatch(line); m != nil {
			at := n + 1
			if m[1] != "" {
				at = 0
			}
			out[at] = append(out[at], strings.Split(m[2], "; ")...)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s expects nothing", path)
	}
	return string(b), out
}

// met tells whether the finding was expected at its line; the words are blanked in place.
func met(want map[int][]string, f subset.Finding) bool {
	for i, w := range want[f.Line] {
		if w != "" && strings.Contains(f.What, w) {
			want[f.Line][i] = ""
			return true
		}
	}
	return false
}
