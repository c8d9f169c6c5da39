package main

import "testing"

// TestIMSIShown: whatever EF_IMSI holds, no more than the ends of it is shown unless asked for.
func TestIMSIShown(t *testing.T) {
	ad := []byte{0, 0, 0, 2}
	for raw, want := range map[string][2]string{ // shortened, revealed
		"\x08\x09\x10\x10\x10\x32\x54\x76\x98": {"00101***89", "001010123456789"},
		"\x08\x09\x10\x10\x10\x32\x54\x76\x9A": {"none (9 bytes that are no IMSI)", "none (08091010103254769A)"},
		"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF": {"none (FFFFFFFFFFFFFFFFFF)", "none (FFFFFFFFFFFFFFFFFF)"},
		"\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF": {"none (00FFFFFFFFFFFFFFFF)", "none (00FFFFFFFFFFFFFFFF)"},
		"":                                     {"none ()", "none ()"},
	} {
		for i, reveal := range []bool{false, true} {
			a := &app{global: globals{reveal: reveal}}
			if got := a.imsi([]byte(raw), ad); got != want[i] {
				t.Errorf("%X, reveal %v: %q, want %q", raw, reveal, got, want[i])
			}
		}
	}
}
