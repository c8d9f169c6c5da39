package subset_test

import (
	"errors"
	"os"
	"testing"

	"github.com/simbind/simbind/applet/subset"
)

// FuzzParse: a class file may say anything; nothing of it panics, hangs or grows without bound, in parser, check or estimate.
func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("testdata/Seed.class")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{0xCA, 0xFE, 0xBA, 0xBE})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := subset.Parse(b)
		if err != nil {
			if !errors.Is(err, subset.ErrClassFile) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		subset.Check([]*subset.Class{c})
		subset.Estimate([]*subset.Class{c})
	})
}

// TestEveryCutIsRefused: a class file that ends early is never taken for a whole one.
func TestEveryCutIsRefused(t *testing.T) {
	b, err := os.ReadFile("testdata/Seed.class")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subset.Parse(b); err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := subset.Parse(b[:n]); !errors.Is(err, subset.ErrClassFile) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := subset.Parse(append(b[:len(b):len(b)], 0)); !errors.Is(err, subset.ErrClassFile) {
		t.Errorf("one byte more: %v", err)
	}
}
