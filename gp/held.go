package gp

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/gp/scp01"
	"github.com/simbind/simbind/gp/scp02"
	"github.com/simbind/simbind/gp/scp03"
)

// prepareHeld derives the session keys where the card's static keys are kept.
func (s *Session) prepareHeld(holder Holder, host []byte, a InitializeUpdateResponse, opt Options) error {
	held, err := holder.Card(a.KDD, KindOf(a.Protocol))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	err = s.channelOf(held, host, a, opt)
	return errors.Join(err, held.Close())
}

func (s *Session) channelOf(held HeldKeys, host []byte, a InitializeUpdateResponse, opt Options) error {
	if a.Protocol != SCP02 {
		if err := sameSize(a, host); err != nil {
			return err
		}
	}
	var err error
	switch a.Protocol {
	case SCP01:
		s.ch, err = given(scp01.NewHeld(scp01.Held{ENC: with(held.ECB, PurposeENC), MAC: with(held.ECB, PurposeMAC)}, opt.scp01(), host, a.Challenge))
	case SCP02:
		keys := scp02.Held{ENC: with(held.CBC, PurposeENC), MAC: with(held.CBC, PurposeMAC)}
		if held.Has(PurposeDEK) {
			keys.DEK = with(held.CBC, PurposeDEK)
		}
		var ch *scp02.Session
		if ch, err = scp02.NewHeld(keys, host, a.Sequence, a.Challenge); err == nil {
			s.ch, s.dek = ch, ch.DEK()
		}
	default:
		s.ch, err = given(scp03.NewHeld(scp03.Held{ENC: with(held.CMAC, PurposeENC), MAC: with(held.CMAC, PurposeMAC), Size: held.Size()}, host, a.Challenge))
		if err == nil {
			return s.checkChallenge(a, opt, func() ([]byte, error) {
				return scp03.CardChallengeHeld(with(held.CMAC, PurposeENC), a.Sequence, opt.AID, len(a.Challenge))
			})
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	return nil
}

// with is an operation of held keys under one of them.
func with(do func(Purpose, []byte) ([]byte, error), p Purpose) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) { return do(p, data) }
}

// given keeps a channel that could not be made from becoming one that looks as if it could.
func given[C channel](ch C, err error) (channel, error) {
	if err != nil {
		return nil, err
	}
	return ch, nil
}
