package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;

/** Take (§8): a write that a cut interrupted is finished, then what an issuer wrote becomes the backup. */
class Backup extends PairingStatus {

    /**
     * Each copy whose content is plausible, no denial value and not its backup becomes that copy's backup; the old one is kept
     * beside it. One transaction. False when the memory refused, also to finish. Leaves the copies read.
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
            return ram[Memory.LEFT] == 0;
        }
        try {
            JCSystem.beginTransaction();
            renew((byte) (fresh & Copies.USIM));
            renew((byte) (fresh & Copies.GSM));
            JCSystem.commitTransaction();
            return ram[Memory.LEFT] == 0;
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
                if (!plausible(copy)) {
                    fail(Memory.CONTENT_UNKNOWN);
                } else if (issuers(copy)) {
                    fresh |= copy;
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
        ram[Memory.LEFT] = pending;
        if (pending == 0) {
            return;
        }
        if ((pending & Memory.PENDING_LOCATION) != 0 && !has(KEEP_LOCATION)) {
            resetLocation();
        }
        writeAll((byte) (pending & (BACKUP | DENIAL)));
        ram[Memory.LEFT] = data[Memory.PENDING];
    }
}
