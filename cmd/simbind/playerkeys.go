package main

import (
	"context"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/vuicc/scenario"
)

// Lines that go through a secure channel. Each opens one of its own, with the same care as every verb: attempts are counted before the card is
// authenticated to, and nothing is tried twice.

func (p *player) session(ctx context.Context) (*gp.Session, error) {
	set, err := p.run.KeysOf(p.iccid)
	if err != nil {
		return nil, err
	}
	s, _, err := p.run.Channel(ctx, p.iccid, func() ([]byte, error) {
		_, err := personalize.SelectApplet(ctx, p, p.aid)
		return p.aid, err
	}, set)
	return s, err
}

// object reads an object of the applet through a session.
func (p *player) object(ctx context.Context, tag byte) ([]byte, error) {
	s, err := p.session(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return readObject(ctx, s, tag)
}

// readObject joins the parts of an object.
func readObject(ctx context.Context, t apdu.Transmitter, tag byte) ([]byte, error) {
	name := fmt.Sprintf("GET DATA %02X", tag)
	parts := binding.NewParts(tag)
	for !parts.Done() {
		r, err := apdu.Do(ctx, t, name, parts.Next())
		if err != nil {
			return nil, err
		}
		if err := parts.Add(r.Data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return parts.Bytes(), nil
}

// store sends a template in as many blocks as the session needs; the first that is refused ends it.
func (p *player) store(ctx context.Context, l scenario.Line) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	sw := apdu.SWOK
	for _, c := range binding.StoreData(p.base.template(l.Words[0]), s.MaxData()) {
		if sw, err = transmitted(ctx, s, c); err != nil {
			return err
		}
		if sw != apdu.SWOK {
			break
		}
	}
	if sw == apdu.SWOK && clears(l) {
		p.base.clear()
	}
	return p.answered(ctx, sw, l.Words[1:])
}

// block sends one STORE DATA with P1 and P2 of its own; the first of a chain (P2 00) opens the session that the others go on in.
func (p *player) block(ctx context.Context, l scenario.Line) error {
	p1, p2 := unhexWord(l.Words[0])[0], unhexWord(l.Words[1])[0]
	if p2 == 0 || p.chain == nil {
		p.endChain()
		s, err := p.session(ctx)
		if err != nil {
			return err
		}
		p.chain = s
	}
	sw, err := transmitted(ctx, p.chain, apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, P1: p1, P2: p2, Data: unhexWord(l.Words[2])})
	if err != nil {
		return err
	}
	return p.answered(ctx, sw, l.Words[3:])
}

// transmitted is the status word of a command; 91XX is 9000, a proactive command waits.
func transmitted(ctx context.Context, s *gp.Session, c apdu.Command) (apdu.SW, error) {
	r, err := s.Transmit(ctx, c)
	if err != nil {
		return 0, &apdu.LinkError{Name: "STORE DATA", Err: err}
	}
	if r.SW.OK() {
		return apdu.SWOK, nil
	}
	return r.SW, nil
}

// answered compares a status word with "is SW", 9000 without it.
func (p *player) answered(ctx context.Context, sw apdu.SW, is []string) error {
	want := apdu.SWOK.String()
	if len(is) == 2 {
		want = is[1]
	}
	if sw.String() != want {
		return unexpected("the card answers %s, want %s", sw.String(), want)
	}
	return p.settle(ctx)
}

// configuration compares E0 as it is read back.
func (p *player) configuration(ctx context.Context, l scenario.Line) error {
	raw, err := p.object(ctx, binding.ObjectConfiguration)
	if err != nil {
		return err
	}
	if want := p.base.template(l.Words[0]); fmt.Sprintf("%X", raw) != fmt.Sprintf("%X", want) {
		return unexpected("the card is configured otherwise")
	}
	return p.settle(ctx)
}

// log compares E4: what the scenario's card would hold, and behind it what this one held before.
func (p *player) log(ctx context.Context, l scenario.Line) error {
	raw, err := p.object(ctx, binding.ObjectLog)
	if err != nil {
		return err
	}
	if want := p.base.log(l.Words[0]); fmt.Sprintf("%X", raw) != want {
		return unexpected("the log holds %d bytes, otherwise than %d", len(raw), len(want)/2)
	}
	return p.settle(ctx)
}
