package vuicc

import "github.com/simbind/simbind/vuicc/fs"

// Content is one EF as it stands.
type Content struct {
	Path, Name string
	Content    []byte
}

// Files lists every EF with its content, directories in their order.
func (c *Card) Files() []Content {
	var out []Content
	var walk func(n *fs.Node)
	walk = func(n *fs.Node) {
		if !n.IsDF() {
			out = append(out, Content{n.Path, n.Name, n.Content()})
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(c.files.MF)
	for _, adf := range c.files.ADFs {
		walk(adf)
	}
	return out
}

// FailuresOf counts the failed authentications with a key set since the last that succeeded.
func (c *Card) FailuresOf(kvn byte) int { return c.domain.Failures(kvn) }
