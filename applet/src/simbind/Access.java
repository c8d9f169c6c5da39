package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/**
 * The access switch (§8.6): what a verdict changes in the files, the mark that makes it whole after a cut, and strict start.
 */
public abstract class Access extends Backup {

    // Bits of a plan, beside the target and PENDING_LOCATION, which stand there as in the mark.
    private static final byte WRITE_COPIES = 0x04; // a copy differs
    private static final byte STRICTLY = 0x08; // the restore under strict start
    private static final byte PAIRING = 0x20; // EF_IPS

    /** The copies in CHANGED. */
    private static final byte COPIES = 0x03;

    /** Strict restores in a row for one IMEI after which strict start rests. */
    private static final byte STRICT_RESTORES = 3;

    private static final short EF_IPS_FILE = 0x6FF1;
    private static final byte PREVIOUS = 0x03;
    private static final byte ABSOLUTE = 0x04;

    /** EF_IPS in ASCII: OK at 0, KO at 4. */
    private static final byte[] OUTCOMES = {0x4F, 0x4B, (byte) 0xFF, (byte) 0xFF, 0x4B, 0x4F, (byte) 0xFF, (byte) 0xFF};

    private boolean strict() {
        return (data[POLICY] & (STRICT_START | OBSERVE)) == STRICT_START && data[SCHEME] != OFF;
    }

    /**
     * Plans what the decision changes, on the copies that take read, and marks it inside the transaction of the decision. Gives the
     * plan. Strict restores in a row for one IMEI are counted: a start that finds nothing to restore, such as the one after a reset,
     * ends the row; strict start that rests goes on resting until the IMEI changes.
     */
    byte mark(byte decision) {
        byte plan = 0;
        if (decision != Decision.NOT_ENFORCED && (data[SCHEME] == OFF || has(OBSERVE) == 0)) {
            byte target = Decision.denies(decision) ? TO_DENIAL : BACKUP;
            if (differ(target)) {
                plan = WRITE_COPIES;
                if (target == BACKUP && strict()) {
                    plan = WRITE_COPIES | STRICTLY;
                }
            }
            if (has(KEEP_LOCATION) == 0 && (target | data[DENIED_LAST]) >= TO_DENIAL) {
                plan |= PENDING_LOCATION;
            }
            if (plan != 0) {
                pend((byte) (target | plan & PENDING_LOCATION));
            }
            put(DENIED_LAST, (byte) (target & TO_DENIAL));
            byte row = data[STRICT_ROW];
            if (row < STRICT_RESTORES && (plan & STRICTLY) == 0 || Util.arrayCompare(ram, IMEI, data, STRICT, Digits.IMEI) != 0) {
                row = 0;
            }
            if ((plan & STRICTLY) != 0) {
                put(VERIFIED, (byte) 1);
                putArray(STRICT, ram, IMEI, Digits.IMEI);
                if (row < STRICT_RESTORES) {
                    row++;
                }
            }
            put(STRICT_ROW, row);
            if (data[SCHEME] != OFF && has(EF_IPS) != 0) {
                plan |= PAIRING;
            }
            plan |= target;
        }
        return plan;
    }

    /** Location and keys, then the copies, then EF_IPS; when a copy did change, REFRESH is owed. */
    void carryOut(short plan) {
        if ((plan & PENDING_LOCATION) != 0) {
            resetLocation();
        }
        if ((plan & (WRITE_COPIES | PENDING_LOCATION)) != 0) {
            writeAll((byte) (plan & (BACKUP | TO_DENIAL)));
        }
        if ((plan & PAIRING) != 0) {
            writePairingStatus((plan & TO_DENIAL) != 0 ? (short) 4 : 0);
        }
        endStep();
        oweRefresh((byte) (plan & STRICTLY));
    }

    /**
     * EF_IPS (§8.8, TS 31.102 clause 4.2.101), for the staff at the place. Writes the outcome as the oldest record, when it differs
     * from the newest. A newest with a link is another applet's.
     */
    private void writePairingStatus(short outcome) {
        byte[] scratch = this.scratch;
        try {
            FileView view = select(USIM, EF_IPS_FILE);
            view.readRecord((short) 1, ABSOLUTE, (short) 0, scratch, (short) 0, (short) 4);
            if (scratch[2] == (byte) 0xFF && Util.arrayCompare(scratch, (short) 0, OUTCOMES, outcome, (short) 4) != 0) {
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
        take();
        boolean hide = strict() && data[VERIFIED] == 0 && differ(TO_DENIAL);
        if (hide && data[STRICT_ROW] >= STRICT_RESTORES) {
            fail(RESTING);
            hide = false;
        }
        try {
            JCSystem.beginTransaction();
            raise(RESETS);
            put(VERIFIED, (byte) 0);
            if (hide) {
                pend(TO_DENIAL);
            }
            JCSystem.commitTransaction();
            if (hide) {
                writeAll(TO_DENIAL);
            }
        } catch (CardRuntimeException e) {
            failed();
        }
        if (ram[FAILURE] != 0) { // a step that only looks leaves an older reason standing
            endStep();
        }
    }

    /** Writes every backup back, after take; 6581 when a copy refuses. */
    void restore() {
        if (differ(BACKUP)) {
            pend(BACKUP);
            if (!writeAll(BACKUP)) {
                refuse();
            }
        }
    }

    /** The step failed: 6581, and tag 89 says why. */
    void refuse() {
        endStep();
        ISOException.throwIt(Commands.SW_MEMORY);
    }

    /** Removal (§6): every copy is restored. It cannot refuse: what fails stays as it is. */
    public void uninstall() {
        take();
        restore();
    }
}
