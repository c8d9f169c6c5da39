package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** Take (§8), with which every step begins: a write that a cut interrupted is finished, then what an issuer wrote becomes the backup. */
abstract class Backup extends Location {

    /**
     * Each copy whose content is plausible, no denial value and not its backup becomes that copy's backup; the old one is kept
     * beside it. One transaction. False when the memory refused, also to finish. Leaves the copies read.
     */
    boolean take() {
        Util.arrayFillNonAtomic(ram, SPOILED, (short) 5, (byte) 0); // to CHANGED
        byte pending = data[PENDING];
        ram[LEFT] = pending;
        read();
        if (pending != 0) { // location and keys, then the copies, but an issuer's content stays
            if ((pending & PENDING_LOCATION) != 0 && has(KEEP_LOCATION) == 0) {
                resetLocation();
            }
            writeAll((byte) (pending & (BACKUP | TO_DENIAL)));
            ram[LEFT] = data[PENDING];
        }
        if (seen(USIM) < READ && seen(GSM) < READ) {
            fail(unreadable());
            return true;
        }
        try {
            JCSystem.beginTransaction();
            renew(USIM);
            renew(GSM);
            JCSystem.commitTransaction();
            return ram[LEFT] == 0;
        } catch (CardRuntimeException e) {
            failed();
            return false;
        }
    }

    private void renew(short copy) {
        if (seen(copy) == 0) {
            return;
        }
        if (seen(copy) < READ) {
            fail(NOT_READABLE);
        } else if (issuers(copy)) {
            putArray((short) (copy + REPLACED), data, copy, Digits.IMSI);
            putArray(copy, ram, copy, Digits.IMSI);
        } else if (!Digits.plausible(ram, copy) && !holdsDenial(copy)) {
            fail(CONTENT_UNKNOWN);
        }
    }
}
