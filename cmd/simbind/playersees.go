package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc/scenario"
)

// What must be so: the lines of a scenario that compare.

func (p *player) asks(_ context.Context, l scenario.Line) error {
	p.asked = true
	if got, want := p.question(), strings.Join(l.Words, " "); got != want {
		return unexpected("the card asks %s", got)
	}
	return nil
}

// question is the command that waits, in the words of the language.
func (p *player) question() string {
	c := p.command
	switch {
	case c == nil:
		return "nothing"
	case c.Type == cat.ProvideLocalInformation && c.Qualifier == 0x01:
		return "imei"
	case c.Type == cat.ProvideLocalInformation && c.Qualifier == 0x08:
		return "imeisv"
	case c.Type == cat.Refresh:
		return strings.Join(append([]string{"refresh", fmt.Sprintf("%02X", c.Qualifier)}, refreshed(*c)...), " ")
	}
	return c.String()
}

// refreshed are the files a REFRESH lists, or the AID it is for.
func refreshed(c cat.ProactiveCommand) []string {
	if aid := c.AID(); aid != nil {
		return []string{fmt.Sprintf("%X", aid)}
	}
	var out []string
	for _, path := range c.Files() {
		text := ""
		for _, fid := range path {
			text += fmt.Sprintf("%04X", fid)
		}
		out = append(out, text)
	}
	return out
}

func (p *player) usim(ctx context.Context, l scenario.Line) error { return p.holds(ctx, "usim", l) }
func (p *player) gsm(ctx context.Context, l scenario.Line) error  { return p.holds(ctx, "gsm", l) }

// holds compares a copy of EF_IMSI; what it holds instead is not told.
func (p *player) holds(ctx context.Context, name string, l scenario.Line) error {
	got, err := p.content(ctx, name)
	if err != nil {
		return err
	}
	if got != p.base.content(name, l.Words[0]) {
		return unexpected("EF_IMSI holds something else")
	}
	return p.settle(ctx)
}

// content reads a copy of EF_IMSI as upper-case hex. Files are no business of an applet that was looked at: it is left first.
func (p *player) content(ctx context.Context, name string) (string, error) {
	if name == "usim" && p.adf == nil {
		return "", unexpected("no ADF.USIM is known")
	}
	if p.adf != nil {
		if _, err := apdu.Do(ctx, p, "SELECT ADF.USIM", apdu.Command{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: p.adf}); err != nil {
			return "", err
		}
	}
	read := apdu.Command{INS: apdu.INSReadBinary, P1: 0x87, Le: 9}
	if name == "gsm" {
		read = apdu.Command{INS: apdu.INSReadBinary, Le: 9}
		if _, err := apdu.Do(ctx, p, "SELECT", apdu.Command{INS: apdu.INSSelect, P1: 0x08, P2: 0x0C, Data: []byte{0x7F, 0x20, 0x6F, 0x07}}); err != nil {
			return "", err
		}
	}
	r, err := apdu.Do(ctx, p, "READ EF_IMSI", read)
	return fmt.Sprintf("%X", r.Data), err
}

// state compares objects of the state: the full view with keys, else the open one. An IMEI of which it shows the TAC alone is compared as far as
// it is shown.
func (p *player) state(ctx context.Context, l scenario.Line) error {
	raw, err := p.stateNow(ctx)
	if err != nil {
		return err
	}
	state, err := binding.ParseState(raw)
	if err != nil {
		return err
	}
	decided := p.base.decided(state.Counters)
	if err := compareObjects(raw, l.Words, func(tag, want string) string { return p.base.value(tag, want, decided) }); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *player) stateNow(ctx context.Context) ([]byte, error) {
	if p.keyed {
		return p.object(ctx, binding.ObjectState)
	}
	applet, err := personalize.SelectApplet(ctx, p, p.aid)
	if err != nil {
		return nil, err
	}
	return applet.State.Raw, nil
}

// information compares objects of E3, which everybody may read.
func (p *player) information(ctx context.Context, l scenario.Line) error {
	if _, err := personalize.SelectApplet(ctx, p, p.aid); err != nil {
		return err
	}
	raw, err := readObject(ctx, p, binding.ObjectInformation)
	if err != nil {
		return err
	}
	if err := compareObjects(raw, l.Words, func(_, want string) string { return want }); err != nil {
		return err
	}
	return p.settle(ctx)
}

// compareObjects holds TAG=VALUE words against a template; mean says what a value is on this card.
func compareObjects(raw []byte, words []string, mean func(tag, want string) string) error {
	_, objects := objectsOf(fmt.Sprintf("%X", raw))
	if objects == nil {
		return unexpected("the object does not read as TLV")
	}
	var wrong []string
	for _, word := range words {
		tag, want, _ := strings.Cut(word, "=")
		if got := valuesOf(objects, tag); !shownAs(mean(tag, want), got) {
			wrong = append(wrong, tag+"="+hideIMEI(tag, got))
		}
	}
	if wrong != nil {
		return unexpected("%s", strings.Join(wrong, " "))
	}
	return nil
}

func valuesOf(objects tlv.Objects, tag string) string {
	var out []string
	for _, o := range objects {
		if o.Tag.String() == tag {
			out = append(out, fmt.Sprintf("%X", o.Value))
		}
	}
	if out == nil {
		return "-"
	}
	return strings.Join(out, ",")
}

// shownAs: F in what the card shows stands for a digit it does not show.
func shownAs(want, got string) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && got[i] != 'F' {
			return false
		}
	}
	return true
}
