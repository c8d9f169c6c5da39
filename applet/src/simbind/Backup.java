package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;

/** Take (§8): a write that a cut interrupted is finished, then what an issuer wrote becomes the backup. */
class Backup extends PairingStatus {

    /**
     * Each copy whose content is plausible, no denial value and not its backup becomes that copy's backup; the old one is kept
     * beside it. One transaction. False when the memory refused. Leaves the copies read.
     */
    boolean take() {
        finishPending();
        read();
        if (ram[Memory.READABLE] == 0) {
            fail(service130() ? Memory.SERVICE_130 : Memory.NOT_READABLE);
            return true;
        }
        byte fresh = freshCopies();
        if (fresh == 0) {
            return true;
        }
        try {
            JCSystem.beginTransaction();
            renew((byte) (fresh & Copies.USIM));
            renew((byte) (fresh & Copies.GSM));
            JCSystem.commitTransaction();
            return true;
        } catch (CardRuntimeException e) {
            failed();
            return false;
        }
    }

    /** The copies to renew. */
    private byte freshCopies() {
        byte fresh = 0;
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (!exists(copy)) {
                continue;
            }
            if (!readable(copy)) {
                fail(Memory.NOT_READABLE);
            } else if (!holdsDenial(copy) && !holdsBackup(copy)) {
                if (plausible(copy)) {
                    fresh |= copy;
                } else {
                    fail(Memory.CONTENT_UNKNOWN);
                }
            }
        }
        return fresh;
    }

    private void renew(byte copy) {
        if (copy == 0) {
            return;
        }
        if (hasBackup(copy)) {
            putArray(Copies.replaced(copy), data, Copies.backup(copy), Imsi.SIZE);
        }
        putArray(Copies.backup(copy), ram, Copies.content(copy), Imsi.SIZE);
    }

    /** Writes what was pending: location and keys, then the copies, but an issuer's content stays. */
    private void finishPending() {
        byte pending = data[Memory.PENDING];
        if (pending == 0) {
            return;
        }
        if ((pending & Memory.PENDING_LOCATION) != 0 && !has(KEEP_LOCATION)) {
            resetLocation();
        }
        read();
        byte target = (byte) (pending & ~Memory.PENDING_LOCATION);
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (managed(copy) && !issuers(copy) && differs(copy, target)) {
                write(copy);
            }
        }
        keep(Memory.PENDING, (byte) 0);
    }

    /**
     * Plausible content that is neither the backup nor a denial value is an issuer's, unless the denial value is plausible
     * itself: what is half written can then not be told from it.
     */
    private boolean issuers(byte copy) {
        return plausible(copy) && !plausibleDenial(active()) && !holdsBackup(copy)
                && !holdsDenial(copy);
    }
}
