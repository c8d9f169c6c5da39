package keys

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestYAMLWithoutAliases: a card is written out. Aliases and merges could make much of little.
func TestYAMLWithoutAliases(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("bomb:\n- &a0 {iccid: '1'}\n")
	for i := 1; i < 12; i++ {
		one := fmt.Sprintf("*a%d", i-1)
		fmt.Fprintf(&bomb, "- &a%d {<<: [%s]}\n", i, strings.Join([]string{one, one, one, one, one, one, one, one, one, one}, ", "))
	}
	for name, text := range map[string]string{
		"alias of a card":  "cards:\n- &a {iccid: '8988211000000430010', pin1: '1234'}\n- *a\n",
		"alias of a value": "pin: &p '1234'\ncards:\n- {iccid: '8988211000000430010', pin1: *p}\n",
		"merge":            "base: &b {pin1: '1234'}\ncards:\n- {iccid: '8988211000000430010', <<: *b}\n",
		"many merges":      bomb.String() + "cards:\n" + strings.Repeat("- *a11\n", 20),
	} {
		_, err := Load(write(t, "k.yaml", text, 0o600), "", "8988211000000430010")
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, "alias") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
