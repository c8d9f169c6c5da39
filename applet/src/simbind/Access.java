package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/**
 * The access switch (§8.6): what a verdict changes in the files, the mark that makes it whole after a cut, and strict start. It begins
 * with take (§8): a write that a cut interrupted is finished, then what an issuer wrote becomes the backup.
 */
public abstract class Access extends Location {

    // Bits of a plan, beside the target and PENDING_LOCATION, which stand there as in the mark; there they mean nothing.
    static final short WRITE_COPIES = 0x40; // a copy differs
    static final short STRICTLY = 0x08; // the restore under strict start

    /** The copies in CHANGED. */
    private static final byte COPIES = 0x03;

    /** Strict restores in a row for one IMEI after which strict start rests. */
    private static final byte STRICT_RESTORES = 3;

    private static final short EF_IPS_FILE = 0x6FF1;
    private static final byte PREVIOUS = 0x03;
    private static final byte ABSOLUTE = 0x04;

    /** EF_IPS in ASCII: OK at 0, KO at 4; an empty record at 6. */
    private static final byte[] OUTCOMES = {0x4F, 0x4B, (byte) 0xFF, (byte) 0xFF, 0x4B, 0x4F, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF};
    private static final short KO = 4;
    private static final short EMPTY = 6;

    /**
     * Each copy whose content is plausible, no denial value and not its backup becomes that copy's backup; the old one is kept
     * beside it. One transaction. 0 unless the memory refused, also to finish. Leaves the copies read.
     */
    short take() {
        byte[] ram = this.ram;
        byte pending = data[PENDING];
        Util.arrayFillNonAtomic(ram, SPOILED, (short) 5, (byte) 0); // to CHANGED
        ram[LEFT] = pending;
        read();
        if (pending != 0) { // location and keys, then the copies, but an issuer's content stays
            if ((pending & PENDING_LOCATION) != 0 && has(KEEP_LOCATION) == 0) {
                resetLocation();
            }
            writeAll(pending);
            ram[LEFT] = data[PENDING];
        }
        if ((either() & READ) == 0) {
            fail(unreadable());
        }
        try {
            JCSystem.beginTransaction();
            renew(USIM);
            renew(GSM);
            JCSystem.commitTransaction();
            look();
            return ram[LEFT];
        } catch (CardRuntimeException e) {
            failed();
            return 1;
        }
    }

    private void renew(short copy) {
        short seen = seen(copy);
        if (seen != 0) {
            if ((seen & READ) == 0) {
                fail(NOT_READABLE);
            } else if (issuers(copy)) {
                putArray((short) (copy + REPLACED), data, copy, IMSI_SIZE);
                putArray(copy, ram, copy, IMSI_SIZE);
            } else if ((seen & OWN) == 0 && !plausible(ram, copy)) {
                fail(CONTENT_UNKNOWN);
            }
        }
    }

    private boolean strict() {
        return (data[POLICY] & (STRICT_START | OBSERVE)) == STRICT_START && data[SCHEME] != OFF;
    }

    /**
     * Plans what the decision changes, on the copies that take read, and marks it inside the transaction of the decision. Gives the
     * plan. Strict restores in a row for one IMEI are counted: a start that finds nothing to restore, such as the one after a reset,
     * ends the row; strict start that rests goes on resting until the IMEI changes.
     */
    short mark() {
        byte[] ram = this.ram;
        short plan = (short) (ram[DENIED] + BACKUP);
        if (has(KEEP_LOCATION) == 0 && (plan | data[DENIED_LAST]) >= TO_DENIAL) {
            plan |= PENDING_LOCATION;
        }
        if (differ((short) (plan & (BACKUP | TO_DENIAL))) != 0) {
            plan |= WRITE_COPIES;
            if (ram[DENIED] == 0 && strict()) {
                plan |= STRICTLY;
            }
        }
        if (plan > TO_DENIAL) {
            pend(plan);
        }
        put(DENIED_LAST, (short) (plan & TO_DENIAL));
        short row = data[STRICT_ROW];
        if (Util.arrayCompare(ram, IMEI, data, STRICT, IMEI_SIZE) != 0) {
            row = 0;
        }
        if (row < STRICT_RESTORES) {
            row = (plan & STRICTLY) != 0 ? ++row : 0;
        }
        put(STRICT_ROW, row);
        if ((plan & STRICTLY) != 0) {
            put(VERIFIED, (short) 1);
            putArray(STRICT, ram, IMEI, IMEI_SIZE);
        }
        return plan;
    }

    /**
     * EF_IPS (§8.8, TS 31.102 clause 4.2.101), for the staff at the place. Writes the outcome as the oldest record, when the newest is
     * the other outcome or empty. Any other newest is another applet's.
     */
    void writePairingStatus(short outcome) {
        byte[] scratch = this.scratch;
        try {
            FileView view = select(USIM, EF_IPS_FILE);
            view.readRecord((short) 1, ABSOLUTE, (short) 0, scratch, (short) 0, (short) 4);
            if (Util.arrayCompare(scratch, (short) 0, OUTCOMES, (short) (KO - outcome), (short) 4) == 0
                    || Util.arrayCompare(scratch, (short) 0, OUTCOMES, EMPTY, (short) 4) == 0) {
                view.updateRecord((short) 0, PREVIOUS, (short) 0, OUTCOMES, outcome, (short) 4);
            }
        } catch (UICCException e) {
            // absent, or refused
        }
    }

    /** Owes the terminal that is running a REFRESH for what the step has changed; strict is not 0 after a strict restore. */
    void oweRefresh(byte strict) {
        byte[] ram = this.ram;
        if ((ram[CHANGED] & COPIES) != 0 && ram[RUNNING] != 0) {
            ram[REFRESH] = Terminal.NOW;
            list(CHANGED);
            ram[REFRESH_QUALIFIER] = data[QUALIFIER];
            ram[REFRESH_BUSY] = 0;
            ram[STRICT_REFRESH] = strict;
        }
    }

    /** Adds files to those that a REFRESH lists. */
    void list(short from) {
        short i = 2;
        do {
            ram[(short) (LISTED + i)] |= ram[(short) (from + i)];
        } while (--i >= 0);
    }

    /** First command after reset (§8.1): file access only, in any reader. */
    void firstCommand() {
        boolean hide = false;
        take();
        if (strict() && data[VERIFIED] == 0 && differ(TO_DENIAL) != 0) {
            if (data[STRICT_ROW] >= STRICT_RESTORES) {
                fail(RESTING);
            } else {
                hide = true;
            }
        }
        JCSystem.beginTransaction();
        raise(RESETS, (short) -1);
        put(VERIFIED, (short) 0);
        if (hide) {
            pend(TO_DENIAL);
        }
        JCSystem.commitTransaction();
        if (hide) {
            writeAll(TO_DENIAL);
        }
        if (ram[FAILURE] != 0) { // a step that only looks leaves an older reason standing
            endStep();
        }
    }

    /** Writes every backup back, after take; 6581 when a copy refuses. */
    void restore() {
        if (differ(BACKUP) != 0) {
            pend(BACKUP);
            if (!writeAll(BACKUP)) {
                refuse();
            }
        }
    }

    /** The step failed: 6581, and tag 89 says why. */
    void refuse() {
        endStep();
        ISOException.throwIt(BindingApplet.SW_MEMORY);
    }

    /** Removal (§6): every copy is restored. It cannot refuse: what fails stays as it is. */
    public void uninstall() {
        take();
        restore();
    }
}
