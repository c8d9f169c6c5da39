package subset_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/simbind/simbind/applet/subset"
)

var counted = regexp.MustCompile(`(\w+)\(.*// card (\d+):`)

// TestLengths: every method of testdata/lengths is as long as its source says, counted by hand.
func TestLengths(t *testing.T) {
	const folder = "testdata/lengths"
	have := map[string]int{}
	for _, c := range subset.Estimate(classes(t, javac(t, stubs(t), sources(t, folder)...))).Classes {
		for _, m := range c.Each {
			name, _, _ := strings.Cut(m.Name, "(")
			if name == "<init>" {
				name = filepath.Base(c.Class)
			}
			have[filepath.Base(c.Class)+"."+name] = m.Code
		}
	}
	found := 0
	for _, path := range sources(t, folder) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if m := counted.FindStringSubmatch(line); m != nil {
				found++
				name := strings.TrimSuffix(filepath.Base(path), ".java") + "." + m[1]
				if want, _ := strconv.Atoi(m[2]); have[name] != want {
					t.Errorf("%s has %d bytes, counted by hand %d", name, have[name], want)
				}
			}
		}
	}
	if found != 17 {
		t.Errorf("%d methods were counted", found)
	}
}

// TestComponents: the components of Above and Below, counted by hand from JCVM 2.2.1 chapter 6.
func TestComponents(t *testing.T) {
	all := classes(t, javac(t, stubs(t), "testdata/lengths/Above.java", "testdata/lengths/Below.java"))
	have := map[string]int{}
	for _, c := range subset.Estimate(all).Components {
		have[c.Name] = c.Bytes
	}
	for name, want := range map[string]int{
		// Head 3, class_info 10 each; Above has two methods of the package in its table, Below one; Below's public
		// method is the first behind equals of Object.
		"Class": 3 + (10 + 2*2) + (10 + 2*1 + 2*1),
		// Head 3, no handlers 1, six methods with a header of 2: constructors 5 each, one 5, two 2, sum 12, shown 6.
		"Method": 3 + 1 + 6*2 + 5 + 5 + 5 + 2 + 12 + 6,
		// Head 3, ten bytes of counts, one array: type 1, count 2, values 3.
		"StaticField": 3 + 10 + 6,
		// Head 3, count 2: Object.<init>, Above.<init>, Above.one, Above.two, Below.TABLE.
		"ConstantPool": 3 + 2 + 4*5,
		// Head 3, two counts of 2: no index of one byte, six of two: two constructors, one, sum twice, shown.
		"RefLocation": 3 + 4 + 6,
	} {
		if have[name] != want {
			t.Errorf("%s has %d bytes, counted by hand %d", name, have[name], want)
		}
	}
}
