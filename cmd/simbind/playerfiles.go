package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc/scenario"
)

// Lines that read and write files.

// nameOf is the word the language has for a copy of EF_IMSI; "" for other files.
func nameOf(path string) string {
	for name, p := range copyPaths {
		if p == path {
			return name
		}
	}
	return ""
}

// pathOf is a path of the language as identifiers: from the MF, or from the ADF as 7FFF.
func pathOf(path string) uicc.Path {
	out := uicc.Path{}
	for _, part := range strings.Split(path, "/") {
		if part == "ADF1" {
			part = uicc.CurrentADF.String()
		}
		raw := unhexWord(part)
		out = append(out, uicc.FID(raw[0])<<8|uicc.FID(raw[1]))
	}
	return out
}

// locate selects a file. Files are no business of an applet that was looked at: it is left first.
func (p *player) locate(ctx context.Context, path string) (uicc.FCP, error) {
	if strings.HasPrefix(path, "ADF1") && p.adf == nil {
		return uicc.FCP{}, unexpected("no ADF.USIM is known")
	}
	if p.adf != nil {
		if err := p.leave(ctx); err != nil {
			return uicc.FCP{}, err
		}
	}
	return uicc.SelectFilePath(ctx, p, path, pathOf(path))
}

// whole reads a file: its bytes, or its records by their numbers.
func (p *player) whole(ctx context.Context, path string) ([]byte, error) {
	fcp, err := p.locate(ctx, path)
	if err != nil {
		return nil, err
	}
	if fcp.IsTransparent() {
		return uicc.ReadTransparent(ctx, p, path, fcp.Size)
	}
	records, err := uicc.ReadRecords(ctx, p, path, fcp)
	return slices.Concat(records...), err
}

// file compares a file as it stands.
func (p *player) file(ctx context.Context, l scenario.Line) error {
	if why, err := p.admitted(ctx, l.Words[0], uicc.ModeRead); err != nil || why != "" {
		return errors.Join(err, refusedAs(why))
	}
	got, err := p.whole(ctx, l.Words[0])
	if err != nil {
		return err
	}
	if want := p.base.content(nameOf(l.Words[0]), p.base.history(l.Words[0], l.Words[1])); hexOf(got) != want {
		return unexpected("it holds something else")
	}
	return p.settle(ctx)
}

func refusedAs(why string) error {
	if why == "" {
		return nil
	}
	return unexpected("%s", why)
}

// network writes a file as the terminal does; what it held is kept, to be put back.
func (p *player) network(ctx context.Context, l scenario.Line) error {
	if name := nameOf(l.Words[0]); name != "" {
		return p.issuer(ctx, scenario.Line{Words: []string{name, l.Words[1]}})
	}
	if !slices.ContainsFunc(p.originals, func(o original) bool { return o.path == l.Words[0] }) {
		content, err := p.whole(ctx, l.Words[0])
		if err != nil {
			return err
		}
		p.originals = append(p.originals, original{l.Words[0], content})
	}
	return p.write(ctx, l.Words[0], unhexWord(l.Words[1]))
}

// issuer writes EF_IMSI with ADM1, one copy after the other: those that are saved.
func (p *player) issuer(ctx context.Context, l scenario.Line) error {
	for _, name := range []string{"usim", "gsm"} {
		switch {
		case l.Words[0] != "both" && l.Words[0] != name, l.Words[0] == "both" && !p.saved[name]:
			continue
		case !p.saved[name]:
			return unexpected("EF_IMSI of this copy was not saved, and is not written")
		}
		if err := p.write(ctx, copyPaths[name], unhexWord(p.base.content(name, l.Words[1]))); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) write(ctx context.Context, path string, content []byte) error {
	if why, err := p.admitted(ctx, path, uicc.ModeUpdate); err != nil || why != "" {
		return errors.Join(err, refusedAs(why))
	}
	if _, err := uicc.Update(ctx, p, "UPDATE "+path, uicc.UpdateBinary(0, content)); err != nil {
		return err
	}
	return p.settle(ctx)
}

// putBack gives the card back what it had: by the run what others keep, here the files that the network wrote; lost are those that it could not. Keys
// that the card refused within the scenario are not offered again.
func (p *player) putBack(ctx context.Context, play *personalize.Play, ended error) (back personalize.PutBack, lost []leftView, err error) {
	switch {
	case play != nil && as[*gp.SessionError](ended):
		err = errKeysRefused
	case play != nil:
		back, err = p.run.PutBack(ctx, play, p.keyed)
	}
	if len(p.originals) == 0 {
		return back, nil, err
	}
	dead := p.sameCard(ctx)
	if dead == nil {
		dead = p.power(ctx, true)
	}
	for _, o := range p.originals {
		failed := dead
		if failed == nil {
			failed = p.writeWhole(ctx, o)
		}
		if failed != nil {
			lost = append(lost, leftView{fmt.Sprintf("file %s: %v", o.path, failed), "no verb brings it back: a device writes a location file anew when it registers"})
			continue
		}
		back.Done = append(back.Done, "file "+o.path)
	}
	return back, lost, err
}

// sameCard looks whether the card is still the one that was played on, before a code is given: it may have been taken out.
func (p *player) sameCard(ctx context.Context) error {
	if err := p.run.Reset(ctx, true); err != nil {
		return err
	}
	_, err := p.run.Known(ctx, personalize.Expected{ICCID: p.iccid.String()})
	return err
}

var errKeysRefused = errors.New("the card refused the keys, and they are not offered again by themselves")

// writeWhole writes a file of any size.
func (p *player) writeWhole(ctx context.Context, o original) error {
	if err := p.write(ctx, o.path, o.content[:min(len(o.content), apdu.MaxShortData)]); err != nil {
		return err
	}
	for at := apdu.MaxShortData; at < len(o.content); at += apdu.MaxShortData {
		part := o.content[at:min(at+apdu.MaxShortData, len(o.content))]
		if _, err := uicc.Update(ctx, p, "UPDATE "+o.path, uicc.UpdateBinary(at, part)); err != nil {
			return err
		}
	}
	return p.settle(ctx)
}

// hexOf is upper-case hex, as the language writes it.
func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
