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
