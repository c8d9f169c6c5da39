package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/uicc"
)

// KeyWish is a key set as it shall be on a card.
type KeyWish struct {
	Expected personalize.Expected
	// New is asked once the card is known. With a derivation it gives masters; kind 0 is AES for keys longer than 16 bytes, else as the
	// session's protocol.
	New     func(iccid string) (gp.KeySet, gp.KeyKind, error)
	Replace byte // the version that goes; 00: none, the set is added
}

// KeyChange is what changing keys would do, as a value. Sets are shown by version and check values.
type KeyChange struct {
	ICCID    uicc.ICCID
	Replaces byte       // 00: the set is added
	Kind     gp.KeyKind // of the new set
	New      KeyShow
	Old      KeyShow // the set the session was opened with; the one that is replaced when Replaces is its version
	Steps    []Step  // empty: the card holds the new set, and proved it

	set gp.KeySet // the card's own, derived
	kdd [10]byte
}

// KeyShow is a key set as it may be shown.
type KeyShow struct {
	KVN         byte
	Kind        gp.KeyKind
	Bits        int
	Derivation  gp.Diversification // that made the card's own keys of masters
	CheckValues []string           // of ENC, MAC, DEK of the card's own keys
}

// AsWanted tells that there is nothing to send.
func (p *KeyChange) AsWanted() bool { return len(p.Steps) == 0 }

// PlanKeys reads which key versions the card has, opens a session, and plans PUT KEY. A run that was broken off may have left either set in
// the place of the other: both are held against one cryptogram of the card, which spends nothing (gp.OpenOneOf).
func PlanKeys(ctx context.Context, run *personalize.Run, w KeyWish) (*KeyChange, *Domain, error) {
	facts, err := LookAtKeys(ctx, run, w.Expected)
	if err != nil {
		return nil, nil, err
	}
	old, err := run.KeysOf(facts.ICCID)
	if err != nil {
		return nil, nil, err
	}
	fresh, kind, err := w.New(facts.ICCID.String())
	if err != nil {
		return nil, nil, err
	}
	if fresh.KVN == 0 || fresh.KVN > 0x7F || fresh.DEK.IsZero() {
		return nil, nil, &personalize.UnfitError{Reason: "the new key set needs a key version 01 to 7F and three keys, ENC, MAC and DEK"}
	}
	sets, err := candidates(facts.Keys, old, fresh, w.Replace)
	if err != nil {
		return nil, nil, err
	}
	encrypted(run)
	d, which, err := OpenWith(ctx, run, facts.ICCID, sets...)
	if err != nil {
		return nil, nil, inTheWay(err, sets, fresh)
	}
	p := &KeyChange{ICCID: facts.ICCID, Replaces: w.Replace, Kind: kind, kdd: d.Session.KDD}
	if err = p.planOver(ctx, d, sets[which], fresh); err == nil {
		err = p.beside(facts.Keys)
	}
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return p, d, nil
}

// beside: PUT KEY replaces a set by one that is not on the card. Where the new set is there already the other one would stay, unsaid.
func (p *KeyChange) beside(on []gp.KeyEntry) error {
	if p.AsWanted() && p.Replaces != 0 && p.Replaces != p.New.KVN && hasKey(on, p.Replaces) {
		return &ConflictError{[]byte{p.Replaces}, fmt.Sprintf("the card holds the new key set %02X, and this one beside it; delete it by itself", p.New.KVN)}
	}
	return nil
}

// encrypted raises the level of the run's sessions to one with C-DECRYPTION: in SCP03 nothing else proves an ENC key.
func encrypted(run *personalize.Run) {
	const least = gp.LevelCMAC | gp.LevelCDecryption
	if run.Level != 0 && run.Level&least != least {
		run.Level |= least
		run.Remark("the channel is at level %02X: C-DECRYPTION proves the ENC key", byte(run.Level))
	}
}

// candidates are the sets the card may hold under the version a session is opened with, the likeliest first.
func candidates(on []gp.KeyEntry, old, fresh gp.KeySet, replace byte) ([]gp.KeySet, error) {
	has := func(kvn byte) bool { return hasKey(on, kvn) }
	onePlace := (old.KVN == fresh.KVN || old.KVN == 0) && replace == fresh.KVN // 00: the card says which it asks for
	switch {
	case onePlace && shareKey(old, fresh):
		return nil, &personalize.UnfitError{Reason: "ENC or MAC of the new set is a key of the set it replaces: after a change that is broken off the card's cryptogram would not tell which it holds; use other keys, or another key version"}
	case onePlace:
		return []gp.KeySet{old, fresh}, nil
	case old.KVN == fresh.KVN:
		return nil, &ConflictError{[]byte{fresh.KVN}, "the session's key set has this version; name it as the one that is replaced"}
	case has(fresh.KVN) && replace != fresh.KVN: // put there by an earlier run, or in the way: its keys decide
		return []gp.KeySet{fresh}, nil
	case replace != 0 && len(on) > 0 && !has(replace):
		return nil, &ConflictError{[]byte{replace}, "the card has no key set of this version to be replaced"}
	}
	return []gp.KeySet{old}, nil
}

func hasKey(on []gp.KeyEntry, kvn byte) bool {
	return slices.ContainsFunc(on, func(e gp.KeyEntry) bool { return e.KVN == kvn })
}

// inTheWay: the version of the new set is on the card, and it is not the new set.
func inTheWay(err error, sets []gp.KeySet, fresh gp.KeySet) error {
	var refused *gp.SessionError
	if len(sets) == 1 && same(sets[0], fresh) && errors.As(err, &refused) && refused.Failure == gp.FailureCryptogram {
		return &ConflictError{[]byte{fresh.KVN}, "the card has a key set of this version with other keys; name it as the one that is replaced"}
	}
	return err
}

func same(a, b gp.KeySet) bool {
	return a.KVN == b.KVN && a.Diversification == b.Diversification && a.ENC.Equal(b.ENC) && a.MAC.Equal(b.MAC) && a.DEK.Equal(b.DEK)
}

// shareKey tells whether two sets that differ have a key in common that opening a session proves: ENC with SCP01 and SCP02, MAC with SCP03.
func shareKey(a, b gp.KeySet) bool {
	a.KVN = b.KVN // 00 and the version are one place
	return a.Holder == nil && a.Diversification == b.Diversification && !same(a, b) && (a.ENC.Equal(b.ENC) || a.MAC.Equal(b.MAC))
}

// planOver lists the steps over an open session; there are none when the card proves to hold the new set.
func (p *KeyChange) planOver(ctx context.Context, d *Domain, used, fresh gp.KeySet) error {
	if err := p.fill(d, used, fresh); err != nil {
		return err
	}
	if same(used, fresh) && p.Kind == gp.KindOf(d.Session.Protocol) { // the same bytes may be wanted as keys of the other kind
		return d.proveENC(ctx)
	}
	return p.plan(d)
}

// proveENC reads the domain's own entry: at a level with C-DEC that proves the ENC key, which opening a session of SCP03 does not.
func (d *Domain) proveENC(ctx context.Context) error {
	_, err := gp.Registry(ctx, d.Session, gp.Domains)
	return err
}

// fill derives the card's own keys and their check values.
func (p *KeyChange) fill(d *Domain, used, fresh gp.KeySet) error {
	own, err := fresh.Diversify(p.kdd)
	if err != nil {
		return err
	}
	p.set = own
	if p.Kind == 0 {
		p.Kind = kindFor(own, d.Session.Protocol)
	}
	if p.New, err = show(own, fresh.Diversification, p.Kind); err != nil {
		return err
	}
	current, err := used.Diversify(p.kdd)
	if err != nil {
		return err
	}
	p.Old, err = show(current, used.Diversification, gp.KindOf(d.Session.Protocol))
	p.Old.KVN = d.Session.KVN
	return err
}

func kindFor(set gp.KeySet, p gp.Protocol) gp.KeyKind {
	if set.ENC.Len() > 16 {
		return gp.AES
	}
	return gp.KindOf(p)
}

func show(set gp.KeySet, derivation gp.Diversification, kind gp.KeyKind) (KeyShow, error) {
	values, err := set.CheckValues(kind)
	return KeyShow{KVN: set.KVN, Kind: kind, Bits: 8 * set.ENC.Len(), Derivation: derivation, CheckValues: values}, err
}

func (p *KeyChange) plan(d *Domain) error {
	c, err := gp.PutKeys(d.Session.EncryptKey, p.Replaces, p.Kind, p.set)
	if err != nil {
		return err
	}
	note := "added"
	if p.Replaces != 0 {
		note = fmt.Sprintf("in place of key version %02X", p.Replaces)
	}
	p.Steps = []Step{{
		Name: fmt.Sprintf("PUT KEY %02X", p.New.KVN), Command: c, Secret: true,
		Note: fmt.Sprintf("%s %d bits, check values %s, %s", p.Kind, 8*p.set.ENC.Len(), strings.Join(p.New.CheckValues, " "), note),
	}}
	return d.Fit(p.Steps)
}

// Apply sends the keys, holds the card's check values against ours, and proves the new set by a session of its own before it says
// done. After PUT KEY went out nothing but that proof tells which set the card holds.
func (p *KeyChange) Apply(ctx context.Context, d *Domain) error {
	defer d.Close()
	if p.AsWanted() {
		return nil
	}
	unlock, err := d.run.Store.Lock(p.ICCID.String())
	if err != nil {
		return err
	}
	defer unlock()
	d.run.Begin("write")
	answers, err := d.Do(ctx, p.Steps)
	if err != nil {
		return halfDone(p.Steps[0], err)
	}
	answered := gp.PutKeysAnswer(p.Kind, p.set, answers[0].Data)
	proven := p.prove(context.WithoutCancel(ctx), d.run)
	switch {
	case proven == nil && answered == nil:
		return nil
	case errors.As(proven, new(*personalize.InDoubtError)):
		return proven
	}
	return &UnprovenKeysError{Err: &personalize.VerifyError{
		What: fmt.Sprintf("key set %02X", p.New.KVN), Want: fmt.Sprintf("check values %s and a session", strings.Join(p.New.CheckValues, " ")),
		Got: errors.Join(answered, proven).Error(),
	}}
}

// halfDone tells a refusal, after which the card holds what it held, from an answer that leaves it open: a warning, a memory that failed, an
// error without diagnosis.
func halfDone(s Step, err error) error {
	var refused *gp.ContentError
	if !errors.As(err, &refused) || !refused.SW.Warning() && refused.SW.SW1() != 0x65 && refused.SW.SW1() != 0x6F {
		return err
	}
	return &personalize.InDoubtError{Step: personalize.Step(s.Name), Err: err}
}

// UnprovenKeysError is a key set that the card took, and that is not proven to be the one that was sent.
type UnprovenKeysError struct{ Err *personalize.VerifyError }

func (e *UnprovenKeysError) Error() string { return e.Err.Error() }

func (e *UnprovenKeysError) Unwrap() error { return e.Err }

// prove opens a session with the new set and uses it.
func (p *KeyChange) prove(ctx context.Context, run *personalize.Run) error {
	run.Begin("verify")
	if err := run.Card.Reset(ctx, false); err != nil {
		return &personalize.InDoubtError{Step: personalize.StepReset, Err: err}
	}
	d, _, err := OpenWith(ctx, run, p.ICCID, p.set)
	if err == nil {
		defer d.Close()
		err = d.proveENC(ctx)
	}
	if err == nil || errors.As(err, new(*gp.SessionError)) || errors.As(err, new(*apdu.Error)) {
		return err
	}
	return &personalize.InDoubtError{Step: "open a session with the new key set", Err: err}
}
