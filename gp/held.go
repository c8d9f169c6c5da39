package gp

import (
	"fmt"

	"github.com/simbind/simbind/gp/scp01"
	"github.com/simbind/simbind/gp/scp02"
	"github.com/simbind/simbind/gp/scp03"
)

// prepareHeld derives the session keys where the card's static keys are kept. Those of SCP03 stay there, and the encryption key of SCP02; the
// others come out.
func (s *Session) prepareHeld(holder Holder, host []byte, a InitializeUpdateResponse, opt Options) error {
	held, err := holder.Card(a.KDD, KindOf(a.Protocol))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	s.held = held
	if err := s.channelOf(held, host, a, opt); err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	held.Drop()
	return nil
}

func (s *Session) channelOf(held HeldKeys, host []byte, a InitializeUpdateResponse, opt Options) (err error) {
	if a.Protocol != SCP02 {
		if err := sameSize(a, host); err != nil {
			return err
		}
	}
	switch a.Protocol {
	case SCP01:
		s.ch, err = given(scp01.NewHeld(scp01.Held{ENC: with(held.ECB, PurposeENC), MAC: with(held.ECB, PurposeMAC)}, opt.scp01(), host, a.Challenge))
		return err
	case SCP02:
		return s.heldOf02(held, host, a)
	}
	keys := scp03.Held{ENC: derive03(held, PurposeENC), MAC: derive03(held, PurposeMAC), Size: held.Size()}
	if s.ch, err = given(scp03.NewHeld(keys, host, a.Challenge)); err != nil {
		return err
	}
	return s.checkChallenge(a, opt, func() ([]byte, error) {
		return scp03.CardChallengeHeld(with(held.CMAC, PurposeENC), a.Sequence, opt.AID, len(a.Challenge))
	})
}

func (s *Session) heldOf02(held HeldKeys, host []byte, a InitializeUpdateResponse) error {
	keys := scp02.Held{MAC: with(held.CBC, PurposeMAC)}
	keys.ENC = func(data []byte) (scp02.Key, error) { return held.Session(PurposeENC, [][]byte{data}) }
	if held.Has(PurposeDEK) {
		keys.DEK = with(held.CBC, PurposeDEK)
	}
	ch, err := scp02.NewHeld(keys, host, a.Sequence, a.Challenge)
	if err != nil {
		return err
	}
	s.ch, s.dek = ch, ch.DEK()
	return nil
}

func derive03(held HeldKeys, p Purpose) scp03.Deriver {
	return func(messages [][]byte) (scp03.Key, error) { return held.Session(p, messages) }
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
