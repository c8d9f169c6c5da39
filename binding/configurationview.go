package binding

import (
	"encoding/json"
	"fmt"
)

// ConfigurationView is a configuration as reports show it.
type ConfigurationView struct {
	Scheme       string   `json:"scheme"`
	Patterns     []string `json:"patterns"`
	Ranges       []string `json:"ranges"`
	Policy       []string `json:"policy"`  // codes of the bits set
	Denial       string   `json:"denial"`  // 18 hex digits of EF_IMSI
	Refresh      string   `json:"refresh"` // two hex digits
	MaxTerminals int      `json:"max_terminals"`
}

// View is the configuration for reports; IMEIs are shortened unless reveal.
func (c Configuration) View(reveal bool) ConfigurationView {
	v := ConfigurationView{
		Scheme: c.Scheme.Code(), Patterns: []string{}, Ranges: []string{}, Policy: c.Policy.Codes(),
		Denial: fmt.Sprintf("%X", c.Denial[:]), Refresh: fmt.Sprintf("%02X", c.Refresh), MaxTerminals: int(c.MaxTerminals),
	}
	for _, p := range c.Patterns {
		v.Patterns = append(v.Patterns, p.Text(reveal))
	}
	for _, r := range c.Ranges {
		v.Ranges = append(v.Ranges, r.Text(reveal))
	}
	return v
}

// MarshalJSON writes View with IMEIs shortened.
func (c Configuration) MarshalJSON() ([]byte, error) { return json.Marshal(c.View(false)) }

// String is the scheme and how many entries: safe in a log.
func (c Configuration) String() string {
	return fmt.Sprintf("%s, %d patterns, %d ranges, policy %s", c.Scheme, len(c.Patterns), len(c.Ranges), c.Policy)
}
