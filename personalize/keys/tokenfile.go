package keys

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxToken bounds a key file that names a token.
const maxToken = 64 << 10

// OpenSource opens a key file: one that holds keys (see Open), or a YAML file whose only field pkcs11 names a token. ask gives the PIN of
// the token where no file does.
func OpenSource(path, identity string, ask func() (string, error)) (Source, error) {
	t, err := LoadToken(path)
	if err != nil {
		return nil, err
	}
	if t != nil {
		return OpenToken(t, ask)
	}
	return Open(path, identity)
}

// LoadToken reads a key file that names a token; nil when it is none. A pin_file is relative to the folder of the file.
func LoadToken(path string) (*Token, error) {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		return nil, nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe is opened once, by the one who reads it
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return nil, &Error{File: path, Reason: bareReason(err)}
	}
	defer clear(b)
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil || len(doc) != 1 {
		return nil, nil // Open says what is wrong
	}
	node, is := doc["pkcs11"]
	if !is {
		return nil, nil
	}
	return tokenOf(&node, path)
}

func tokenOf(node *yaml.Node, path string) (*Token, error) {
	t, said := &Token{}, map[string]bool{}
	if node.Kind != yaml.MappingNode {
		return nil, &Error{File: path, Line: node.Line, Column: "pkcs11", Reason: "a mapping is expected here"}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		set, known := TokenFields[name.Value]
		if !known || value.Kind != yaml.ScalarNode {
			return nil, &Error{File: path, Line: name.Line, Column: "pkcs11", Reason: fmt.Sprintf("%.30q is unknown, or has no text; known are %s", name.Value, strings.Join(slices.Sorted(maps.Keys(TokenFields)), ", "))}
		}
		if said[name.Value] {
			return nil, &Error{File: path, Line: name.Line, Column: name.Value, Reason: "a second time"}
		}
		said[name.Value] = true
		if err := set(t, value.Value); err != nil {
			return nil, &Error{File: path, Line: value.Line, Column: name.Value, Reason: err.Error()}
		}
	}
	if t.PINFile != "" && !filepath.IsAbs(t.PINFile) {
		t.PINFile = filepath.Join(filepath.Dir(path), t.PINFile)
	}
	if err := t.Check(); err != nil {
		return nil, &Error{File: path, Line: node.Line, Column: "pkcs11", Reason: err.Error()}
	}
	return t, nil
}
