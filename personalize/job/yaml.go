package job

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSettings bounds job.yaml: it names files, and holds no cards.
const maxSettings = 1 << 20

// settings reads job.yaml node by node, so that every fault has its place.
type settings struct {
	job      *Job
	file     string
	faults   Faults
	template *template // that is read, where it is one
}

// fields are what a mapping may hold.
type fields map[string]func(*settings, *yaml.Node)

var topFields = fields{
	"name":                 text(func(s *settings, v string) error { return setName(&s.job.Name, v) }),
	"cards":                text(func(s *settings, v string) error { s.job.Cards = s.job.resolve(v); return nil }),
	"defaults":             (*settings).defaults,
	"channel":              group("channel", channelFields),
	"keys":                 group("keys", keyFields),
	"backups":              group("backups", backupFields),
	"approval":             group("approval", approvalFields),
	"failures_in_a_row":    count(1, 1000, func(s *settings, n int) { s.job.FailuresInARow = n }),
	"attempts_per_card":    count(1, 10, func(s *settings, n int) { s.job.Attempts = n }),
	"hooks":                group("hooks", hookFields),
	"output":               group("output", outputFields),
	"allow_test_imei":      yesNo(func(s *settings, v bool) { s.job.AllowTestIMEI = v }),
	"allow_duplicate_imei": yesNo(func(s *settings, v bool) { s.job.AllowSameIMEI = v }),
}

var lineOf = regexp.MustCompile(`line ([0-9]+): (.*)`)

// readSettings takes job.yaml into the job. All faults are told.
func (j *Job) readSettings(b []byte, file string) error {
	s := &settings{job: j, file: file}
	s.document(b, topFields, "a job names at least its cards")
	s.together()
	return s.faults.asError()
}

// document reads a file of known fields.
func (s *settings) document(b []byte, known fields, least string) {
	var doc yaml.Node
	top := &yaml.Node{}
	switch err := textFault(b); {
	case err != nil:
		reason, remedy := reasonOf(err)
		if reason == "no header line" {
			reason, remedy = "the file is empty", least
		}
		s.fault(top, "", reason, remedy)
		return
	case len(b) > maxSettings:
		s.fault(top, "", "larger than 1 MiB", "the cards belong into the CSV")
		return
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		s.faults.add(s.notYAML(err))
		return
	}
	if len(doc.Content) != 1 {
		s.fault(top, "", "the file says nothing", least)
		return
	}
	s.mapping(doc.Content[0], "", known)
}

func (s *settings) notYAML(err error) Fault {
	f := Fault{File: s.file, Line: 1, Column: 1, Reason: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "), Remedy: "look at indents, colons and quotes"}
	if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Reason = "not YAML: " + m[2]
	}
	return f
}

func (s *settings) fault(n *yaml.Node, name, reason, remedy string) {
	s.faults.add(Fault{File: s.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Name: name, Reason: reason, Remedy: remedy})
}

func (s *settings) mapping(n *yaml.Node, name string, known fields) {
	if n.Kind != yaml.MappingNode {
		s.fault(n, name, "a mapping is expected here", "write name: value, a line each")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field := strings.TrimPrefix(name+"."+key.Value, ".")
		set, ok := known[key.Value]
		switch {
		case !ok || key.Kind != yaml.ScalarNode:
			s.fault(key, strconv.Quote(cut(field)), "unknown field", "known are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key.Value]:
			s.fault(key, field, "field stands twice", "remove one of the two")
		default:
			set(s, named(value, field))
		}
		seen[key.Value] = true
	}
}

// named lets a value carry the name of its field, in place of its comment.
func named(n *yaml.Node, field string) *yaml.Node {
	own := *n
	own.HeadComment = field
	return &own
}

func group(name string, known fields) func(*settings, *yaml.Node) {
	return func(s *settings, n *yaml.Node) { s.mapping(n, name, known) }
}

// scalar gives the text of a value as it is written: 00 stays 00.
func (s *settings) scalar(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		s.fault(n, n.HeadComment, "one value is expected here", "write it behind the colon, without lists and references")
		return "", false
	}
	return n.Value, true
}

func text(set func(*settings, string) error) func(*settings, *yaml.Node) {
	return func(s *settings, n *yaml.Node) {
		v, ok := s.scalar(n)
		if !ok {
			return
		}
		if err := set(s, v); err != nil {
			reason, remedy := reasonOf(err)
			s.fault(n, n.HeadComment, reason, remedy)
		}
	}
}

func count(low, high int, set func(*settings, int)) func(*settings, *yaml.Node) {
	return text(func(s *settings, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("a number from %d to %d is expected here", low, high)
		}
		set(s, n)
		return nil
	})
}

func yesNo(set func(*settings, bool)) func(*settings, *yaml.Node) {
	return text(func(s *settings, v string) error {
		switch strings.ToLower(v) {
		case "yes", "true":
			set(s, true)
		case "no", "false":
			set(s, false)
		default:
			return errors.New("yes or no")
		}
		return nil
	})
}

// list gives the texts of a sequence.
func list(set func(*settings, []string, *yaml.Node)) func(*settings, *yaml.Node) {
	return func(s *settings, n *yaml.Node) {
		if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
			s.fault(n, n.HeadComment, "a list is expected here", "write [first, second]")
			return
		}
		var out []string
		for _, item := range n.Content {
			v, ok := s.scalar(named(item, n.HeadComment))
			if !ok {
				return
			}
			out = append(out, v)
		}
		set(s, out, n)
	}
}
