package main

import (
	"bufio"
	"bytes"
	"context"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// notJSON are verbs whose output is a text for other programs.
var notJSON = map[string]string{
	"completion bash": "a script of the shell", "completion zsh": "a script of the shell", "completion fish": "a script of the shell",
	"completion powershell": "a script of the shell", "man": "a page for man", "help": "the help of another verb",
}

// inGo are verbs that take more than a script: each holds its JSON against its schema itself.
var inGo = map[string]func(*testing.T){"virtual serve": servedSample}

// servedSample is the driver of a pcscd that takes the card, and then an interrupt.
func servedSample(t *testing.T) {
	driver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer driver.Close()
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		if c, err := driver.Accept(); err == nil {
			defer c.Close()
			interrupt()
			_, _ = c.Read(make([]byte, 1)) // until the card goes
		}
	}()
	card := filepath.Join(t.TempDir(), "card.json")
	_, port, _ := net.SplitHostPort(driver.Addr().String())
	for _, args := range [][]string{{"virtual", "new", card}, {"virtual", "serve", card, "--port", port, "--json"}} {
		var out, talk bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &talk, now: time.Now, rand: rand.New(rand.NewSource(9))}
		if code := a.execute(ctx, args); code != exitDone {
			t.Fatalf("%v: exit %d\n%s", args, code, talk.String())
		}
		if args[1] == "serve" {
			if err := validate("virtual-serve", out.String()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestEveryVerbHasAValidSample walks the tree of verbs: for each there is a script that runs it with --json and holds what it printed against its
// schema. TestScripts runs those scripts, so that a sample that does not validate fails there.
func TestEveryVerbHasAValidSample(t *testing.T) {
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	root := a.root()
	root.InitDefaultHelpCmd()
	samples := map[string]string{}
	for _, pattern := range []string{"testdata/*.txtar", "testdata/pcscd/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			collectSamples(t, root, f, samples)
		}
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		verb := strings.TrimPrefix(c.CommandPath(), "simbind ")
		if c.HasSubCommands() || notJSON[verb] != "" {
			return
		}
		if sample := inGo[verb]; sample != nil {
			t.Run(verb, sample)
			return
		}
		if schema := samples[verb]; schema == "" || schema == "error" {
			t.Errorf("no script holds the JSON of %q against a schema", verb)
		}
	}
	walk(root)
}

// collectSamples reads a script: a line that runs a verb with --json, and the schema its output is held against before the next is run.
func collectSamples(t *testing.T, root *cobra.Command, script string, into map[string]string) {
	t.Helper()
	f, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	verb := ""
	for in := bufio.NewScanner(f); in.Scan(); {
		words := strings.Fields(in.Text())
		switch {
		case len(words) > 0 && strings.HasPrefix(words[0], "--"): // the files behind the script
			return
		case len(words) > 2 && (words[0] == "exec" || words[0] == "exits"):
			verb = verbOf(root, words[2:])
		case len(words) == 2 && words[0] == "valid" && verb != "":
			if into[verb] == "" || into[verb] == "error" {
				into[verb] = words[1]
			}
		}
	}
}

// verbOf is the path of the verb that words run with --json; "" for any other call.
func verbOf(root *cobra.Command, words []string) string {
	json := false
	for _, w := range words {
		json = json || w == "--json"
	}
	c, _, err := root.Find(words)
	if !json || err != nil {
		return ""
	}
	return strings.TrimPrefix(c.CommandPath(), "simbind ")
}
