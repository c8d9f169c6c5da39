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

    // Bits of PLAN. The target and what is due of location and keys stand there as in the mark.
    private static final byte ENFORCE = 0x01;
    private static final byte WRITE_COPIES = 0x04; // a copy differs
    private static final byte STRICTLY = 0x08; // the restore under strict start
    private static final byte PAIRING = 0x20; // EF_IPS

    /** Strict restores in a row for one IMEI after which strict start rests. */
    private static final byte STRICT_RESTORES = 3;

    private static final short EF_IPS_FILE = 0x6FF1;
    private static final byte PREVIOUS = 0x03;
    private static final byte ABSOLUTE = 0x04;

    /** EF_IPS in ASCII: OK at 0, KO at 4. */
    private static final byte[] OUTCOMES = {0x4F, 0x4B, (byte) 0xFF, (byte) 0xFF, 0x4B, 0x4F, (byte) 0xFF, (byte) 0xFF};

    private boolean planned(byte bits) {
        return (ram[PLAN] & bits) != 0;
    }

    private byte target() {
        return planned(TO_DENIAL) ? TO_DENIAL : BACKUP;
    }

    private boolean strict() {
        return data[SCHEME] != OFF && !has(OBSERVE) && has(STRICT_START);
    }

    /** Plans what the decision changes. The copies were read by take. */
    void plan(byte decision) {
        byte plan = 0;
        if (decision != Decision.NOT_ENFORCED && (data[SCHEME] == OFF || !has(OBSERVE))) {
            plan = ENFORCE;
            byte target = BACKUP;
            if (Decision.denies(decision)) {
                plan = ENFORCE | TO_DENIAL;
                target = TO_DENIAL;
            }
            if (!has(KEEP_LOCATION) && (target == TO_DENIAL || data[DENIED_LAST] != 0)) {
                plan |= PENDING_LOCATION;
            }
            if (data[SCHEME] != OFF && has(EF_IPS)) {
                plan |= PAIRING;
            }
            if (differ(target)) {
                plan |= target == BACKUP && strict() ? WRITE_COPIES | STRICTLY : WRITE_COPIES;
            }
        }
        ram[PLAN] = plan;
    }

    /**
     * Marks what will be written, inside the transaction of the decision. Strict restores in a row for one IMEI are counted: a start
     * that finds nothing to restore, such as the one after a reset, ends the row; strict start that rests goes on resting until the
     * IMEI changes.
     */
    void mark() {
        if (!planned(ENFORCE)) {
            return;
        }
        put(DENIED_LAST, (byte) (ram[PLAN] & TO_DENIAL));
        if (planned((byte) (WRITE_COPIES | PENDING_LOCATION))) {
            pend((byte) (target() | ram[PLAN] & PENDING_LOCATION));
        }
        byte row = data[STRICT_ROW];
        if (row < STRICT_RESTORES && !planned(STRICTLY) || Util.arrayCompare(ram, IMEI, data, STRICT, Digits.IMEI) != 0) {
            row = 0;
        }
        if (planned(STRICTLY)) {
            put(VERIFIED, (byte) 1);
            putArray(STRICT, ram, IMEI, Digits.IMEI);
            if (row < STRICT_RESTORES) {
                row++;
            }
        }
        put(STRICT_ROW, row);
    }

    /** Location and keys, then the copies, then EF_IPS; when a copy did change, REFRESH is owed. */
    void carryOut() {
        if (planned(PENDING_LOCATION)) {
            resetLocation();
        }
        if (planned((byte) (WRITE_COPIES | PENDING_LOCATION))) {
            writeAll(target());
        }
        if (planned(PAIRING)) {
            writePairingStatus(planned(TO_DENIAL) ? (short) 4 : 0);
        }
        endStep();
        oweRefresh();
        if (ram[CHANGED] != 0 && planned(STRICTLY)) {
            ram[STRICT_REFRESH] = 1;
        }
    }

    /**
     * EF_IPS (§8.8, TS 31.102 clause 4.2.101), for the staff at the place. Writes the outcome as the oldest record, when it differs
     * from the newest. A newest with a link is another applet's.
     */
    private void writePairingStatus(short outcome) {
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

    /** Owes the terminal that is running a REFRESH for what the step has changed. */
    void oweRefresh() {
        byte changed = ram[CHANGED];
        if (changed == 0 || ram[RUNNING] == 0) {
            return;
        }
        ram[REFRESH] = Terminal.NOW;
        ram[REFRESH_QUALIFIER] = data[QUALIFIER];
        ram[REFRESH_FILES] |= changed;
        add(REFRESH_LOCATION, Util.getShort(ram, LOCATED));
        ram[REFRESH_BUSY] = 0;
        ram[STRICT_REFRESH] = 0;
    }

    /** First command after reset (§8.1): file access only, in any reader. */
    void firstCommand() {
        beginStep();
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

    /** Writes every backup back; 6581 when a copy refuses. */
    void restore() {
        read();
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
