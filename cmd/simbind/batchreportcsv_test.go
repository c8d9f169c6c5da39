package main

import "testing"

// TestNoFormulas: what a spreadsheet would take for a formula begins with an apostrophe.
func TestNoFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "lost": "lost", "1-2": "1-2", "é=1": "é=1",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠A": "'＠A",
	} {
		if got := cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
