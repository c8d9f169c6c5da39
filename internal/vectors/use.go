package vectors

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
)

var (
	mu   sync.Mutex
	used = map[string]bool{}
)

// Use tells that a test holds the row of this id against the code: once it has, not when it has merely read the file.
func Use(t testing.TB, id string) {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	used[id] = true
}

// Main runs the tests of a package, and fails when one of the rows claimed for it was not used, or a row was used that it does not claim.
// A run of some tests alone is not judged.
func Main(m *testing.M, pkg string) {
	code := m.Run()
	if code == 0 && whole() {
		code = judge(pkg)
	}
	os.Exit(code)
}

// whole tells a run of every test, and of nothing but tests.
func whole() bool {
	for name, all := range map[string]string{"test.run": "", "test.skip": "", "test.list": "", "test.fuzz": "", "test.fuzzworker": "false"} {
		if f := flag.Lookup(name); f == nil || f.Value.String() != all {
			return false
		}
	}
	return true
}

func judge(pkg string) int {
	rows, err := claimed(pkg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 0
	for _, id := range rows {
		if !used[id] {
			fmt.Fprintf(os.Stderr, "row %s is used by no test of %s\n", id, pkg)
			code = 1
		}
	}
	for id := range used {
		if !slices.Contains(rows, id) {
			fmt.Fprintf(os.Stderr, "row %s is used in %s, which does not claim it\n", id, pkg)
			code = 1
		}
	}
	return code
}
