package batch

import (
	"context"
	"errors"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/uicc/usim"
)

// report tells the verdict, counts it, and hands the card to the handler.
func (t *task) report(ctx context.Context) {
	e := Event{Kind: Done, ICCID: t.iccid, Verdict: t.verdict, Code: t.code, Reason: t.reason, Notes: t.notes, Took: t.took, Waited: t.waited}
	if t.meter != nil {
		e.APDUs, _ = t.meter.cost()
	}
	t.b.score(t)
	t.w.tell(e)
	t.b.judgeBatch(t)
	if t.b.due() {
		t.b.recount(ctx)
	}
	if err := t.b.sort(ctx, t); err != nil {
		t.w.tell(Event{Kind: Reader, Step: "failing", Code: "hook", Reason: err.Error()})
	}
}

// sort lets the card handler put the card where it belongs.
func (b *Bench) sort(ctx context.Context, t *task) error {
	name, argv := "bad", b.Hooks.Bad
	if t.verdict == Good || t.verdict == AlreadyDone {
		name, argv = "good", b.Hooks.Good
	}
	return b.Hooks.run(ctx, name, argv, map[string]string{"SLOT": t.slot.Label, "ICCID": t.iccid, "VERDICT": string(t.verdict), "CODE": t.code})
}

// remark keeps in the ledger what no claim says: a foreign card, and one that does not tell who it is.
func (t *task) remark(ctx context.Context) error {
	if t.class != foreign && t.class != quarantine {
		return nil
	}
	e := ledger.Event{Step: "identify", Code: t.code, SW: statusWord(t.cause), Note: t.reason, Duration: t.b.now().Sub(t.began)}
	return t.b.Ledger.Remark(ctx, t.b.Order.Digest, t.iccid, t.by(), e)
}

func statusWord(err error) apdu.SW {
	var sw apdu.SW
	errors.As(err, &sw)
	return sw
}

// contentBefore is what the card held: EF_IMSI of each copy, and the configuration. The ledger keeps its digest.
func (t *task) contentBefore() (out []byte) {
	if t.plan == nil {
		return nil
	}
	for _, c := range t.plan.Facts.Copies {
		out = append(out, c.Content...)
	}
	if t.plan.Before != nil {
		out = append(out, t.plan.Before.Hex()...)
	}
	return out
}

// contentAfter is what was read back: state and configuration.
func (t *task) contentAfter() []byte {
	if t.after == nil {
		return nil
	}
	out := append([]byte{}, t.after.State.Raw...)
	if t.after.Configuration != nil {
		out = append(out, t.after.Configuration.Hex()...)
	}
	return out
}

func (t *task) hidden() map[string]string {
	if t.plan == nil || len(t.plan.Subscriber) == 0 {
		return nil
	}
	imsi, err := usim.DecodeIMSI(t.plan.Subscriber[0].IMSI[:])
	if err != nil {
		return nil
	}
	return map[string]string{"imsi": imsi.String()}
}
