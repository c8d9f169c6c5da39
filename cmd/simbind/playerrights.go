package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc/scenario"
)

// Which code a file wants, and what can be known before the first line is played.

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
	refs := uicc.RefsFor(rules, mode)
	code := slices.Contains(refs, uicc.ADM1)
	switch {
	case uicc.RuleFor(rules, mode) == uicc.Never:
		return "no code allows it", nil
	case code && p.code.IsZero() && !slices.Contains(refs, uicc.PIN1):
		return needsCode, nil
	case len(refs) > 0 && !code && !slices.Contains(refs, uicc.PIN1):
		return "it wants " + uicc.RuleFor(rules, mode), nil
	case code && !p.code.IsZero():
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
		if why, err = p.shut(ctx, l.Words[0], uicc.ModeUpdate); why != "" || err != nil {
			return why, err
		}
		if why := issuers(l.Words[0]); why != "" {
			return why, nil
		}
		return p.tooSmall(ctx, l.Words[0], len(l.Words[1])/2)
	}
	return "", nil
}

// issuers tells why a file is none for network: EF_IMSI by a path that is no copy's would not be saved, and a card whose EF_ICCID is another is
// found by nobody after a run that was killed.
func issuers(path string) string {
	if nameOf(path) == "" && (strings.HasSuffix(path, "/6F07") || strings.HasSuffix(path, "/2FE2")) {
		return "EF_IMSI by another path than those of its copies, or EF_ICCID: nothing would bring it back after a run that was killed"
	}
	return ""
}

func (p *player) tooSmall(ctx context.Context, path string, n int) (string, error) {
	fcp, err := p.locate(ctx, path)
	if err == nil && (!fcp.IsTransparent() || fcp.Size < n || n > apdu.MaxShortData) {
		return "no transparent file that holds so much", nil
	}
	return "", err
}

// shut tells why a file is not opened: it is not there, it is no file, or a code is missing.
func (p *player) shut(ctx context.Context, path string, mode byte) (string, error) {
	why, err := p.admitted(ctx, path, mode)
	if why != "" {
		return why, nil
	}
	if err == nil && mode == uicc.ModeRead {
		_, err = p.whole(ctx, path)
	}
	return refusal(err)
}

// refusal says what the card refused; a link that failed stays an error.
func refusal(err error) (why string, failed error) {
	if errors.As(err, new(*apdu.Error)) || errors.Is(err, errUnexpected) || errors.Is(err, uicc.ErrMalformed) {
		return err.Error(), nil
	}
	return "", err
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
