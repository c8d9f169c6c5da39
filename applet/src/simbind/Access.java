package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * The access switch (§8.6): what a verdict changes in the files, the mark that makes it whole after a cut, and strict start.
 */
class Access extends Log {

    // Bits of PLAN.
    private static final byte ENFORCE = 0x01;
    private static final byte DENY = 0x02;
    private static final byte WRITE_COPIES = 0x04; // a copy differs
    private static final byte WRITE_LOCATION = 0x08; // location and keys are due
    private static final byte STRICT = 0x10; // the restore under strict start
    private static final byte PAIRING = 0x20; // EF_IPS

    /** Strict restores in a row for one IMEI after which strict start rests. */
    private static final byte STRICT_RESTORES = 3;

    private boolean planned(byte bit) {
        return (ram[Memory.PLAN] & bit) != 0;
    }

    private byte target() {
        return planned(DENY) ? Copies.DENIAL : Copies.BACKUP;
    }

    private boolean strict() {
        return enforcing() && has(STRICT_START);
    }

    /** Plans what the decision changes. The copies were read by take. */
    void plan(byte decision) {
        ram[Memory.PLAN] = 0;
        boolean deciding = deciding();
        if (decision == Decision.NOT_ENFORCED || deciding && has(OBSERVE)) {
            return;
        }
        byte plan = ENFORCE;
        if (Decision.denies(decision)) {
            plan |= DENY;
        }
        if (!has(KEEP_LOCATION) && ((plan & DENY) != 0 || data[Memory.DENIED_LAST] != 0)) {
            plan |= WRITE_LOCATION;
        }
        if (deciding && has(EF_IPS)) {
            plan |= PAIRING;
        }
        if (differ((plan & DENY) != 0 ? Copies.DENIAL : Copies.BACKUP)) {
            plan |= WRITE_COPIES;
            if ((plan & DENY) == 0 && strict()) {
                plan |= STRICT;
            }
        }
        ram[Memory.PLAN] = plan;
    }

    /** Marks what will be written, inside the transaction of the decision. */
    void mark() {
        if (!planned(ENFORCE)) {
            return;
        }
        put(Memory.DENIED_LAST, planned(DENY) ? (byte) 1 : (byte) 0);
        if (planned((byte) (WRITE_COPIES | WRITE_LOCATION))) {
            pend(planned(WRITE_LOCATION) ? (byte) (target() | Memory.PENDING_LOCATION) : target());
        }
        markStrict();
    }

    /**
     * Counts strict restores in a row for one IMEI. A start that finds nothing to restore, such as the one after a reset,
     * ends the row; strict start that rests goes on resting until the IMEI changes.
     */
    private void markStrict() {
        byte row = data[(short) (Memory.STRICT + Imei.SIZE)];
        if (!Memory.same(ram, Memory.IMEI, data, Memory.STRICT, Imei.SIZE)) {
            row = 0;
        }
        if (planned(STRICT)) {
            put(Memory.VERIFIED, (byte) 1);
            putArray(Memory.STRICT, ram, Memory.IMEI, Imei.SIZE);
            row = row < STRICT_RESTORES ? (byte) (row + 1) : row;
        } else if (row < STRICT_RESTORES) {
            row = 0;
        }
        put((short) (Memory.STRICT + Imei.SIZE), row);
    }

    /** Location and keys, then the copies, then EF_IPS; when a copy did change, REFRESH is owed. */
    void carryOut() {
        if (planned(WRITE_LOCATION)) {
            resetLocation();
        }
        if (planned((byte) (WRITE_COPIES | WRITE_LOCATION))) {
            writeAll(target());
        }
        if (planned(PAIRING)) {
            writePairingStatus(!planned(DENY));
        }
        endStep(false);
        oweRefresh();
        if (ram[Memory.CHANGED] != 0 && planned(STRICT)) {
            ram[Memory.STRICT_REFRESH] = 1;
        }
    }

    /** Owes the terminal that is running a REFRESH for what the step has changed. */
    void oweRefresh() {
        byte changed = ram[Memory.CHANGED];
        if (changed == 0 || ram[Memory.RUNNING] == 0) {
            return;
        }
        ram[Memory.REFRESH] = Terminal.NOW;
        ram[Memory.QUALIFIER] = qualifier(active());
        ram[Memory.REFRESH_FILES] |= changed;
        list(Util.getShort(ram, Memory.LOCATED));
        ram[Memory.REFRESH_BUSY] = 0;
        ram[Memory.STRICT_REFRESH] = 0;
    }

    /** Adds location and key files to the list of the REFRESH that is owed. */
    void list(short files) {
        Util.setShort(ram, Memory.REFRESH_LOCATION, (short) (Util.getShort(ram, Memory.REFRESH_LOCATION) | files));
    }

    /** First command after reset (§8.1): file access only, in any reader. */
    void firstCommand() {
        beginStep();
        take();
        boolean hide = strict() && data[Memory.VERIFIED] == 0 && differ(Copies.DENIAL);
        if (hide && data[(short) (Memory.STRICT + Imei.SIZE)] >= STRICT_RESTORES) {
            fail(Memory.RESTING);
            hide = false;
        }
        try {
            JCSystem.beginTransaction();
            raise(Memory.RESETS);
            put(Memory.VERIFIED, (byte) 0);
            if (hide) {
                pend(Copies.DENIAL);
            }
            JCSystem.commitTransaction();
            if (hide) {
                writeAll(Copies.DENIAL);
            }
        } catch (CardRuntimeException e) {
            failed();
        }
        endStep(true);
    }

    /** Writes every backup back: 6985 when there is none, 6581 when a copy refuses. */
    short restoreAll() {
        read();
        if (!anyBackup()) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        if (!differ(Copies.BACKUP)) {
            return ISO7816.SW_NO_ERROR;
        }
        pend(Copies.BACKUP);
        return writeAll(Copies.BACKUP) ? ISO7816.SW_NO_ERROR : Commands.SW_MEMORY;
    }

    /** Removal (§6): every copy is restored. It cannot refuse: what fails stays as it is. */
    void uninstall() {
        take();
        restoreAll();
    }
}
