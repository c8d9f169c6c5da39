// Package floors holds the architecture to its word: arrows point down only (docs/architecture.md).
package floors

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/simbind/simbind/"

// floors says what each package may import of ours besides its own subpackages and the words. The first row whose prefix
// fits decides.
var floors = []struct {
	prefix string
	may    []string
}{
	{"cmd/", []string{"diagnose", "personalize", "binding", "uicc", "gp", "pcsc", "trace", "vuicc"}},
	{"personalize", []string{"binding", "uicc", "gp", "personalize"}},
	{"diagnose", []string{"personalize", "binding", "uicc", "gp"}},
	{"binding", nil},
	{"uicc/usim", []string{"uicc"}},
	{"uicc/cat", []string{"uicc"}},
	{"uicc", nil},
	{"gp", []string{"gp"}},
	{"pcsc", []string{"pcsc"}},
	{"trace/explain", []string{"binding", "uicc", "gp", "trace"}},
	{"trace", nil},
	{"vuicc", []string{"vuicc", "applet"}},
	{"applet", nil},
	{"apdu", nil}, {"tlv", nil}, {"secret", nil}, {"internal/", nil},
}

var words = []string{"apdu", "tlv", "secret"}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestArrowsPointDown(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		i := slices.IndexFunc(floors, func(f struct {
			prefix string
			may    []string
		}) bool {
			return name+"/" == f.prefix || strings.HasPrefix(name+"/", strings.TrimSuffix(f.prefix, "/")+"/")
		})
		if i < 0 {
			t.Errorf("%s has no floor: give it one here and in docs/architecture.md", name)
			continue
		}
		for _, imported := range p.Imports {
			if own, ours := strings.CutPrefix(imported, module); ours && !allowed(name, own, floors[i].may) {
				t.Errorf("%s imports %s: not a floor below it", name, own)
			}
		}
	}
}

func allowed(from, to string, may []string) bool {
	if strings.HasPrefix(to, from+"/") {
		return true
	}
	if isWord(from) {
		return strings.HasPrefix(to, "internal/")
	}
	if isWord(to) || strings.HasPrefix(to, "internal/") {
		return true
	}
	return slices.ContainsFunc(may, func(m string) bool { return to == m || strings.HasPrefix(to, m+"/") })
}

func isWord(p string) bool { return slices.Contains(words, p) }

// TestOneImporterOfScard: PC/SC is reached through package pcsc alone.
func TestOneImporterOfScard(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range append(append(p.Imports, p.TestImports...), p.XTestImports...) {
			if imported == "github.com/ebfe/scard" && p.ImportPath != module+"pcsc" {
				t.Errorf("%s imports ebfe/scard", p.ImportPath)
			}
		}
	}
}

// TestVirtualCardStandsAlone: not even its tests inside the packages may use the host's coders; only external tests may.
func TestVirtualCardStandsAlone(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name != "vuicc" && !strings.HasPrefix(name, "vuicc/") {
			continue
		}
		for _, imported := range append(p.Imports, p.TestImports...) {
			for _, host := range []string{"uicc", "gp", "binding", "personalize", "pcsc", "trace"} {
				if own := strings.TrimPrefix(imported, module); own == host || strings.HasPrefix(own, host+"/") {
					t.Errorf("%s imports %s: the virtual card is written apart from the host", name, own)
				}
			}
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}
