// Package rules names the protective rules of docs/card-interface.md §8, so that a test can take one out of the model of the
// applet and see which invariant it protects. Nothing outside the virtual card can name one.
package rules

// Rule is one protective rule; the zero value is none.
type Rule struct{ name string }

// String is the rule in a few words.
func (r Rule) String() string { return r.name }
