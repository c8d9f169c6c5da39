package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/simbind/simbind/personalize/batch"
)

// TestNarrowTable: on a narrow screen a line is cut, and what to do with the card still stands in it.
func TestNarrowTable(t *testing.T) {
	good := signs[batch.Good]
	for _, width := range []int{34, 40, 60, 80, 132} {
		for _, reader := range []string{"desk", "Gemalto PC Twin Reader (9A5B3F) 00 00"} {
			table := &batchTable{a: &app{global: globals{noColor: true}}, rows: []*batchRow{{slot: reader, iccid: "8988211000000430010", sign: &good, state: good.do}}}
			lines := table.lines(time.Now(), width)
			last := lines[len(lines)-1]
			if !strings.Contains(last, "898821***0010") || !strings.Contains(last, "GOOD") {
				t.Errorf("%d columns: %q", width, last)
			}
			for _, l := range lines {
				if utf8.RuneCountInString(l) > width {
					t.Errorf("%d columns: %q is longer", width, l)
				}
			}
		}
	}
}
