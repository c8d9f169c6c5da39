package job

import (
	"strings"
	"testing"
)

// TestTwoRowsForOneCard: an ICCID with and without its check digit stands in two rows, and is told; cards that only begin alike are not.
func TestTwoRowsForOneCard(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"the short one first", head + card[:18] + ",off,,\n" + card + ",off,,\n", "j.csv:2:1: iccid: with its check digit behind, this is the ICCID of line 3; make sure that these are two cards"},
		{"the short one behind", head + card + ",off,,\n" + next + ",off,,\n  " + card[:18] + ",off,,\n", "j.csv:4:3: iccid: with its check digit behind, this is the ICCID of line 2; make sure that these are two cards"},
		{"another digit behind", head + card[:18] + ",off,,\n" + card[:18] + "9,off,,\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			j, err := Read(strings.NewReader(row.text), "j.csv", Options{})
			if err != nil {
				t.Fatal(err)
			}
			told := ""
			for _, w := range j.Warnings.List {
				if strings.Contains(w.Reason, "of line") {
					told += w.Error()
				}
			}
			if told != row.want {
				t.Errorf("told %q\nwant %q", told, row.want)
			}
		})
	}
}
