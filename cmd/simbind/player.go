package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc/scenario"
)

// player plays the terminal of a scenario on the card in a reader: the lines of scenarios/README.md that a terminal can do or see.
type player struct {
	stage   *stage
	aid     []byte // of the binding applet
	adf     []byte // nil: DF_GSM alone
	waiting int    // bytes of the proactive command the last status word announced
	command *cat.ProactiveCommand
	asked   bool // a line expected it
	fetched int
	base    *baseline

	run       *personalize.Run
	iccid     uicc.ICCID
	keyed     bool
	chain     *gp.Session     // of a chain of blocks
	saved     map[string]bool // copies of EF_IMSI that are saved, and may be written
	originals []original
	histories map[string][][]byte // cyclic files before the first line, newest record first

	pin, code secret.Bytes // PIN1 and ADM1; zero: not at hand
	pinFloor  int
}

// original is a file as it was before the scenario wrote it.
type original struct {
	path    string
	content []byte
}

// compares are the lines that must be so; all others happen to the card.
var compares = map[string]bool{
	"asks": true, "usim": true, "gsm": true, "file": true, "state": true, "information": true, "configuration": true, "log": true,
}

// playerVerbs are the lines it plays.
var playerVerbs = map[string]func(*player, context.Context, scenario.Line) error{
	"on":  func(p *player, ctx context.Context, _ scenario.Line) error { return p.power(ctx, true) },
	"off": func(*player, context.Context, scenario.Line) error { return nil }, // the power goes with the cold reset of the next "on"
	"reset": func(p *player, ctx context.Context, _ scenario.Line) error {
		return p.power(ctx, false)
	},
	"profile": (*player).profile,
	"start":   (*player).start,
	"imei":    (*player).imei,
	"imeisv":  (*player).imeisv,
	"answer":  (*player).answer,
	"busy":    (*player).busy,
	"status":  func(p *player, ctx context.Context, _ scenario.Line) error { return p.status(ctx) },
	"asks":    (*player).asks,
	"usim":    (*player).usim,
	"gsm":     (*player).gsm,
	"state":   (*player).state,

	"information":   (*player).information,
	"configuration": (*player).configuration,
	"log":           (*player).log,
	"store":         (*player).store,
	"block":         (*player).block,
	"issuer":        (*player).issuer,
	"network":       (*player).network,
	"file":          (*player).file,
}

// tellsIdentity are the lines that may bind an armed card.
var tellsIdentity = map[string]bool{"start": true, "imei": true, "imeisv": true, "answer": true}

// maxFetched bounds what a card may ask in one run.
const maxFetched = 2000

// errUnexpected is wrapped by a line of a scenario that did not come true.
var errUnexpected = errors.New("not as expected")

func unexpected(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUnexpected, fmt.Errorf(format, args...))
}

// Transmit implements apdu.Transmitter and keeps what the status word announces.
func (p *player) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	r, err := p.stage.Transmit(ctx, c)
	p.waiting = 0
	if n, ok := r.SW.Proactive(); ok && err == nil {
		p.waiting = n
	}
	return r, err
}

// ATR, Reader and Reset make the player the card of a run: what a run sends is played, too.
func (p *player) ATR() []byte    { return p.stage.ATR() }
func (p *player) Reader() string { return p.stage.Reader() }
func (p *player) Reset(ctx context.Context, cold bool) error {
	p.command = nil
	p.endChain()
	return p.stage.Reset(ctx, cold)
}

// endChain wipes the session of a chain of blocks.
func (p *player) endChain() {
	if p.chain != nil {
		p.chain.Close()
		p.chain = nil
	}
}

func (p *player) do(ctx context.Context, name string, c apdu.Command) error {
	if _, err := apdu.Do(ctx, p, name, c); err != nil {
		return err
	}
	return p.settle(ctx)
}

// settle fetches what waits. The card's own commands are no line of a scenario: they are answered at once.
func (p *player) settle(ctx context.Context) error {
	for p.waiting > 0 && p.command == nil {
		if p.fetched++; p.fetched > maxFetched {
			return &cat.LoopError{Commands: p.fetched}
		}
		r, err := apdu.Do(ctx, p, "FETCH", cat.Fetch(p.waiting))
		if err != nil {
			return err
		}
		c, err := cat.ParseProactive(r.Data)
		if err != nil {
			return err
		}
		switch c.Type {
		case cat.PollInterval, cat.PollingOff, cat.SetUpEventList, cat.SetUpMenu, cat.MoreTime:
			if _, err := apdu.Do(ctx, p, "TERMINAL RESPONSE", cat.TerminalResponse(c, cat.Answer{})); err != nil {
				return err
			}
		default:
			p.command, p.asked = &c, false
		}
	}
	return nil
}

func (p *player) power(ctx context.Context, cold bool) error {
	if err := p.run.Reset(ctx, cold); err != nil {
		return err
	}
	if err := p.do(ctx, "SELECT MF", apdu.Command{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x3F, 0x00}}); err != nil {
		return err
	}
	return p.presentPIN(ctx)
}

// presentPIN gives PIN1 as a device does at its start, when the card asks for one and it is at hand.
func (p *player) presentPIN(ctx context.Context) error {
	if p.pin.IsZero() || p.adf == nil {
		return nil
	}
	fcp, err := uicc.SelectAID(ctx, p, "ADF.USIM", p.adf)
	if err != nil || !fcp.PINEnabled(uicc.PIN1) {
		return err
	}
	if err := uicc.Verify(ctx, p, uicc.PIN1, p.pin, p.pinFloor); err != nil {
		return err
	}
	return p.settle(ctx)
}

func (p *player) profile(ctx context.Context, _ scenario.Line) error {
	p.command = nil
	return p.do(ctx, "TERMINAL PROFILE", cat.TerminalProfile(cat.Kinds[0].Profile))
}

// start is on, profile, asks imei, imei.
func (p *player) start(ctx context.Context, l scenario.Line) error {
	if err := p.power(ctx, true); err != nil {
		return err
	}
	if err := p.profile(ctx, l); err != nil {
		return err
	}
	if err := p.asks(ctx, scenario.Line{Words: []string{"imei"}}); err != nil {
		return err
	}
	return p.imei(ctx, l)
}

// imei is told as terminals do: 14 digits, and 0 in place of the check digit.
func (p *player) imei(ctx context.Context, l scenario.Line) error {
	object, err := cat.IMEIObject(l.Words[0][:14])
	if err != nil {
		return err
	}
	return p.respond(ctx, cat.Answer{Objects: object})
}

func (p *player) imeisv(ctx context.Context, l scenario.Line) error {
	object, err := cat.IMEISVObject(l.Words[0])
	if err != nil {
		return err
	}
	return p.respond(ctx, cat.Answer{Objects: object})
}

func (p *player) answer(ctx context.Context, l scenario.Line) error {
	a := cat.Answer{Result: cat.Result(unhexWord(l.Words[0])[0])}
	if len(l.Words) > 1 {
		a.Objects = unhexWord(l.Words[1])
	}
	return p.respond(ctx, a)
}

func (p *player) respond(ctx context.Context, a cat.Answer) error {
	if p.command == nil {
		return unexpected("no proactive command waits for an answer")
	}
	c := *p.command
	p.command = nil
	return p.do(ctx, "TERMINAL RESPONSE", cat.TerminalResponse(c, a))
}

// busyRounds is more often than the card may ask (card interface §8.4).
const busyRounds = 20

func (p *player) busy(ctx context.Context, _ scenario.Line) error {
	for range busyRounds {
		if p.command == nil {
			if err := p.status(ctx); err != nil {
				return err
			}
		}
		if p.command == nil || p.command.Type != cat.ProvideLocalInformation {
			return nil
		}
		if err := p.respond(ctx, cat.Answer{Result: cat.TerminalBusy}); err != nil {
			return err
		}
	}
	return unexpected("the card asks on and on")
}

// status polls. STATUS belongs to the UICC: an applet that was looked at is left first.
func (p *player) status(ctx context.Context) error {
	if err := p.leave(ctx); err != nil {
		return err
	}
	return p.do(ctx, "STATUS", cat.Poll())
}

// leave ends the selection of an applet that was looked at.
func (p *player) leave(ctx context.Context) error {
	c := apdu.Command{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x3F, 0x00}}
	if p.adf != nil {
		c = apdu.Command{INS: apdu.INSSelect, P1: 0x04, P2: 0x0C, Data: p.adf}
	}
	return p.do(ctx, "SELECT", c)
}
