package vectors

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryRowIsUsed: a row is claimed for the tests of some package, or excused with a reason, and not both. That the tests of a package use
// the rows claimed for it, Main sees to.
func TestEveryRowIsUsed(t *testing.T) {
	claimed, known := map[string]bool{}, map[string]string{}
	for _, c := range claims {
		rows, err := c.ids()
		if err != nil {
			t.Error(err)
		}
		for _, id := range rows {
			claimed[id] = true
		}
	}
	for _, file := range []string{primitives, sessions, install, parsing, t0} {
		groups, err := ids(file)
		if err != nil {
			t.Fatal(err)
		}
		for group, rows := range groups {
			for _, id := range rows {
				if other, twice := known[id]; twice {
					t.Errorf("row %s stands in %s and in %s", id, other, file)
				}
				known[id] = file
				if reason := excused[id]; claimed[id] == (reason != "") {
					t.Errorf("%s, %s: row %s is claimed: %v, excused: %q", file, group, id, claimed[id], reason)
				}
			}
		}
	}
	for id := range excused {
		if known[id] == "" {
			t.Errorf("row %s is excused and is not there", id)
		}
	}
}

// TestEveryClaimIsKept: the tests of a package with claims run through Main, which judges them.
func TestEveryClaimIsKept(t *testing.T) {
	for _, c := range claims {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(c.pkg), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		kept := false
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			kept = kept || strings.Contains(string(b), `{ vectors.Main(m, "`+c.pkg+`") }`)
		}
		if !kept {
			t.Errorf("%s has claims and no TestMain that calls vectors.Main(m, %q)", c.pkg, c.pkg)
		}
	}
}

func TestJudge(t *testing.T) {
	defer func(before map[string]bool) { used = before }(used)
	rows, err := claimed("gp/capfile")
	if err != nil {
		t.Fatal(err)
	}
	used = map[string]bool{}
	for _, id := range rows {
		if judge("gp/capfile") == 0 {
			t.Errorf("row %s is not missed", id)
		}
		Use(t, id)
	}
	if judge("gp/capfile") != 0 {
		t.Error("every row is used, and one is missed")
	}
	Use(t, "B13")
	if judge("gp/capfile") == 0 || judge("cmd/simbind") == 0 {
		t.Error("a row of another package, or a package without claims, is accepted")
	}
}
