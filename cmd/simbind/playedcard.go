package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/scenario"
)

// A scenario tells of a card fresh from its maker, with an IMSI of its own. The card in the reader has another IMSI, and counters that went
// on before: what the scenario expects is translated, never loosened.

// baseline is where the scenario's card begins, and where this one does.
type baseline struct {
	imsi       map[string]ownIMSI // by the word the language has for a copy
	counters   [4]uint16          // starts, allowed, denied, no IMEI
	generation int                // of this card, less that of the scenario's
	resets     uint16
	first      tlv.Objects // of the state
	entries    []string    // of the log, newest first, hex
	histories  map[string][][]byte
}

// ownIMSI is the subscriber's content of one copy of EF_IMSI, upper-case hex.
type ownIMSI struct{ scenario, card string }

// copyPaths are the copies in the paths of the language.
var copyPaths = map[string]string{"usim": "ADF1/6F07", "gsm": "3F00/7F20/6F07"}

// assumed are the lines about the scenario's own card, which are not played; identities in them are shortened.
func assumed(s scenario.Scenario, want *binding.Configuration) []string {
	var out []string
	for _, l := range s.Header {
		switch {
		case l.Verb == "install" && want != nil:
			out = append(out, "install: "+viewConfiguration(*want).words())
		case l.Verb == "content":
			out = append(out, hideDigits(l))
		default:
			out = append(out, l.String())
		}
	}
	return out
}

// installed is the configuration the scenario's card comes with; nil: the scenario does not say.
func installed(s scenario.Scenario) (*binding.Configuration, error) {
	i := slices.IndexFunc(s.Header, func(l scenario.Line) bool { return l.Verb == "install" })
	if i < 0 {
		return nil, nil
	}
	c, err := binding.ParseConfiguration(whole(unhexWord(s.Header[i].Words[0])))
	if err != nil {
		return nil, usagef("%s:%d: install: %w", s.Name, s.Header[i].Number, err)
	}
	return &c, nil
}

// optional are the objects an E0 may leave out when it is written, with what they are then: policy, denial value, REFRESH, terminals (card
// interface §4).
var optional = []tlv.Object{
	{Tag: 0x83, Value: []byte{0x00}}, {Tag: 0x84, Value: []byte{0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
	{Tag: 0x85, Value: []byte{0x00}}, {Tag: 0x86, Value: []byte{0x01}},
}

// whole is an E0 as it is read back: optional objects are there, in the order of their tags.
func whole(e0 []byte) []byte {
	outer, err := tlv.Parse(e0)
	if err != nil || len(outer) != 1 {
		return e0
	}
	objects, err := tlv.Parse(outer[0].Value)
	if err != nil {
		return e0
	}
	for _, x := range optional {
		if _, there := objects.Find(x.Tag); !there {
			objects = append(objects, x)
		}
	}
	slices.SortStableFunc(objects, func(a, b tlv.Object) int { return int(a.Tag) - int(b.Tag) })
	var value []byte
	for _, o := range objects {
		value = tlv.Append(value, o.Tag, o.Value)
	}
	return tlv.Encode(outer[0].Tag, value)
}

// configuredAs refuses a card that is not configured as the scenario's, as far as it shows: the whole configuration with keys, scheme and policy without.
func configuredAs(want *binding.Configuration, st *personalize.Status) error {
	if want == nil {
		return nil
	}
	unfit := func(format string, args ...any) error {
		return &personalize.UnfitError{Reason: fmt.Sprintf(format, args...)}
	}
	have := st.Applet.State
	switch {
	case !have.Status.Fits(want.Scheme):
		return unfit("the scenario's card has the scheme %s, this one is %s", want.Scheme, have.Status)
	case want.Scheme == binding.FirstInsert && have.Status != binding.Armed:
		return unfit("the scenario's card waits for its first terminal, this one is %s: 'simbind unbind' arms it again", have.Status)
	case have.Policy != want.Policy:
		return unfit("the scenario's card has the policy %s, this one %s", want.Policy, have.Policy)
	}
	if cfg := st.Applet.Configuration; cfg != nil && !cfg.Equal(*want) {
		return unfit("this card is configured otherwise than the scenario's: %s", strings.Join(cfg.Differences(*want), ", "))
	}
	return nil
}

// baseline reads where this card begins. EF_IMSI is taken from the backups when keys show them, from the files when they hold the subscriber's.
func (p *player) baseline(ctx context.Context, s scenario.Scenario, st *personalize.Status) (*baseline, error) {
	state := st.Applet.State
	b := &baseline{
		imsi: map[string]ownIMSI{}, resets: state.Resets, generation: int(state.Generation),
		counters: [4]uint16{state.Counters.Profiles, state.Counters.Allowed, state.Counters.Denied, state.Counters.NoIMEI},
	}
	if cfg, err := installed(s); err == nil && cfg != nil {
		b.generation-- // the scenario's card was configured once
	}
	_, b.first = objectsOf(hexOf(state.Raw))
	if p.keyed {
		raw, err := p.object(ctx, binding.ObjectLog)
		if err != nil {
			return nil, err
		}
		b.entries = entriesOf(hexOf(raw))
	}
	theirs, err := s.Image()
	if err != nil {
		return nil, usagef("%w", err)
	}
	for name, backup := range map[string]*[9]byte{"usim": state.BackupUSIM, "gsm": state.BackupGSM} {
		own := ownIMSI{scenario: contentOf(&theirs, copyPaths[name])}
		if backup != nil {
			own.card = fmt.Sprintf("%X", backup[:])
		} else if own.card, err = p.subscribers(ctx, name, state); err != nil {
			return nil, err
		}
		b.imsi[name] = own
	}
	return b, b.complete(s)
}

// contentOf is what a file of an image holds, its own or of the file it is physically.
func contentOf(i *image.Image, path string) string {
	f := i.File(path)
	if f != nil && f.Link != "" {
		f = i.File(f.Link)
	}
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%X", []byte(f.Content))
}

// subscribers is what a copy holds when that is the subscriber's: the applet says so, or it has never written the file. "" when it is not, or
// cannot be read.
func (p *player) subscribers(ctx context.Context, name string, state binding.State) (string, error) {
	if state.Files != binding.FilesBackup && state.Backups != 0 {
		return "", nil
	}
	content, err := p.content(ctx, name)
	switch {
	case errors.As(err, new(*apdu.Error)), errors.Is(err, errUnexpected):
		return "", nil
	case err != nil:
		return "", err
	case len(content) != 18 || !binding.PlausibleIMSI([9]byte(unhexWord(content))):
		return "", nil
	}
	return content, nil
}

// complete refuses a scenario that compares EF_IMSI with the subscriber's while nobody knows that.
func (b *baseline) complete(s scenario.Scenario) error {
	for _, l := range s.Steps {
		own, ok := b.imsi[l.Verb]
		if ok && l.Words[0] == own.scenario && own.card == "" {
			return &personalize.UnfitError{Reason: fmt.Sprintf("%s:%d compares EF_IMSI with the subscriber's, which this card does not show now: let an allowed terminal start first, switch PIN1 off, or give --keys", s.Name, l.Number)}
		}
	}
	return nil
}
