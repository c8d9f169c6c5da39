package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"simbind": main})
}

// keyFile is what the scripts use for every virtual card: the published test keys.
const keyFile = `iccid,kvn,enc,mac,dek,pin1,adm1
8988211000000430010,30,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,,88888888
8988211000000467343,20,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,1234,88888888
89882110000005300811,20,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,,88888888
89882110000005300829,30,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,404142434445464748494A4B4C4D4E4F,,88888888
`

// TestScripts runs every file of testdata: the folder is the list.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SIMBIND_STATE_DIR", filepath.Join(e.WorkDir, "state"))
			e.Setenv("REPOSITORY", repository())
			e.Setenv("SIMBIND_READER", "virtual:card.json")
			e.Setenv("ICCID", "89882110000005300829") // of image no-applet-t1
			e.Setenv("GORACE", "atexit_sleep_ms=0")   // a second at the end of every call otherwise
			e.Setenv("EXAMPLES", filepath.Join(repository(), "scripts", "examples"))
			e.Setenv("SCENARIOS", filepath.Join(repository(), "scenarios"))
			e.Setenv("A", "490154203237518")
			e.Setenv("B", "352099001761481")
			return os.WriteFile(filepath.Join(e.WorkDir, "keys.csv"), []byte(keyFile), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "ends": ends, "valid": valid, "private": private, "worked": worked, "benched": benched, "tamper": tamper, "issued": issued, "opened": opened},
	})
}

// exits runs simbind and wants an exit code: exits 7 personalize …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG…")
	}
	ends(ts, neg, append([]string{args[0], "simbind"}, args[1:]...))
}

// ends runs any program and wants an exit code: ends 20 $EXAMPLES/fleet-check …
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ends CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// valid holds the JSON on stdout against docs/schemas, every object of a stream: valid status
func valid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: valid SCHEMA")
	}
	ts.Check(validate(args[0], ts.ReadFile("stdout")))
}

func validate(name, text string) error {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(repository(), "docs", "schemas", name+".json"))
	if err != nil {
		return err
	}
	stream := json.NewDecoder(strings.NewReader(text))
	for n := 0; ; n++ {
		var raw json.RawMessage
		if err := stream.Decode(&raw); err == io.EOF && n > 0 {
			return nil
		} else if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		if err := schema.Validate(doc); err != nil {
			return err
		}
	}
}

func repository() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		dir = filepath.Dir(dir)
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// private sets the mode of a file: private 644 keys.csv
func private(ts *testscript.TestScript, _ bool, args []string) {
	var mode os.FileMode
	if _, err := fmt.Sscanf(args[0], "%o", &mode); err != nil {
		ts.Fatalf("mode: %v", err)
	}
	ts.Check(os.Chmod(ts.MkAbs(args[1]), mode))
}

// TestEverySchemaIsUsed: a schema that no script names guards nothing.
func TestEverySchemaIsUsed(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	throughPCSCD, _ := filepath.Glob("testdata/pcscd/*.txtar")
	scripts = append(scripts, throughPCSCD...)
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	var all strings.Builder
	for _, s := range scripts {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	inGoSource, err := os.ReadFile("verbs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := filepath.Glob("../../docs/schemas/*.json")
	if err != nil || len(schemas) < 5 {
		t.Fatalf("%d schemas, %v", len(schemas), err)
	}
	for _, s := range schemas {
		name := strings.TrimSuffix(filepath.Base(s), ".json")
		if !strings.Contains(all.String(), "valid "+name+"\n") && !strings.Contains(string(inGoSource), `validate("`+name+`"`) {
			t.Errorf("no script holds output against %s", name)
		}
		b, err := os.ReadFile(s)
		if err != nil || !json.Valid(b) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
