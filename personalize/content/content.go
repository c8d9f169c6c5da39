// Package content is the work on what a card carries besides its files: load files, applications and keys. It looks, plans, carries the
// plan out and proves the result, for one card at a time, with the identity, keys and counts of a personalize.Run.
//
// What a card holds can be read from it, so that a run that was broken off needs no journal: the next one looks, and plans what is left.
package content

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
)

// Step is one command of a plan, in clear.
type Step struct {
	Name    string // "INSTALL [for load]", "LOAD block 3 of 17"
	Command apdu.Command
	Note    string // what the bytes do not say by themselves
	Secret  bool   // the data holds keys and is not shown
}

// Domain is a conversation with the issuer security domain, or the one the run names, of a known card, through a secure channel.
type Domain struct {
	ICCID   uicc.ICCID
	FCI     gp.FCI
	Session *gp.Session

	run   *personalize.Run
	asked byte // the key version the session was asked for
}

// Open opens a secure channel to the security domain with the card's own keys: three commands.
func Open(ctx context.Context, run *personalize.Run, iccid uicc.ICCID) (*Domain, error) {
	keys, err := run.KeysOf(iccid)
	if err != nil {
		return nil, err
	}
	d, _, err := OpenWith(ctx, run, iccid, keys)
	return d, err
}

// OpenWith is Open with the one of several key sets that the card proves to hold, and tells which.
func OpenWith(ctx context.Context, run *personalize.Run, iccid uicc.ICCID, sets ...gp.KeySet) (*Domain, int, error) {
	run.Begin("session")
	d := &Domain{ICCID: iccid, run: run}
	var which int
	var err error
	d.Session, which, err = run.Channel(ctx, iccid, func() ([]byte, error) {
		var locked bool
		d.FCI, locked, err = gp.SelectDomain(ctx, run.Card, run.Domain)
		if locked {
			run.Remark("the card is locked: it takes no content until its life cycle is SECURED again")
		}
		return d.FCI.AID, err
	}, sets...)
	if err != nil {
		return nil, 0, err
	}
	d.asked = sets[which].KVN
	return d, which, nil
}

// Close ends the session.
func (d *Domain) Close() { d.Session.Close() }

// Room is how many bytes of plain data one command carries.
func (d *Domain) Room() int { return d.Session.MaxDataWithin(d.FCI.MaxCommand) }

// Fit refuses steps whose data one command of this session cannot carry, before anything is sent.
func (d *Domain) Fit(steps []Step) error {
	for _, s := range steps {
		if n, most := len(s.Command.Data), d.Room(); n > most {
			return &personalize.UnfitError{Reason: fmt.Sprintf("%s has %d bytes of data; at this security level the card takes %d", s.Name, n, most)}
		}
	}
	return nil
}

// Do carries steps out in order and gives the answers, that of a refusal too when it has data. A refusal is a *gp.ContentError. A link that fails leaves open what the card
// did: *personalize.InDoubtError names the step. An interrupt is heeded between steps, never inside one.
func (d *Domain) Do(ctx context.Context, steps []Step) ([]apdu.Response, error) {
	var out []apdu.Response
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		r, err := apdu.Do(context.WithoutCancel(ctx), d.Session, s.Name, s.Command)
		if err == nil || len(r.Data) > 0 {
			out = append(out, r)
		}
		if err != nil {
			return out, broken(s, err)
		}
	}
	return out, nil
}

func broken(s Step, err error) error {
	if errors.As(err, new(*apdu.Error)) {
		return gp.Explain(s.Command, err)
	}
	return &personalize.InDoubtError{Step: personalize.Step(s.Name), Err: err}
}
