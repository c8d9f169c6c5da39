package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What a template changes once it is complete: E0, a configuration (§4), and E2, an action (§6). */
abstract class Change extends Terminal {

    private static final byte BACK_UP = 0x01;
    private static final byte RESTORE = 0x02;
    private static final byte UNBIND = 0x03;
    private static final byte BIND = 0x04;
    private static final byte CLEAR = 0x05;

    /** E0: accepted whole or not at all. Take runs with the old denial value. */
    void configure() {
        accept();
        expect();
        takeOrRefuse();
        refuseSubscribers(USIM);
        refuseSubscribers(GSM);
        byte[] active = bank((byte) 0);
        if (generation() != 0 && Util.arrayCompare(active, (short) 0, bank((byte) 1), (short) 0,
                (short) (TEMPLATE + Util.getShort(active, (short) 0))) == 0) { // it says the same as what is in force
            put(VERIFIED, (byte) 0);
            ram[FAILURE] = 0;
        } else {
            settle();
            adopt();
            endStep();
        }
        oweRefresh();
    }

    /** Tag 8A of E0 and E2: 6984 when the generation on the card is another one. */
    private void expect() {
        if (Util.getShort(ram, EXPECTED) != generation()) {
            ISOException.throwIt(ISO7816.SW_DATA_INVALID);
        }
    }

    private void takeOrRefuse() {
        beginStep();
        if (!take()) {
            refuse();
        }
    }

    /** 6A80 when the denial value that is coming is a subscriber's: the content or the backup of a copy. */
    private void refuseSubscribers(short copy) {
        if (readable(copy) && shows(copy, ram, DENIAL) && !holdsDenial(copy)
                || data[copy] != 0 && Util.arrayCompare(data, copy, ram, DENIAL, Digits.IMSI) == 0) {
            wrong();
        }
    }

    /**
     * Copies that hold the old denial value are restored, or given the new one when the terminal of this card session was
     * denied: location and keys go first then (§4).
     */
    private void settle() {
        if (!deniedNow(USIM) && !deniedNow(GSM)) {
            return;
        }
        boolean deny = ram[DENIED] != 0 && ram[SCHEME] != OFF && (ram[POLICY] & OBSERVE) == 0;
        if (deny) {
            retire(ram); // until the configuration is in force nothing else knows it
        }
        pend(BACKUP); // what a cut ends in, before the configuration is in force
        if (deny && (ram[POLICY] & KEEP_LOCATION) == 0) {
            resetLocation();
        }
        boolean done = ram[SPOILED] == 0;
        for (short copy = USIM; done && copy <= GSM; copy += GSM) {
            if (deniedNow(copy)) {
                done = deny ? write(copy, ram, DENIAL) : write(copy, data, copy);
            }
        }
        if (!done) {
            refuse();
        }
    }

    private boolean deniedNow(short copy) {
        return managed(copy) && holdsDenial(copy);
    }

    /** The configuration takes effect: one transaction. First-insert after first-insert keeps the bound IMEIs. */
    private void adopt() {
        byte keep = data[SCHEME] == FIRST_INSERT && ram[SCHEME] == FIRST_INSERT ? ram[TERMINALS] : 0;
        JCSystem.beginTransaction();
        retire(data);
        putArray(CONFIGURATION, ram, CONFIGURATION, CONFIGURATION_SIZE);
        put(ACTIVE, (byte) (data[ACTIVE] ^ 1));
        nextGeneration();
        if (data[BOUND] > keep) {
            put(BOUND, keep);
        }
        put(VERIFIED, (byte) 0);
        put(STRICT_ROW, (byte) 0);
        put(PENDING, (byte) 0);
        JCSystem.commitTransaction();
    }

    /** E2. */
    void act() {
        forgetImei();
        Util.arrayCopyNonAtomic(data, GENERATION, ram, EXPECTED, (short) 2);
        parse(E2_OBJECTS, OFF, staged, (short) 0);
        byte which = ram[ACTION];
        if ((ram[IMEI] != (byte) 0xFF) != (which == BIND)) {
            wrong();
        }
        expect();
        if (which == CLEAR) { // counters, log and tags 89 to 93
            Util.arrayFillNonAtomic(scratch, (short) 0, SCRATCH_SIZE, (byte) 0);
            putArray(VERIFIED, scratch, (short) 0, (short) (RETIRED - VERIFIED));
            return;
        }
        takeOrRefuse();
        if (which <= RESTORE) {
            if (!anyBackup() || which == BACK_UP && !(backedUp(USIM) && backedUp(GSM))) {
                notNow();
            }
            if (which == RESTORE) {
                restore();
            }
        } else if (which <= BIND) {
            rebind(which);
        } else {
            previous();
        }
        put(VERIFIED, (byte) 0);
        endStep();
        oweRefresh();
    }

    private static void notNow() {
        ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }

    /** After take a copy has its backup, and shows it or the denial value. */
    private boolean backedUp(short copy) {
        return !exists(copy) || managed(copy) && (holdsBackup(copy) || holdsDenial(copy));
    }

    /** 03 and 04: EF_IMSI is restored, then the bound IMEIs and the generation change. */
    private void rebind(byte which) {
        if (data[SCHEME] != FIRST_INSERT) {
            notNow();
        }
        restore();
        JCSystem.beginTransaction();
        boolean bound = which == BIND && bound();
        if (!bound && (which == UNBIND || data[BOUND] >= data[TERMINALS])) {
            put(BOUND, (byte) 0);
        }
        if (!bound && which == BIND) {
            bind();
        }
        nextGeneration();
        JCSystem.commitTransaction();
    }

    /** 06: the replaced backups become the backups; a copy that shows the present one follows. */
    private void previous() {
        boolean any = false;
        boolean shown = false;
        short copy = USIM;
        JCSystem.beginTransaction();
        do {
            short replaced = (short) (copy + REPLACED);
            if (exists(copy) && data[replaced] != 0 && !isDenial(data, replaced)) { // a denial value of today is none to go back to
                any = true;
                shown |= holdsBackup(copy);
                Util.arrayCopyNonAtomic(data, replaced, scratch, (short) 0, Digits.IMSI);
                putArray(replaced, data, copy, Digits.IMSI);
                putArray(copy, scratch, (short) 0, Digits.IMSI);
            }
            copy += GSM;
        } while (copy == GSM);
        if (shown) {
            pend((byte) (BACKUP | PENDING_REPLACED));
        }
        JCSystem.commitTransaction();
        if (!any) {
            notNow();
        }
        ram[LEFT] = PENDING_REPLACED;
        if (shown && !writeAll(BACKUP)) {
            refuse();
        }
    }
}
