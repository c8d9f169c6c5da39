package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
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

// admitted selects a file after the code was presented that its rule wants for a mode; why names what keeps it shut.
func (p *player) admitted(ctx context.Context, path string, mode byte) (why string, err error) {
	fcp, err := p.locate(ctx, path)
	if err != nil {
		return "", err
	}
	rules, err := uicc.NewRuleReader(p).Rules(ctx, fcp, pathOf(path))
	if err != nil {
		return "", err
	}
	condition := uicc.RuleFor(rules, mode)
	if condition == uicc.Never {
		return "no code allows it", nil
	}
	code := strings.Contains(condition, uicc.ADM1.String())
	if code && p.code.IsZero() && !strings.Contains(condition, uicc.PIN1.String()) {
		return needsCode, nil
	}
	if code && !p.code.IsZero() {
		if err := p.presentCode(ctx); err != nil {
			return "", err
		}
	}
	_, err = p.locate(ctx, path)
	return "", err
}

// foreseen says why a line about a file will fail, "" when nothing is known against it.
func (p *player) foreseen(ctx context.Context, l scenario.Line) (string, error) {
	switch l.Verb {
	case "without":
		return p.absent(ctx, l.Words[0])
	case "content":
		return p.differs(ctx, l.Words[0], unhexWord(l.Words[1]))
	case "file":
		why, err := p.shut(ctx, l.Words[0], uicc.ModeRead)
		if why != "" || err != nil {
			return why, err
		}
		return "", p.remember(ctx, l.Words[0])
	case "network": // what cannot be read cannot be put back
		why, err := p.shut(ctx, l.Words[0], uicc.ModeRead)
		if why != "" || err != nil {
			return why, err
		}
		return p.shut(ctx, l.Words[0], uicc.ModeUpdate)
	}
	return "", nil
}

// shut tells why a file is not opened: it is not there, it is no file, or a code is missing.
func (p *player) shut(ctx context.Context, path string, mode byte) (string, error) {
	why, err := p.admitted(ctx, path, mode)
	if why != "" || err != nil {
		return why, onlyRefusal(err, &why)
	}
	if mode != uicc.ModeRead {
		return "", nil
	}
	_, err = p.whole(ctx, path)
	return why, onlyRefusal(err, &why)
}

// onlyRefusal keeps a link that failed, and says a refusal of the card.
func onlyRefusal(err error, why *string) error {
	if err != nil && (errors.As(err, new(*apdu.Error)) || errors.Is(err, errUnexpected) || errors.Is(err, uicc.ErrMalformed)) {
		*why = err.Error()
		return nil
	}
	return err
}

// remember keeps what a cyclic file holds before the first line.
func (p *player) remember(ctx context.Context, path string) error {
	fcp, err := p.locate(ctx, path)
	if err != nil || fcp.Structure != uicc.Cyclic {
		return err
	}
	records, err := uicc.ReadRecords(ctx, p, path, fcp)
	if err == nil {
		p.histories[path] = records
	}
	return err
}

func (p *player) absent(ctx context.Context, path string) (string, error) {
	_, err := p.locate(ctx, path)
	switch {
	case err == nil:
		return "this card has it", nil
	case errors.Is(err, apdu.SWFileNotFound):
		return "", nil
	}
	return "", err
}

func (p *player) differs(ctx context.Context, path string, want []byte) (string, error) {
	why, err := p.shut(ctx, path, uicc.ModeRead)
	if why != "" || err != nil {
		return why, err
	}
	got, err := p.whole(ctx, path)
	if err == nil && !bytes.Equal(got, want) {
		why = "this card holds something else there"
	}
	return why, err
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

// putBack gives the card back what it had: by the run what others keep, here the files that the network wrote.
func (p *player) putBack(ctx context.Context, play *personalize.Play) (personalize.PutBack, error) {
	var back personalize.PutBack
	var err error
	if play != nil {
		back, err = p.run.PutBack(ctx, play, p.keyed)
	}
	if err != nil || len(p.originals) == 0 {
		return back, err
	}
	if err := p.power(ctx, true); err != nil {
		return back, err
	}
	for _, o := range p.originals {
		if err := p.write(ctx, o.path, o.content); err != nil {
			back.Left = append(back.Left, fmt.Sprintf("file %s: %v", o.path, err))
			continue
		}
		back.Done = append(back.Done, "file "+o.path)
	}
	return back, nil
}

// hexOf is upper-case hex, as the language writes it.
func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
