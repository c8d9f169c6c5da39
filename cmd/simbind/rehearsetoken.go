package main

import (
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/scp02"
	"github.com/simbind/simbind/gp/scp03"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
)

// rehearsed gives the secrets of a card for a rehearsal. What a token keeps does not come out of it, so that no virtual card can have it:
// the token does with the card's keys what a session asks of it, and the published test key stands for them on the card.
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

// tryHeld lets a token derive the keys of a card and of a session, and prove and encrypt with them. No card answers, so that nothing of it
// is held against anything.
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
	defer held.Close() //nolint:errcheck // what it held goes with the token's session
	s, err := heldSession(held, kind)
	if err != nil {
		return fmt.Errorf("session keys of card %s: %w", id.Short(), err)
	}
	defer s.Close()
	if _, err := s.Authenticate(byte(gp.LevelCMAC | gp.LevelCDecryption)); err != nil {
		return err
	}
	_, _, err = s.Wrap(apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, Data: make([]byte, 16)})
	return err
}

// heldChannel is a secure channel before anybody answered.
type heldChannel interface {
	Authenticate(level byte) (apdu.Command, error)
	Wrap(apdu.Command) (wrapped apdu.Command, commit func(), err error)
	Close()
}

// heldSession begins a session of SCP02 with DES keys and of SCP03 with AES keys; its challenges are zeros.
func heldSession(held gp.HeldKeys, kind gp.KeyKind) (heldChannel, error) {
	host := make([]byte, 8)
	if kind == gp.DES {
		return scp02.NewHeld(scp02.Held{
			ENC: func(data []byte) (scp02.Key, error) { return held.Session(gp.PurposeENC, [][]byte{data}) },
			MAC: func(data []byte) ([]byte, error) { return held.CBC(gp.PurposeMAC, data) },
		}, host, host[:2], host[:6])
	}
	derive := func(p gp.Purpose) scp03.Deriver {
		return func(messages [][]byte) (scp03.Key, error) { return held.Session(p, messages) }
	}
	return scp03.NewHeld(scp03.Held{ENC: derive(gp.PurposeENC), MAC: derive(gp.PurposeMAC), Size: held.Size()}, host, host)
}
