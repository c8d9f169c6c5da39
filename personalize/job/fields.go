package job

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize/keys"
)

var channelFields = fields{
	"level": text(func(s *settings, v string) error { return setLevel(&s.job.Channel.Level, v) }),
	"aid":   text(func(s *settings, v string) error { return setAID(&s.job.Channel.AID, v) }),
	"security_domain": text(func(s *settings, v string) error {
		return setAID(&s.job.Channel.Domain, v)
	}),
}

var keyFields = fields{
	"file":     text((*settings).keyFile),
	"identity": text(func(s *settings, v string) error { s.job.Keys.Identity = s.job.resolve(v); return nil }),
	"pkcs11": func(s *settings, n *yaml.Node) {
		s.job.Keys.Token = &keys.Token{}
		s.mapping(n, "keys.pkcs11", tokenFields)
		if err := s.job.Keys.Token.Check(); err != nil {
			s.fault(n, "keys.pkcs11", err.Error(), "")
		}
	},
}

var tokenFields = tokens()

// tokens are the fields of a token; its PIN file is beside the job.
func tokens() fields {
	out := fields{}
	for name, set := range keys.TokenFields {
		out[name] = text(func(s *settings, v string) error {
			if name == "pin_file" {
				v = s.job.resolve(v)
			}
			return set(s.job.Keys.Token, v)
		})
	}
	return out
}

var backupFields = fields{
	"folder":     text(func(s *settings, v string) error { s.job.Backups.Folder = s.job.resolve(v); return nil }),
	"recipients": list((*settings).recipients),
}

var approvalFields = fields{
	"required":  yesNo(func(s *settings, v bool) { s.job.Approval.Required = v }),
	"approvers": (*settings).approvers,
}

var hookFields = fields{
	"get":  hook(func(h *Hooks) *[]string { return &h.Get }),
	"good": hook(func(h *Hooks) *[]string { return &h.Good }),
	"bad":  hook(func(h *Hooks) *[]string { return &h.Bad }),
}

var outputFields = fields{
	"template": text(func(s *settings, v string) error { s.job.Output.Template = s.job.resolve(v); return nil }),
	"file":     text(func(s *settings, v string) error { s.job.Output.File = s.job.resolve(v); return nil }),
}

// keyFile takes a key file, or one that names a token.
func (s *settings) keyFile(v string) error {
	path := s.job.resolve(v)
	token, err := keys.LoadToken(path)
	var wrong *keys.Error
	if errors.As(err, &wrong) && wrong.Line > 0 {
		s.faults.add(Fault{File: path, Line: wrong.Line, Column: 1, Name: wrong.Column, Reason: wrong.Reason})
		return nil
	}
	if token != nil {
		s.job.Keys.Token = token
		return nil
	}
	s.job.Keys.File = path // what is wrong with it is told when it is opened
	return nil
}

func setName(into *string, v string) error {
	if len(v) > 200 || strings.TrimSpace(v) == "" || strings.ContainsFunc(v, unicode.IsControl) {
		return errors.New("a name of 1 to 200 bytes, without control characters")
	}
	*into = v
	return nil
}

func setLevel(into *gp.Level, v string) error {
	b, err := hex.DecodeString(v)
	if err != nil || len(b) != 1 || !slices.Contains([]byte{0x01, 0x03, 0x11, 0x13, 0x33}, b[0]) {
		return errors.New("01, 03, 11, 13 or 33")
	}
	*into = gp.Level(b[0])
	return nil
}

func setAID(into *[]byte, v string) error {
	b, err := hex.DecodeString(v)
	if err != nil || len(b) < 5 || len(b) > 16 {
		return errors.New("an AID is 10 to 32 hex digits")
	}
	*into = b
	return nil
}

func (s *settings) recipients(list []string, n *yaml.Node) {
	for i, v := range list {
		if _, err := age.ParseRecipients(strings.NewReader(v)); err != nil {
			s.fault(n.Content[i], n.HeadComment, "no age recipient", "age-keygen prints it as the public key: age1…")
		}
	}
	s.job.Backups.Recipients = list
}

func (s *settings) approvers(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		s.fault(n, "approval.approvers", "a list is expected here", "write - operator: NAME and key: DIGITS, for each")
		return
	}
	for _, item := range n.Content {
		var a Approver
		before := s.faults.Total
		s.mapping(item, "approval.approvers", fields{
			"operator": text(func(_ *settings, v string) error { return setName(&a.Operator, v) }),
			"key":      text(func(_ *settings, v string) error { return setPublic(&a.Key, v) }),
		})
		if before == s.faults.Total && (a.Operator == "" || a.Key == "") {
			s.fault(item, "approval.approvers", "an approver has operator and key", "'simbind audit key new' prints the key")
		}
		s.job.Approval.Approvers = append(s.job.Approval.Approvers, a)
	}
}

func setPublic(into *string, v string) error {
	if b, err := hex.DecodeString(v); err != nil || len(b) != 32 {
		return errors.New("a public key is 64 hex digits")
	}
	*into = strings.ToLower(v)
	return nil
}

// hook is a command as a list. A program named with a folder is looked for beside job.yaml.
func hook(of func(*Hooks) *[]string) func(*settings, *yaml.Node) {
	return list(func(s *settings, argv []string, n *yaml.Node) {
		if argv[0] == "" {
			s.fault(n, n.HeadComment, "no command", "the first of the list is the program")
			return
		}
		*of(&s.job.written) = slices.Clone(argv)
		if filepath.Base(argv[0]) != argv[0] {
			argv[0] = s.job.resolve(argv[0])
		}
		*of(&s.job.Hooks) = argv
	})
}

// noDefaults are columns that no two cards share.
var noDefaults = []string{"iccid", "imsi", "imei"}

// defaults are cells for all rows that leave them empty.
func (s *settings) defaults(n *yaml.Node) {
	d := &s.job.table.base
	known := fields{}
	for name, set := range columns {
		if !slices.Contains(noDefaults, name) {
			known[name] = text(func(_ *settings, v string) error { return set(d, v) })
		}
	}
	s.mapping(n, "defaults", known)
	for _, note := range d.Notes {
		s.job.Warnings.add(Fault{File: s.file, Line: n.Line, Column: n.Column, Name: "defaults", Reason: strings.TrimPrefix(note, "line 0: ")})
	}
	d.Notes, d.notes = nil, nil
}

// together looks at what only fits with something else.
func (s *settings) together() {
	at := &yaml.Node{Line: 1, Column: 1}
	j := s.job
	if j.Keys.File != "" && j.Keys.Token != nil {
		s.fault(at, "keys", "both a file and a token", "name one source of keys")
	}
	if len(j.Approval.Approvers) > 0 && !j.Approval.Required {
		s.fault(at, "approval", "approvers are named, but no approval is asked for", "write required: yes")
	}
	if len(j.Approval.Approvers) == 1 {
		s.fault(at, "approval", "one approver alone cannot be two", "name another, or none")
	}
	for i, a := range j.Approval.Approvers {
		if slices.ContainsFunc(j.Approval.Approvers[:i], func(b Approver) bool { return b.Key == a.Key || b.Operator == a.Operator }) {
			s.fault(at, "approval", fmt.Sprintf("approver %d has the name or the key of another", i+1), "two persons, two keys")
		}
	}
	if (j.Output.Template == "") != (j.Output.File == "") {
		s.fault(at, "output", "template and file go together", "name both, or neither")
		return
	}
	if j.Output.Template != "" {
		s.loadTemplate(at)
	}
}
