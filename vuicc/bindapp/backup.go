package bindapp

import (
	"bytes"
	"slices"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc/internal/rules"
)

// Targets of a pending write (§8).
const (
	targetBackup   = 0x01
	targetDenial   = 0x02
	overReplaced   = 0x04 // and the replaced backup may still stand in a copy
	targetPrevious = targetBackup | overReplaced
)

// takeAt is take under the rule that asks for it.
func (a *applet) takeAt(r rules.Rule) error {
	if !a.holds(r) {
		return nil
	}
	return a.take()
}

// takable tells whether content may become a backup.
func (a *applet) takable(content []byte) bool {
	return plausible(content) || !a.holds(rules.TakePlausibleOnly)
}

// take renews the backups (§8), before anything that may write EF_IMSI: a pending write is finished first, then each
// copy whose content is plausible, not a denial value and not its backup becomes that copy's backup; the old one
// is kept beside it. One transaction.
func (a *applet) take() error {
	a.finishPending()
	c, copies, pending := a.configuration(), a.copies(), a.byteOf(cellPending)
	if len(copies) == 0 || allUnreadable(copies) {
		a.fail(reasonNotReadable)
		if a.service130() {
			a.failure = reasonService130
		}
		return nil
	}
	denials := a.denials(c)
	var fresh []imsiCopy
	for _, x := range copies {
		switch {
		case x.content == nil:
			a.fail(reasonNotReadable)
		case among(denials, x.content) && a.holds(rules.TakeNoDenialValue), bytes.Equal(x.content, x.backup):
		case !a.takable(x.content):
			a.fail(reasonContent)
		case !a.issuers(x, pending, c): // half-written
		default:
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == 0 {
		return unfinished(pending)
	}
	err := a.transaction(func() {
		for _, x := range fresh {
			if x.backup != nil {
				a.put(x.replaced(), x.backup)
			}
			a.put(x.which.backup(), x.content)
		}
	})
	if err != nil {
		a.fail(reasonMemory)
		return err
	}
	return unfinished(pending)
}

// unfinished: a pending write that the memory refuses again.
func unfinished(pending byte) error {
	if pending != 0 {
		return apdu.SWMemory
	}
	return nil
}

func allUnreadable(copies []imsiCopy) bool {
	for _, c := range copies {
		if c.content != nil {
			return false
		}
	}
	return true
}

// pend marks the write that is about to begin (§8).
func (a *applet) pend(target byte) {
	if a.holds(rules.PendingMark) {
		a.put(cellPending, []byte{target | a.byteOf(cellPending)&overReplaced})
	}
}

// finishPending writes what a cut kept from being written (§8). What an issuer wrote since is left for take.
func (a *applet) finishPending() {
	target := a.byteOf(cellPending)
	if target == 0 || !a.holds(rules.PendingFinished) {
		return
	}
	c := a.configuration()
	reset := true
	if !c.has(policyKeepLocation) && a.byteOf(cellLocation) != 0 {
		_, reset = a.resetLocation()
	}
	a.writeAll(target, target, c, reset)
}

// issuers tells whether the content of a copy is somebody else's, to be taken and not to be overwritten: plausible, and not one of
// the applet's own values. While a pending write is left from before, neither a mixture of them, byte by byte: a write that was
// cut leaves such.
func (a *applet) issuers(x imsiCopy, left byte, c configuration) bool {
	own := append(a.denials(c), x.backup)
	if left&overReplaced != 0 {
		own = append(own, a.env.Get(x.replaced()))
	}
	if left != 0 && a.holds(rules.HalfWritten) && mixed(x.content, own) {
		return false
	}
	return a.takable(x.content) && (!among(own, x.content) || !a.holds(rules.TakeNoDenialValue))
}

// mixed tells whether every byte of content stands in one of the values at the same place.
func mixed(content []byte, values [][]byte) bool {
	for i, b := range content {
		if !slices.ContainsFunc(values, func(v []byte) bool { return i < len(v) && v[i] == b }) {
			return false
		}
	}
	return true
}

func wanted(x imsiCopy, target byte, c configuration) []byte {
	if target&^overReplaced == targetDenial {
		return c.denial
	}
	return x.backup
}

// outcome of writing a copy.
type outcome int

const (
	same    outcome = iota // it was as wanted
	written                // and read back
	refused                // untouched: the access domain does not allow it
	spoiled                // the memory failed: the copy may hold anything
)

// writeCopy writes one copy when it differs, and reads it back.
func (a *applet) writeCopy(x imsiCopy, content []byte) outcome {
	if bytes.Equal(x.content, content) {
		return same
	}
	if err := a.writeBinary(x.file, content); err != nil {
		a.fail(fileReason(err))
		if fileReason(err) == reasonNotWritable {
			return refused
		}
		return spoiled
	}
	got, _, err := a.readBinary(x.file, sizeIMSI)
	if err != nil || !bytes.Equal(got, content) {
		a.fail(reasonMemory)
		return spoiled
	}
	return written
}

// writeAll brings every copy with a backup to the target: the mark is set already, and stays while the memory spoils a copy; left is the
// mark that stood before this step, done tells whether location and keys are. What an issuer wrote and take could not keep is not overwritten. It tells which files
// were written and whether every copy is as wanted.
func (a *applet) writeAll(target, left byte, c configuration, done bool) (changed []file, ok bool) {
	ok = true
	if !a.holds(rules.MarkClearedLast) {
		a.settled(true)
	}
	for _, x := range a.copies() {
		if !a.writable(x, target) || a.holds(rules.IssuersNotOverwritten) && a.issuers(x, left, c) {
			ok = ok && x.backup == nil
			continue
		}
		got := a.writeCopy(x, wanted(x, target, c))
		if got == written {
			changed = append(changed, x.file)
		}
		ok = ok && got <= written
		done = done && got != spoiled
		if !ok && !a.holds(rules.OthersNotWaiting) {
			break
		}
	}
	a.settled(done)
	return changed, ok
}

// writable: a copy without a backup of its own is never written (§1), and one that cannot be read is not known.
func (a *applet) writable(x imsiCopy, target byte) bool {
	if target == targetDenial && !a.holds(rules.BackupBeforeWrite) {
		return true
	}
	return x.backup != nil && x.content != nil
}

// settled takes back the mark of the pending write when it is done.
func (a *applet) settled(done bool) {
	if !done && a.holds(rules.PendingKeptOnFailure) {
		return
	}
	err := a.transaction(func() {
		a.put(cellLocation, nil)
		a.put(cellPending, nil)
	})
	if err != nil {
		a.fail(reasonMemory)
	}
}

// differs tells whether a copy with a backup is not at the target.
func differs(copies []imsiCopy, target byte, c configuration) bool {
	for _, x := range copies {
		if x.backup != nil && x.content != nil && !bytes.Equal(x.content, wanted(x, target, c)) {
			return true
		}
	}
	return false
}

// restoreAll writes every backup back; nothing to restore is 6985.
func (a *applet) restoreAll() (changed []file, sw apdu.SW) {
	copies := a.copies()
	if !anyBackup(copies) {
		return nil, apdu.SWConditions
	}
	if !differs(copies, targetBackup, a.configuration()) {
		return nil, apdu.SWOK
	}
	a.pend(targetBackup)
	if a.stored() != nil {
		return nil, apdu.SWMemory
	}
	changed, ok := a.writeAll(targetBackup, 0, a.configuration(), true)
	if !ok {
		return changed, apdu.SWMemory
	}
	return changed, apdu.SWOK
}
