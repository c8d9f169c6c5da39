package bindapp

import (
	"bytes"

	"github.com/simbind/simbind/apdu"
)

// Targets of a pending write (§8).
const (
	targetBackup = 0x01
	targetDenial = 0x02
)

// take renews the backups (§8), before anything that may write EF_IMSI: a pending write is finished first, then each
// copy whose content is plausible, not a denial value and not its backup becomes that copy's backup; the old one
// is kept beside it. One transaction.
func (a *applet) take() error {
	a.finishPending()
	c, copies := a.configuration(), a.copies()
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
		case among(denials, x.content), bytes.Equal(x.content, x.backup):
		case !plausible(x.content):
			a.fail(reasonContent)
		default:
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == 0 {
		return nil
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
	}
	return err
}

func allUnreadable(copies []imsiCopy) bool {
	for _, c := range copies {
		if c.content != nil {
			return false
		}
	}
	return true
}

// finishPending writes what a cut kept from being written (§8). A plausible content that is neither the backup nor a
// denial value is an issuer's and is left for take, unless the denial value is itself plausible: then a half-written
// file cannot be told from an issuer's, and the pending target is written first.
func (a *applet) finishPending() {
	target := a.byteOf(cellPending)
	if target == 0 {
		return
	}
	c := a.configuration()
	if !c.has(policyKeepLocation) && a.byteOf(cellLocation) != 0 {
		a.resetLocation()
	}
	for _, x := range a.copies() {
		issuers := plausible(x.content) && !plausible(c.denial) && !bytes.Equal(x.content, x.backup) && !among(a.denials(c), x.content)
		if x.backup != nil && x.content != nil && !issuers {
			a.writeCopy(x, wanted(x, target, c))
		}
	}
	a.clearPending()
}

func wanted(x imsiCopy, target byte, c configuration) []byte {
	if target == targetDenial {
		return c.denial
	}
	return x.backup
}

// writeCopy writes one copy when it differs, and reads it back. changed tells whether the file was written.
func (a *applet) writeCopy(x imsiCopy, content []byte) (changed, ok bool) {
	if bytes.Equal(x.content, content) {
		return false, true
	}
	if err := a.writeBinary(x.file, content); err != nil {
		a.fail(fileReason(err))
		return false, false
	}
	got, _, err := a.readBinary(x.file, sizeIMSI)
	if err != nil || !bytes.Equal(got, content) {
		a.fail(reasonMemory)
		return true, false
	}
	return true, true
}

func (a *applet) clearPending() {
	a.put(cellPending, nil)
	a.put(cellLocation, nil)
	if a.stored() != nil {
		a.fail(reasonMemory)
	}
}

// writeAll brings every copy with a backup to the target: the mark is set already. It tells which files were written and
// whether every copy is as wanted.
func (a *applet) writeAll(target byte, c configuration) (changed []file, ok bool) {
	ok = true
	for _, x := range a.copies() {
		if x.backup == nil || x.content == nil {
			ok = ok && x.backup == nil
			continue
		}
		wrote, good := a.writeCopy(x, wanted(x, target, c))
		if wrote {
			changed = append(changed, x.file)
		}
		ok = ok && good
	}
	a.clearPending()
	return changed, ok
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
	a.put(cellPending, []byte{targetBackup})
	if a.stored() != nil {
		return nil, apdu.SWMemory
	}
	changed, ok := a.writeAll(targetBackup, a.configuration())
	if !ok {
		return changed, apdu.SWMemory
	}
	return changed, apdu.SWOK
}
