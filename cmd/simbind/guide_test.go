package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// guideCommand is a line a reader of a document would type, and what the document says that it prints: … stands for anything.
type guideCommand struct {
	heading string
	block   string // what stands behind the fence: console, and what it needs
	text    string
	exit    int
	want    []string
}

var (
	guideFence = regexp.MustCompile("(?ms)^```([^\n`]*)\n(.*?)^```$")
	guideExit  = regexp.MustCompile(`\s+# exit (\d+)$`)
)

// guideCommands gives the commands of a document in their order.
func guideCommands(t *testing.T, document string) (out []guideCommand) {
	t.Helper()
	text := readDocument(t, document)
	headings := regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatchIndex(text, -1)
	for _, at := range guideFence.FindAllStringSubmatchIndex(text, -1) {
		c := guideCommand{block: text[at[2]:at[3]]}
		for _, h := range headings {
			if h[0] < at[0] {
				c.heading = text[h[2]:h[3]]
			}
		}
		for line := range strings.Lines(text[at[4]:at[5]]) {
			line = strings.TrimRight(line, "\n")
			command, is := strings.CutPrefix(line, "$ ")
			switch {
			case is:
				c.text, c.exit, c.want = command, 0, nil
				if m := guideExit.FindStringSubmatch(command); m != nil {
					fmt.Sscan(m[1], &c.exit)
				}
				out = append(out, c)
			case len(out) > 0 && c.text != "" && line != "":
				last := &out[len(out)-1]
				last.want = append(last.want, line)
			}
		}
	}
	return out
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// guide is somebody who follows docs/bench.md: a folder, a shell that remembers its environment, and virtual cards at hand.
type guide struct {
	t       *testing.T
	dir     string
	replace *strings.Replacer // of what only an example can name
	before  map[string]func() // by heading or command: what happens in the world before it
	reader  string
	heading string
}

// newGuide lays out the worked example of docs/bench.md, as its text says.
func newGuide(t *testing.T) *guide {
	g := &guide{t: t, dir: t.TempDir(), replace: strings.NewReplacer(), reader: "virtual:" + filepath.Join("cards")}
	for _, name := range []string{"march-500", "cards", "drawer"} {
		if err := os.Mkdir(filepath.Join(g.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"job.yaml", "cards.csv", "keys.csv"}
	last := ""
	for _, m := range guideFence.FindAllStringSubmatch(readDocument(t, "docs/bench.md"), -1) {
		if m[1] != "yaml" && m[1] != "csv" {
			continue
		}
		if last = m[2]; len(files) > 0 {
			g.file(filepath.Join("march-500", files[0]), last, 0o644)
			files = files[1:]
		}
	}
	g.file("march-500/output.yaml", last, 0o644)
	g.file("march-500/tray", "#!/bin/sh\n", 0o755)
	g.cards()
	g.before = map[string]func(){
		"The first day":                                func() { g.hand("a", "b of another order") },
		"Put aside, and into the bin":                  func() { g.hand("b") },
		"The second day":                               func() { g.hand("c", "d") },
		"Several stations":                             func() { g.hand("a", "c") },
		"simbind batch run march-500 --station desk-2": func() { g.hand("a", "b", "d") },
	}
	return g
}

func (g *guide) file(name, text string, mode os.FileMode) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), mode); err != nil {
		g.t.Fatal(err)
	}
}

// cards makes the cards of the example, a to d, in a drawer: with the keys of the job, and the IMSIs it expects. c has no applet.
func (g *guide) cards() {
	t := g.t
	t.Helper()
	if err := os.Chmod(filepath.Join(g.dir, "march-500/keys.csv"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := job.Load(filepath.Join(g.dir, "march-500"), job.Options{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := j.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	run := personalize.Run{AID: binding.DefaultAID, Rand: zeros{}, Now: time.Now}
	for n, iccid := range j.ICCIDs() {
		k, err := source.Card(iccid, "")
		if err != nil {
			t.Fatal(err)
		}
		row, _ := j.Row(iccid)
		imsi := first(row.IMSI, "001010000123459")
		card, err := rehearsalCard(&run, row, imsi, k)
		if err != nil {
			t.Fatal(err)
		}
		img := card.Image().Clone()
		name := string(rune('a' + n))
		if name == "c" {
			img.Applets = nil
		}
		g.put(name, img)
		if name == "b" {
			img.Domain.Keys[0].MAC[0] ^= 1
			g.put("b of another order", img)
		}
	}
	g.file("march-500/keys.csv", readFile(t, filepath.Join(g.dir, "march-500/keys.csv")), 0o600)
	if err := os.Chmod(filepath.Join(g.dir, "march-500/keys.csv"), 0o644); err != nil { // the guide says what to do about it
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// zeros is no chance at all: cards of a test need none.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func (g *guide) put(name string, img image.Image) {
	g.t.Helper()
	if _, err := vuicc.Create(filepath.Join(g.dir, "drawer", name+".json"), img); err != nil {
		g.t.Fatal(err)
	}
}

// hand takes these cards to the bench, and all others away from it.
func (g *guide) hand(names ...string) {
	g.t.Helper()
	there, err := filepath.Glob(filepath.Join(g.dir, "cards", "*.json"))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, path := range there {
		if err := os.Rename(path, filepath.Join(g.dir, "drawer", filepath.Base(path))); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(g.dir, "drawer", name+".json"), filepath.Join(g.dir, "cards", name+".json")); err != nil {
			g.t.Fatal(err)
		}
	}
}

// follow types a command, and holds what it says against the document.
func (g *guide) follow(c guideCommand) {
	t := g.t
	t.Helper()
	happen := g.before[c.text]
	if c.heading != g.heading {
		g.heading, happen = c.heading, g.before[c.heading]
	}
	if happen != nil {
		happen()
	}
	// -e would end the shell before it keeps its environment
	shell := exec.Command("bash", "-c", "[ ! -f .environment ] || . ./.environment; export SIMBIND_READER="+g.reader+"\n"+
		g.replace.Replace(c.text)+"\nended=$?; export -p > .environment; exit $ended")
	shell.Dir = g.dir
	shell.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "SIMBIND_") || strings.HasPrefix(s, "XDG_") }),
		"HOME="+g.dir, "GORACE=atexit_sleep_ms=0")
	out, _ := shell.CombinedOutput() // the exit code is looked at
	if code := shell.ProcessState.ExitCode(); code != c.exit {
		t.Fatalf("%s: $ %s\nexit code %d, the document says %d\n%s", c.heading, c.text, code, c.exit, out)
	}
	for _, want := range c.want {
		words := strings.Fields(regexp.QuoteMeta(want))
		line := strings.ReplaceAll(strings.Join(words, `\s+`), "…", ".*")
		if !regexp.MustCompile(line).Match(out) {
			t.Errorf("%s: $ %s\nthe document says: %s\n%s", c.heading, c.text, want, out)
		}
	}
}

// TestGuide follows docs/bench.md from its first command to its last, but for those that need a PC/SC service or a database.
func TestGuide(t *testing.T) {
	g := newGuide(t)
	ran := 0
	for _, c := range guideCommands(t, "docs/bench.md") {
		switch c.block {
		case "console":
			g.follow(c)
			ran++
		case "console pcscd", "console postgres": // TestPCSCDGuide
		default:
			t.Errorf("%s: $ %s stands in a block that nobody runs (%s)", c.heading, c.text, c.block)
		}
	}
	if ran < 30 {
		t.Errorf("%d commands", ran)
	}
	for _, name := range []string{"rehearsal.html", "march-500.html", "march-500.csv", "march-500.seal.json", "march-500/done.csv", "bench/ledger.db"} {
		if !exists(filepath.Join(g.dir, name)) {
			t.Errorf("%s is not there", name)
		}
	}
}

// TestGuideNamesEverySign: what the view says is in the guide's table, with its colour.
func TestGuideNamesEverySign(t *testing.T) {
	text := readDocument(t, "docs/bench.md")
	colours := map[string]string{green: "green", red: "red", yellow: "yellow", grey: "grey"}
	for verdict, s := range signs {
		if row := fmt.Sprintf("\n| %s | %s |", s.word, colours[s.colour]); !strings.Contains(text, row) {
			t.Errorf("%s: docs/bench.md has no row %s", verdict, row)
		}
	}
}

// TestReadme runs what the README says of a rehearsal, behind its build command, in a copy of what a clone holds, and its session with a virtual card.
func TestReadme(t *testing.T) {
	g := &guide{t: t, dir: t.TempDir(), replace: strings.NewReplacer()}
	tool, err := exec.LookPath("simbind")
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{tool: "simbind", filepath.Join(repository(), "scripts"): "scripts"} {
		if err := os.Symlink(from, filepath.Join(g.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	ran := map[string]int{}
	for _, c := range guideCommands(t, "README.md") {
		if c.heading == "A session" {
			g.reader, g.replace = "virtual:card.json", strings.NewReplacer("--keys keys.csv", "--test-keys")
		}
		g.follow(c)
		ran[c.heading]++
	}
	if ran["A batch, rehearsed"] != 2 || ran["A session"] < 10 || len(ran) != 2 {
		t.Errorf("commands: %v", ran)
	}
	page, err := os.ReadFile(filepath.Join(g.dir, "rehearsal.html"))
	if err != nil || !strings.Contains(string(page), "<html") || !strings.Contains(string(page), "example (rehearsal)") {
		t.Errorf("the page: %d bytes, %v", len(page), err)
	}
}
