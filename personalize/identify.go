package personalize

import (
	"context"
	"errors"

	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// Identity is who a card is, read without keys. What a card does not show is empty.
type Identity struct {
	Reader       string
	ATR          uicc.ATR
	ICCID        uicc.ICCID
	Applications []uicc.Application
	USIM         []byte // AID
	PIN1, ADM1   uicc.PINState
	PIN1Enabled  bool
	IMSI         []byte // EF_IMSI, nil: not readable
	AD           []byte
	Applet       *Applet
}

// Identify reads a card in at most 10 commands when EF_DIR has up to two applications.
func (r *Run) Identify(ctx context.Context, expected Expected) (Identity, error) {
	r.phase("read")
	out := Identity{Reader: r.Card.Reader()}
	var err error
	if out.ATR, err = uicc.ParseATR(r.Card.ATR()); err != nil {
		r.note("%v", err)
	}
	if out.ICCID, _, err = uicc.ReadICCID(ctx, r.Card); err != nil {
		return out, err
	}
	if err := expected.checkICCID(out.ICCID); err != nil {
		return out, err
	}
	if out.Applications, err = uicc.ReadDIR(ctx, r.Card); onlyLink(err) != nil {
		return out, err
	}
	if err := r.identifyUSIM(ctx, &out); err != nil {
		return out, err
	}
	if err := expected.CheckIMSI(out.IMSI); err != nil {
		return out, err
	}
	if out.Applet, err = SelectApplet(ctx, r.Card, r.AID); err != nil && !errors.Is(err, ErrNoApplet) {
		return out, err
	}
	return out, nil
}

func (r *Run) identifyUSIM(ctx context.Context, out *Identity) error {
	for _, a := range out.Applications {
		if usim.IsUSIM(a.AID) && out.USIM == nil {
			out.USIM = a.AID
		}
	}
	if out.USIM == nil {
		return nil
	}
	fcp, err := uicc.SelectAID(ctx, r.Card, "ADF.USIM", out.USIM)
	if err != nil {
		return onlyLink(err)
	}
	out.PIN1Enabled = fcp.PINEnabled(uicc.PIN1)
	out.PIN1 = uicc.PINState{Ref: uicc.PIN1, TriesLeft: -1, Disabled: !out.PIN1Enabled}
	if out.PIN1Enabled {
		if out.PIN1, err = uicc.Tries(ctx, r.Card, uicc.PIN1); err != nil {
			return err
		}
	}
	if out.ADM1, err = uicc.Tries(ctx, r.Card, uicc.ADM1); err != nil {
		return err
	}
	if out.AD, err = r.optional(ctx, usim.EFAD); err != nil {
		return err
	}
	if out.PIN1Enabled && !out.PIN1.Open { // EF_IMSI would refuse
		return nil
	}
	out.IMSI, err = r.optional(ctx, usim.EFIMSI)
	return err
}
