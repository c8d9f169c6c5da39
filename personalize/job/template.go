package job

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// template is the form of the file for the operator's systems.
type template struct {
	separator      rune
	crlf           bool
	names          bool // a line with the names of the columns
	rows           string
	header, footer []pattern
	columns        []column
	recipients     map[string][]age.Recipient
	at             map[string]*yaml.Node // where the columns name their recipients
}

// column is one of the file: its name, what stands in it, and for whom it is encrypted.
type column struct {
	name  string
	value pattern
	to    string // name of recipients; empty: in plain
}

// pattern is a text with fields of a card or of the batch in it.
type pattern []part

type part struct{ text, field string }

// templateRows are the cards a template may ask for, by their outcome in the ledger.
var templateRows = []string{"good", "done", "all"}

var templateFields = fields{
	"separator":    text(func(s *settings, v string) error { return setSeparator(s.template, v) }),
	"line_end":     text(func(s *settings, v string) error { return setLineEnd(s.template, v) }),
	"column_names": yesNo(func(s *settings, v bool) { s.template.names = v }),
	"rows":         text(func(s *settings, v string) error { return setRows(s.template, v) }),
	"header":       list(func(s *settings, v []string, n *yaml.Node) { s.template.header = s.lines(v, n) }),
	"footer":       list(func(s *settings, v []string, n *yaml.Node) { s.template.footer = s.lines(v, n) }),
	"columns":      (*settings).columns,
	"recipients":   (*settings).templateRecipients,
}

func newTemplate() *template {
	return &template{separator: ',', names: true, rows: "good", recipients: map[string][]age.Recipient{}, at: map[string]*yaml.Node{}}
}

// loadTemplate reads the template that the job names. Its faults are the job's.
func (s *settings) loadTemplate(at *yaml.Node) {
	path := s.job.Output.Template
	b, err := readSettingsFile(path)
	if err != nil {
		var pe *fs.PathError
		errors.As(err, &pe)
		s.fault(at, "output.template", fmt.Sprintf("%s: %v", path, pe.Err), "name the template, relative to the job")
		return
	}
	t := newTemplate()
	own := &settings{job: s.job, file: path, template: t}
	own.document(b, templateFields, "a template names at least its columns")
	if own.faults.Total == 0 {
		own.templateTogether()
	}
	s.faults.take(own.faults)
	sum := sha256.Sum256(b)
	s.job.Output.digest, s.job.template = hex.EncodeToString(sum[:]), t
}

func (s *settings) templateTogether() {
	t := s.template
	if len(t.columns) == 0 {
		s.fault(&yaml.Node{}, "columns", "missing", "name at least one column")
	}
	for _, name := range slices.Sorted(maps.Keys(t.at)) {
		if t.recipients[name] == nil {
			s.fault(t.at[name], "columns.encrypt_to", "no recipients of that name", "list them under recipients")
		}
	}
}

func setSeparator(t *template, v string) error {
	r := []rune(v)
	if len(r) != 1 || !strings.ContainsRune(",;\t| :", r[0]) {
		return errors.New("one of , ; : | space or tab")
	}
	t.separator = r[0]
	return nil
}

func setLineEnd(t *template, v string) error {
	switch v {
	case "lf", "crlf":
		t.crlf = v == "crlf"
		return nil
	}
	return errors.New("lf or crlf")
}

func setRows(t *template, v string) error {
	if !slices.Contains(templateRows, v) {
		return errors.New("good, done or all")
	}
	t.rows = v
	return nil
}

// lines are those above or below the rows: fields of the batch alone.
func (s *settings) lines(texts []string, n *yaml.Node) (out []pattern) {
	for i, v := range texts {
		p, err := parsePattern(v, batchFields)
		if err != nil {
			reason, remedy := reasonOf(err)
			s.fault(n.Content[i], n.HeadComment, reason, remedy)
		}
		out = append(out, p)
	}
	return out
}

func (s *settings) columns(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		s.fault(n, "columns", "a list is expected here", "write - name: NAME and value: \"{field}\", for each")
		return
	}
	for _, item := range n.Content {
		var c column
		before := s.faults.Total
		s.mapping(item, "columns", fields{
			"name":  text(func(_ *settings, v string) error { return setName(&c.name, v) }),
			"value": text(func(_ *settings, v string) (err error) { c.value, err = parsePattern(v, cardFields); return err }),
			"encrypt_to": func(s *settings, n *yaml.Node) {
				if v, ok := s.scalar(n); ok {
					c.to, s.template.at[v] = v, n
				}
			},
		})
		if before == s.faults.Total && (c.name == "" || c.value == nil) {
			s.fault(item, "columns", "a column has name and value", "write {name: NAME, value: \"{field}\"}")
		}
		s.template.columns = append(s.template.columns, c)
	}
}

func (s *settings) templateRecipients(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		s.fault(n, "recipients", "a mapping is expected here", "write NAME: [age1…]")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		list(func(s *settings, texts []string, n *yaml.Node) {
			for i, v := range texts {
				rs, err := age.ParseRecipients(strings.NewReader(v))
				if err != nil {
					s.fault(n.Content[i], n.HeadComment, "no age recipient", "age-keygen prints it as the public key: age1…")
				}
				s.template.recipients[name] = append(s.template.recipients[name], rs...)
			}
		})(s, named(n.Content[i+1], "recipients."+name))
	}
}

// parsePattern takes a text with {field} in it; {{ is a brace.
func parsePattern[F any](s string, known map[string]F) (pattern, error) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return nil, errors.New("a control character")
	}
	out := pattern{}
	for s != "" {
		before, rest, found := strings.Cut(s, "{")
		if before != "" {
			out = append(out, part{text: before})
		}
		switch {
		case !found:
			return out, nil
		case strings.HasPrefix(rest, "{"):
			out, s = append(out, part{text: "{"}), rest[1:]
			continue
		}
		name, behind, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, wrong("a { without its }", "write {field}, or {{ for a brace")
		}
		if _, ok := known[name]; !ok {
			return nil, wrong(fmt.Sprintf("%q is no field here", cut(name)), "known are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		out, s = append(out, part{field: name}), behind
	}
	return out, nil
}

// fill puts values into a pattern.
func fill[V any](p pattern, known map[string]func(V) string, v V) string {
	var b strings.Builder
	for _, x := range p {
		b.WriteString(x.text)
		if x.field != "" {
			b.WriteString(known[x.field](v))
		}
	}
	return b.String()
}
