package keys

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func looksLikeYAML(path string, b []byte) bool {
	name := strings.TrimSuffix(path, ".age")
	if strings.HasSuffix(name, ".csv") {
		return false
	}
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || bytes.HasPrefix(b, []byte("cards:"))
}

// yamlRows gives the cards of a YAML file, in its order.
func yamlRows(b []byte, path string) ([]row, []int, error) {
	if len(b) > maxYAML {
		return nil, nil, &Error{File: path, Reason: "larger than 16 MiB; write many cards as CSV"}
	}
	var doc struct {
		Cards []yaml.Node `yaml:"cards"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, nil, &Error{File: path, Reason: "not a YAML file with a list `cards`"}
	}
	var rows []row
	var lines []int
	for i := range doc.Cards {
		node := &doc.Cards[i]
		texts := map[string]string{}
		if borrows(node) {
			return nil, nil, &Error{File: path, Line: node.Line, Reason: "an alias or a merge; write every card out"}
		}
		if err := node.Decode(&texts); err != nil {
			return nil, nil, &Error{File: path, Line: node.Line, Reason: "a card is a map of texts; quote every number"}
		}
		for name := range texts {
			if !slices.Contains(Columns, name) {
				return nil, nil, &Error{File: path, Line: node.Line, Reason: "unknown name; known are " + strings.Join(Columns, ", ")}
			}
		}
		rows = append(rows, func(column string) []byte { return []byte(strings.TrimSpace(texts[column])) })
		lines = append(lines, node.Line)
	}
	return rows, lines, nil
}

// borrows tells a card that is made of what stands elsewhere. A few lines of aliases could stand for more than fits into memory.
func borrows(card *yaml.Node) bool {
	alias := func(n *yaml.Node) bool { return n.Kind == yaml.AliasNode || n.Tag == "!!merge" }
	return alias(card) || slices.ContainsFunc(card.Content, alias)
}

// indexYAML notes the cards by their place in the list. The reader of YAML makes copies of everything: such a file is for a few cards.
func (k *File) indexYAML(b []byte) error {
	rows, lines, err := yamlRows(b, k.path)
	if err != nil {
		return err
	}
	errs := &Errors{}
	for i, r := range rows {
		column, reason := r.check()
		if reason == "" {
			column, reason = k.keep(r, place{offset: int64(i), line: uint32(lines[i]), keys: len(r("enc")) > 0})
		}
		if reason != "" {
			errs.add(&Error{File: k.path, Line: lines[i], Column: column, Reason: reason})
		}
	}
	k.sortRows(errs)
	if errs.Total > 0 {
		return errs
	}
	return nil
}

func (k *File) readYAML(p place, name string) (*Card, error) {
	b, err := k.opened.readAll(k.path, maxYAML)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	rows, _, err := yamlRows(b, k.path)
	if err != nil {
		return nil, err
	}
	changed := &Error{File: k.path, Line: int(p.line), Reason: "the file was changed since it was opened"}
	if p.offset >= int64(len(rows)) {
		return nil, changed
	}
	r := rows[p.offset]
	if _, reason := r.check(); reason != "" || !r.stands(p, name) {
		return nil, changed
	}
	return r.card()
}
