package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// rehearsalImage is what the cards of a rehearsal are: a USIM with the applet on it.
const rehearsalImage = "usim-linked"

// rehearsalCard makes the virtual card of a row in memory: its ICCID, its IMSI, the applet and the security domain under the AIDs that the
// run selects, and the keys and codes that the key source gives.
func rehearsalCard(run *personalize.Run, row job.Row, imsi string, k keys.Card) (*vuicc.Card, error) {
	img, err := image.Get(rehearsalImage)
	if err != nil {
		return nil, err
	}
	if img, err = img.With(row.ICCID, imsi); err != nil {
		return nil, err
	}
	id, err := uicc.ParseICCID(row.ICCID)
	if err != nil {
		return nil, err
	}
	kdd := id.Encode() // any ten bytes that differ from card to card
	own, err := k.Keys.Diversify(kdd)
	if err != nil {
		return nil, err
	}
	defer own.Wipe()
	set, err := keysOnCard(own, kindOf(k), run.Rand)
	if err != nil {
		return nil, err
	}
	img.Domain.KDD, img.Domain.Keys = kdd[:], []image.KeySet{set}
	if run.Domain != nil {
		img.Domain.AID = run.Domain
	}
	img.Applets[0].Instance = run.AID
	for i := range img.PINs {
		p := &img.PINs[i]
		switch {
		case p.Ref == byte(uicc.PIN1) && !k.PIN1.IsZero():
			p.Code, p.Enabled = k.PIN1.Reveal(), true
		case p.Ref == byte(uicc.ADM1) && !k.ADM1.IsZero():
			p.Code = k.ADM1.Reveal()
		}
	}
	return vuicc.New(img, vuicc.WithRand(run.Rand))
}

// keysOnCard is the card's own set of keys as the card has it. A DEK that the source lacks is any.
func keysOnCard(own gp.KeySet, kind gp.KeyKind, chance io.Reader) (out image.KeySet, err error) {
	out = image.KeySet{KVN: own.KVN, Protocol: 0x03, I: 0x70, ENC: own.ENC.Reveal(), MAC: own.MAC.Reveal(), DEK: own.DEK.Reveal()}
	if kind == gp.DES {
		out.Protocol, out.I = 0x02, 0x55
	}
	if out.KVN = cmp.Or(out.KVN, out.Protocol<<4); out.KVN > 0x7F && out.KVN != 0xFF {
		return out, fmt.Errorf("%w: version %02X; a card has 01 to 7F, and FF from its maker", gp.ErrKey, out.KVN)
	}
	if len(out.DEK) == 0 {
		out.DEK = make([]byte, len(out.ENC))
		_, err = io.ReadFull(chance, out.DEK)
	}
	return out, err
}

// kindOf tells what keys the card has where the source does not: by their length, by the version numbers that are usual (20 to 2F for SCP02,
// 30 to 3F for SCP03), by the derivation.
func kindOf(k keys.Card) gp.KeyKind {
	switch d := k.Keys.Diversification; {
	case k.Kind != 0:
		return k.Kind
	case k.Keys.ENC.Len() > 16 || k.Keys.KVN>>4 == 3:
		return gp.AES
	case k.Keys.KVN>>4 == 2:
		return gp.DES
	case d == gp.EMV || d == gp.VISA1 || d == gp.VISA2:
		return gp.DES
	}
	return gp.AES
}

// rehearsed gives the secrets of a card for a rehearsal. What a token keeps does not come out of it, so that no virtual card can have it:
// the card's keys are derived in the token and used there once, and the published test key stands for them.
func rehearsed(secrets func(iccid string) (keys.Card, error)) func(iccid string) (keys.Card, error) {
	return func(iccid string) (keys.Card, error) {
		k, err := secrets(iccid)
		if err != nil || k.Keys.Holder == nil {
			return k, err
		}
		if err := tryHeld(iccid, k); err != nil {
			return k, err
		}
		k.Kind = kindOf(k)
		k.Keys = gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey(), KVN: k.Keys.KVN}
		return k, nil
	}
}

// tryHeld derives the keys of a card where they are kept, and lets each work once.
func tryHeld(iccid string, k keys.Card) error {
	id, err := uicc.ParseICCID(iccid)
	if err != nil {
		return err
	}
	kind := kindOf(k)
	held, err := k.Keys.Holder.Card(id.Encode(), kind)
	if err != nil {
		return err
	}
	defer held.Close() //nolint:errcheck // they go with the token's session
	use := held.CMAC
	if kind == gp.DES {
		use = held.CBC
	}
	for _, p := range []gp.Purpose{gp.PurposeENC, gp.PurposeMAC} {
		b, err := use(p, make([]byte, 16))
		if err != nil {
			return fmt.Errorf("card key %d of the token: %w", p, err)
		}
		clear(b)
	}
	return nil
}
