package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
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

// state compares objects of the open view. An IMEI of which it shows the TAC alone is compared as far as it is shown.
func (p *player) state(ctx context.Context, l scenario.Line) error {
	applet, err := personalize.SelectApplet(ctx, p, p.aid)
	if err != nil {
		return err
	}
	outer, err := tlv.Parse(applet.State.Raw)
	if err != nil || len(outer) != 1 {
		return unexpected("the state does not read as TLV")
	}
	objects, err := tlv.Parse(outer[0].Value)
	if err != nil {
		return unexpected("the state does not read as TLV")
	}
	var wrong []string
	for _, word := range l.Words {
		tag, want, _ := strings.Cut(word, "=")
		want = p.base.value(tag, want, p.base.decided(applet.State.Counters))
		got := valuesOf(objects, tag)
		if !shownAs(want, got) {
			wrong = append(wrong, tag+"="+hideIMEI(tag, got))
		}
	}
	if wrong != nil {
		return unexpected("%s", strings.Join(wrong, " "))
	}
	return p.settle(ctx)
}

// keyed are the objects of the state that are shown with keys alone: backups of EF_IMSI.
var keyed = map[string]bool{"88": true, "95": true, "96": true, "97": true}

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

func hideIMEI(tag, value string) string {
	if keyed[tag] {
		return "…"
	}
	if (tag == "83" || tag == "84") && len(value) >= 8 {
		return value[:8] + "******"
	}
	return value
}
