package bindapp

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/internal/rules"
)

// configure is E0 (§4): accepted whole or not at all.
func (a *applet) configure(value []byte) apdu.SW {
	c, x, err := parseConfiguration(value, a.features)
	if err != nil {
		return statusOf(err)
	}
	if x.told && x.generation != a.generation() {
		return apdu.SWReferencedData
	}
	a.failure = reasonNone
	if a.takeAt(rules.TakeBeforeChange) != nil {
		return a.refuse()
	}
	old, copies := a.configuration(), a.copies()
	for _, y := range copies {
		subscribers := y.content != nil && bytes.Equal(y.content, c.denial) && !among(a.denials(old), y.content)
		if (subscribers || bytes.Equal(y.backup, c.denial)) && a.holds(rules.DenialValueNotSubscribers) {
			return apdu.SWWrongData
		}
	}
	if old.set && bytes.Equal(old.encode(), c.encode()) && a.holds(rules.SameChangesNothing) {
		a.unverify()
		return memory(a.stored())
	}
	changed, sw := a.settleFor(c, old)
	if sw != apdu.SWOK {
		return a.refuse()
	}
	if a.transaction(func() { a.adopt(c, old) }) != nil {
		a.fail(reasonMemory)
		return a.refuse()
	}
	a.endStep(true)
	a.refreshDue(changed)
	return apdu.SWOK
}

// refuse ends a step that failed: 6581, and tag 89 says why.
func (a *applet) refuse() apdu.SW {
	a.endStep(false)
	return apdu.SWMemory
}

func statusOf(err error) apdu.SW {
	if sw, ok := err.(apdu.SW); ok {
		return sw
	}
	return apdu.SWWrongData
}

func memory(err error) apdu.SW {
	if err != nil {
		return apdu.SWMemory
	}
	return apdu.SWOK
}

// settleFor deals with the copies that hold the old denial value before it is forgotten (§4): they are restored, or,
// when the terminal of this card session was denied and the new scheme decides, given the new denial value. A cut
// before the configuration is stored ends in the backup.
func (a *applet) settleFor(c, old configuration) ([]file, apdu.SW) {
	var due []imsiCopy
	for _, x := range a.copies() {
		if x.backup != nil && x.content != nil && among(a.denials(old), x.content) && a.holds(rules.RestoreBeforeChange) {
			due = append(due, x)
		}
	}
	if len(due) == 0 {
		return nil, apdu.SWOK
	}
	err := a.transaction(func() {
		if a.holds(rules.MarkBeforeChange) {
			a.pend(targetBackup)
		}
		a.retire(c.denial) // until the configuration is stored nobody else knows it
	})
	if err != nil {
		return nil, apdu.SWMemory
	}
	target := byte(targetBackup)
	if a.session.denied && c.scheme != schemeOff && !c.has(policyObserve) {
		target = targetDenial
	}
	var changed, located []file
	if target == targetDenial && !c.has(policyKeepLocation) {
		ok := true
		if located, ok = a.resetLocation(); !ok {
			return nil, apdu.SWMemory
		}
	}
	for _, x := range due {
		got := a.writeCopy(x, wanted(x, target, c))
		if got > written {
			return changed, apdu.SWMemory
		}
		if got == written {
			changed = append(changed, x.file)
		}
	}
	if len(changed) > 0 {
		changed = append(changed, located...)
	}
	return changed, apdu.SWOK
}

// maxRetired bounds the denial values that are remembered.
const maxRetired = 4

// retired are the denial values that may stand in a file, whole or in part, without being the one in force: the last ones, newest first,
// and the default one where none was.
func (a *applet) retired() []byte {
	if kept := a.env.Get(cellRetired); kept != nil {
		return kept
	}
	return bytes.Repeat(unconfigured().denial, maxRetired)
}

// retire remembers a denial value as the newest.
func (a *applet) retire(denial []byte) {
	kept := slices.Collect(slices.Chunk(a.retired(), sizeIMSI))
	at := slices.IndexFunc(kept, func(x []byte) bool { return bytes.Equal(x, denial) })
	if at < 0 {
		at = maxRetired - 1
	}
	kept = slices.Insert(slices.Delete(kept, at, at+1), 0, denial)
	if now := bytes.Join(kept, nil); !bytes.Equal(now, a.retired()) {
		a.put(cellRetired, now)
	}
}

// adopt stores the configuration, inside a transaction.
func (a *applet) adopt(c, old configuration) {
	a.put(cellConfiguration, c.encode())
	a.nextGeneration()
	a.retire(old.denial)
	bound := a.env.Get(cellBound)
	if c.scheme != schemeFirstInsert || old.scheme != schemeFirstInsert {
		bound = nil
	}
	a.put(cellBound, bound[:min(len(bound), c.most*sizeIMEI)])
	a.put(cellPending, nil)
	a.put(cellLocation, nil)
	a.unverify()
	a.put(cellStrict, nil)
}

// Actions of E2 tag 80 (§6).
const (
	actionBackUp   = 0x01
	actionRestore  = 0x02
	actionUnbind   = 0x03
	actionBind     = 0x04
	actionClear    = 0x05
	actionPrevious = 0x06
)

// action is E2 (§6).
func (a *applet) action(value []byte) apdu.SW {
	objects, err := tlv.Parse(value)
	if err != nil || repeated(objects) {
		return apdu.SWWrongData
	}
	var which byte
	var imei []byte
	var x expectation
	for _, o := range objects {
		switch {
		case o.Tag == 0x80 && len(o.Value) == 1:
			which = o.Value[0]
		case o.Tag == 0x81 && validIMEI(o.Value):
			imei = bytes.Clone(o.Value)
		case o.Tag == 0x8A && x.read(o.Value):
		default:
			return apdu.SWWrongData
		}
	}
	if which < actionBackUp || which > actionPrevious || (imei != nil) != (which == actionBind) {
		return apdu.SWWrongData
	}
	if x.told && x.generation != a.generation() {
		return apdu.SWReferencedData
	}
	return a.act(which, imei)
}

func (a *applet) act(which byte, imei []byte) apdu.SW {
	if which == actionClear {
		return memory(a.transaction(a.clear))
	}
	a.failure = reasonNone
	if a.takeAt(rules.TakeBeforeChange) != nil {
		return a.refuse()
	}
	var changed []file
	sw := apdu.SWOK
	switch which {
	case actionBackUp:
		sw = a.backedUp()
	case actionRestore:
		changed, sw = a.restoreAll()
	case actionPrevious:
		changed, sw = a.previous()
	default:
		changed, sw = a.rebind(which, imei)
	}
	switch sw {
	case apdu.SWOK:
	case apdu.SWMemory:
		return a.refuse()
	default:
		return sw
	}
	a.unverify()
	sw = memory(a.stored())
	a.endStep(true)
	a.refreshDue(changed)
	return sw
}

// unverify: an accepted change takes the verified mark back (§8.6).
func (a *applet) unverify() {
	if a.holds(rules.VerifiedClearedByChange) {
		a.put(cellVerified, nil)
	}
}

// clear forgets counters, log and 89 to 93.
func (a *applet) clear() {
	for _, cell := range []string{cellCounters, cellLog, cellReason, cellAnswer, cellRefresh, cellResets} {
		a.put(cell, nil)
	}
	a.unverify()
}

// backedUp: after take every copy must have a backup; one that shows neither it nor the denial value is not plausible.
func (a *applet) backedUp() apdu.SW {
	copies, denials := a.copies(), a.denials(a.configuration())
	if !anyBackup(copies) {
		return apdu.SWConditions
	}
	for _, x := range copies {
		if x.backup == nil || !bytes.Equal(x.content, x.backup) && !among(denials, x.content) {
			return apdu.SWConditions
		}
	}
	return apdu.SWOK
}

// rebind is 03 and 04: outside first-insert 6985; both restore EF_IMSI and raise the generation.
func (a *applet) rebind(which byte, imei []byte) ([]file, apdu.SW) {
	c := a.configuration()
	if !c.set || c.scheme != schemeFirstInsert {
		return nil, apdu.SWConditions
	}
	bound := a.bound()
	switch {
	case which == actionUnbind:
		bound = nil
	case isBound(bound, imei):
	case len(bound) < c.most:
		bound = append(bound, imei)
	default:
		bound = [][]byte{imei}
	}
	changed, sw := a.restoreAll()
	if sw == apdu.SWMemory {
		return changed, sw
	}
	err := a.transaction(func() {
		a.put(cellBound, bytes.Join(bound, nil))
		a.unverify()
		a.nextGeneration()
	})
	return changed, memory(err)
}

// previous goes back to the replaced backups; a copy that shows the present backup follows. What became a denial value since
// it was replaced stays where it is (I2).
func (a *applet) previous() ([]file, apdu.SW) {
	var back []imsiCopy
	denials := a.denials(a.configuration())
	for _, x := range a.copies() {
		if old := a.env.Get(x.replaced()); old != nil && !among(denials, old) {
			back = append(back, x)
		}
	}
	if len(back) == 0 {
		return nil, apdu.SWConditions
	}
	shown := slices.ContainsFunc(back, func(x imsiCopy) bool { return bytes.Equal(x.content, x.backup) })
	err := a.transaction(func() {
		for _, x := range back {
			old := a.env.Get(x.replaced())
			a.put(x.replaced(), x.backup)
			a.put(x.which.backup(), old)
		}
		if shown {
			a.pend(targetPrevious)
		}
	})
	if err != nil || !shown {
		return nil, memory(err)
	}
	changed, ok := a.writeAll(targetPrevious, targetPrevious, a.configuration(), true)
	if !ok {
		return changed, apdu.SWMemory
	}
	return changed, apdu.SWOK
}
