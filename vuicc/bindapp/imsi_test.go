package bindapp

import (
	"encoding/hex"
	"testing"
)

// TestPlausible: §1, to the last byte. A byte behind the digits that is neither ASCII nor FF is no filler.
func TestPlausible(t *testing.T) {
	for content, want := range map[string]bool{
		"080910100000214365":   true,
		"0829":                 false,
		"082926101160845740":   true,
		"0729261011608457FF":   true,
		"072910100000840999":   false,
		"0729101000008409AF":   false,
		"0421261011F0FFFFFF":   false,
		"0429261011FFFFFFFF":   true,
		"0429261011FFFF80FF":   false,
		"04212610F1FFFFFFFF":   true,
		"080A10100000214365":   false,
		"00FFFFFFFFFFFFFFFF":   false,
		"09091010000021436500": false,
		"03092610FFFFFFFFFF":   false,
		"0809101000002143A5":   false,
	} {
		b, err := hex.DecodeString(content)
		if err != nil {
			t.Fatal(err)
		}
		if got := plausible(b); got != want {
			t.Errorf("%s: %v", content, got)
		}
	}
}
