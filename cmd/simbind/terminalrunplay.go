package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
	"github.com/simbind/simbind/vuicc/scenario"
)

func (a *app) playScenario(ctx context.Context, o *runFlags, s scenario.Scenario) (*runReport, []traceExchange, error) {
	want, err := installed(s)
	if err != nil {
		return nil, nil, err
	}
	to, err := recipients(o.recipients)
	if err != nil {
		return nil, nil, err
	}
	card, run, err := a.startRun(ctx, &o.secrets, to)
	if err != nil {
		return nil, nil, err
	}
	defer card.Close()
	defer run.Close()
	p := &player{stage: newStage(card), aid: run.AID, run: run, keyed: o.secrets.given(), pinFloor: o.secrets.pinFloor, histories: map[string][][]byte{}}
	run.Card = p
	defer p.endChain()
	before, err := a.agreedCard(ctx, o, p, s, want)
	if err != nil {
		return nil, nil, err
	}
	if err := p.prepare(ctx, s, before); err != nil {
		return nil, nil, err
	}
	out := &runReport{head: schema("run"), Scenario: s.Name, ICCID: a.iccid(before.ICCID), Assumed: assumed(s, want), Lines: []runLine{}}
	err = a.playLines(ctx, o, p, s, out)
	return out, a.conversation(p.stage), err
}

// agreedCard reads the card, refuses one that is not the scenario's, and asks before harm.
func (a *app) agreedCard(ctx context.Context, o *runFlags, p *player, s scenario.Scenario, want *binding.Configuration) (*personalize.Status, error) {
	before, err := p.run.Status(ctx, a.expected(), p.keyed)
	if err != nil {
		return nil, err
	}
	p.iccid, p.adf = before.ICCID, before.Applet.Info.ADF
	if err := p.run.NotPlayed(p.iccid); err != nil {
		return nil, err
	}
	if err := configuredAs(want, &before); err != nil {
		return nil, err
	}
	if err := a.agreeToRun(ctx, &before, s, o.useUp); err != nil {
		return nil, err
	}
	if !has(s, changes) {
		return &before, nil
	}
	return &before, a.confirm(ctx, o.change, "--change-card", "this scenario stores configurations or writes files of the card, and what it changed is put back at the end; go on?")
}

// agreeToRun: a first insert is used up only on purpose.
func (a *app) agreeToRun(ctx context.Context, st *personalize.Status, s scenario.Scenario, useUp bool) error {
	if st.Applet.State.Status != binding.Armed || !has(s, tellsIdentity) {
		return nil
	}
	return a.confirm(ctx, useUp, "--use-up-first-insert", "this card waits for its first terminal and would become bound to one of the scenario; go on?")
}

// listedUSIM is the USIM EF_DIR names, nil when there is none. An applet that is selected takes every SELECT that names no AID: a reset leads back to
// the MF.
func listedUSIM(ctx context.Context, s personalize.Card) ([]byte, error) {
	if err := s.Reset(ctx, false); err != nil {
		return nil, err
	}
	return usim.FindUSIM(ctx, s)
}

// prepare learns where the card begins, and refuses what can be known to fail before a line is played.
func (p *player) prepare(ctx context.Context, s scenario.Scenario, before *personalize.Status) error {
	var err error
	if p.adf == nil {
		if p.adf, err = listedUSIM(ctx, p); err != nil {
			return err
		}
	}
	if p.pin, p.code, err = p.run.Codes(p.iccid); err != nil {
		return err
	}
	if err := p.presentPIN(ctx); err != nil {
		return err
	}
	if err := p.foresee(ctx, s); err != nil {
		return err
	}
	if p.base, err = p.baseline(ctx, s, before); err != nil {
		return err
	}
	p.base.histories = p.histories
	return p.base.foreign(s)
}

// playLines plays; a card that may be changed is saved before, and put back whatever comes of it. Without keys and ADM1 nothing but files
// of the network can be.
func (a *app) playLines(ctx context.Context, o *runFlags, p *player, s scenario.Scenario, out *runReport) error {
	means := p.keyed || !p.code.IsZero()
	if !has(s, changes) && !(o.change && means) {
		return p.counted(ctx, s, out)
	}
	var play *personalize.Play
	if means {
		var err error
		if play, err = p.run.BeginPlay(ctx, p.iccid, p.keyed); err != nil {
			return err
		}
		p.saved = placesOf(play.Backup)
	}
	err := p.counted(ctx, s, out)
	back, lost, failed := p.putBack(context.WithoutCancel(ctx), play, err)
	out.PutBack = a.viewPutBack(play, back, failed)
	out.PutBack.Left = append(out.PutBack.Left, lost...)
	if err != nil { // there will be no report
		out.PutBack.text(a.err)
	}
	if err != nil && play != nil && (failed != nil || len(back.Left) > 0) { // what the card is now matters more than what ended the lines
		return errors.Join(err, play.Open())
	}
	return err
}

// counted plays from the count of resets as it is now: what went before took some.
func (p *player) counted(ctx context.Context, s scenario.Scenario, out *runReport) error {
	applet, err := personalize.SelectApplet(ctx, p, p.aid)
	if err != nil {
		return err
	}
	p.base.resets = applet.State.Resets
	return p.lines(ctx, s, out)
}

// placesOf are the copies of EF_IMSI that a backup holds, by the words of the language. A copy that is physically the other one is one, too.
func placesOf(b personalize.Backup) map[string]bool {
	out := map[string]bool{}
	for _, c := range b.Copies {
		switch {
		case c.Place == personalize.PlaceGSM:
			out["gsm"] = true
		case c.LinkedTo != "":
			out["gsm"] = true
			out["usim"] = true
		default:
			out["usim"] = true
		}
	}
	return out
}

// lines plays line by line until one does not come true. A line that the card refuses did not, either; a link that failed is an error.
func (p *player) lines(ctx context.Context, s scenario.Scenario, out *runReport) error {
	for _, l := range s.Steps {
		err := ctx.Err()
		if err == nil {
			err = p.line(ctx, l)
		}
		line := runLine{Line: l.Number, Text: hideDigits(l), OK: err == nil}
		if err != nil && !cardsFault(err) {
			return fmt.Errorf("%s:%d: %s: %w", s.Name, l.Number, line.Text, err)
		}
		if err != nil {
			line.Reason = err.Error()
		}
		out.Lines = append(out.Lines, line)
		if err != nil {
			return nil
		}
	}
	out.Passed = true
	return nil
}

// foresee looks at the files that lines are about, and names what will fail: a file that is not there, or that no code at hand opens.
func (p *player) foresee(ctx context.Context, s scenario.Scenario) error {
	for _, l := range slices.Concat(s.Header, s.Steps) {
		why, err := p.foreseen(ctx, l)
		if err != nil {
			return err
		}
		if why != "" {
			return &personalize.UnfitError{Reason: fmt.Sprintf("%s:%d: %s: %s", s.Name, l.Number, hideDigits(l), why)}
		}
	}
	if !slices.ContainsFunc(s.Steps, func(l scenario.Line) bool { return l.Verb == "issuer" }) {
		return nil
	}
	if p.code.IsZero() {
		return fmt.Errorf("%w: the scenario writes EF_IMSI with ADM1, and there is none", personalize.ErrNoKeys)
	}
	return p.presentCode(ctx)
}

// presentCode verifies ADM1: the counter is read first, one attempt. A code that is verified already is left alone.
func (p *player) presentCode(ctx context.Context) error {
	if err := p.leave(ctx); err != nil {
		return err
	}
	return uicc.Verify(ctx, p, uicc.ADM1, p.code, p.pinFloor)
}

// unhexWord reads hex the parser has checked.
func unhexWord(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
