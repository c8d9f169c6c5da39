package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What a template changes once it is complete: E0, a configuration (§4), and E2, an action (§6). */
class Change extends Terminal {

    private static final byte TAG_ACTION = (byte) 0x80;
    private static final byte TAG_IMEI = (byte) 0x81;

    private static final byte BACK_UP = 0x01;
    private static final byte RESTORE = 0x02;
    private static final byte UNBIND = 0x03;
    private static final byte BIND = 0x04;
    private static final byte CLEAR = 0x05;
    private static final byte PREVIOUS = 0x06;

    /** E0: accepted whole or not at all. Take runs with the old denial value. */
    void configure() {
        accept();
        expect();
        takeOrRefuse();
        refuseSubscribers();
        if (generation() != 0 && unchanged()) {
            put(Memory.VERIFIED, (byte) 0);
            ram[Memory.FAILURE] = 0;
        } else {
            settle();
            adopt();
            endStep(false);
        }
        oweRefresh();
    }

    /** Tag 8A of E0 and E2: 6984 when the generation on the card is another one. */
    private void expect() {
        short at = Reader.find(staged, (short) 0, TAG_GENERATION, (short) 0);
        if (at >= 0 && Util.getShort(staged, at) != generation()) {
            ISOException.throwIt(ISO7816.SW_DATA_INVALID);
        }
    }

    private void takeOrRefuse() {
        beginStep();
        if (!take()) {
            refuse();
        }
    }

    /** The step failed: 6581, and tag 89 says why. */
    private void refuse() {
        endStep(false);
        ISOException.throwIt(Commands.SW_MEMORY);
    }

    /** 6A80 when the denial value is a subscriber's: the content or the backup of a copy. */
    private void refuseSubscribers() {
        byte[] coming = coming();
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            boolean shown = readable(copy) && denies(coming, ram, Copies.content(copy)) && !holdsDenial(copy);
            if (shown || hasBackup(copy) && denies(coming, data, Copies.backup(copy))) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
        }
    }

    /**
     * Copies that hold the old denial value are restored, or given the new one when the terminal of this card session was
     * denied: location and keys go first then (§4).
     */
    private void settle() {
        if (!deniedNow(Copies.USIM) && !deniedNow(Copies.GSM)) {
            return;
        }
        byte[] coming = coming();
        boolean deny = ram[Memory.DENIED] != 0 && scheme(coming) != OFF && !has(coming, OBSERVE);
        if (deny) {
            retire(coming); // until the configuration is in force nothing else knows it
        }
        pend(Copies.BACKUP); // what a cut ends in, before the configuration is in force
        if (deny && !has(coming, KEEP_LOCATION)) {
            resetLocation();
        }
        boolean done = ram[Memory.SPOILED] == 0;
        for (byte copy = Copies.USIM; done && copy <= Copies.GSM; copy++) {
            if (!deniedNow(copy)) {
                continue;
            }
            if (!deny) {
                Util.arrayCopyNonAtomic(data, Copies.backup(copy), ram, Memory.WANTED, Imsi.SIZE);
            } else if (denies(coming, ram, Copies.content(copy))) {
                continue;
            } else {
                Util.arrayCopyNonAtomic(coming, denial(coming), ram, Memory.WANTED, Imsi.SIZE);
            }
            done = write(copy);
        }
        if (!done) {
            refuse();
        }
    }

    private boolean deniedNow(byte copy) {
        return managed(copy) && holdsDenial(copy);
    }

    /** The configuration takes effect: one transaction. First-insert after first-insert keeps the bound IMEIs. */
    private void adopt() {
        byte[] active = active();
        byte[] coming = coming();
        byte keep = scheme(active) == FIRST_INSERT && scheme(coming) == FIRST_INSERT ? terminals(coming) : (byte) 0;
        JCSystem.beginTransaction();
        activate();
        nextGeneration();
        retire(active);
        if (data[Memory.BOUND] > keep) {
            put(Memory.BOUND, keep);
        }
        put(Memory.VERIFIED, (byte) 0);
        put((short) (Memory.STRICT + Imei.SIZE), (byte) 0);
        put(Memory.PENDING, (byte) 0);
        JCSystem.commitTransaction();
    }

    /** E2. */
    void act() {
        checkAction();
        short at = Reader.find(staged, (short) 0, TAG_ACTION, (short) 0);
        byte which = at < 0 ? (byte) 0 : staged[at];
        short imei = Reader.find(staged, (short) 0, TAG_IMEI, (short) 0);
        if (which < BACK_UP || which > PREVIOUS || (imei >= 0) != (which == BIND)) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        expect();
        if (which == CLEAR) {
            clear();
            return;
        }
        takeOrRefuse();
        short sw = perform(which, imei);
        if (sw == Commands.SW_MEMORY) {
            refuse();
        }
        if (sw != ISO7816.SW_NO_ERROR) {
            ISOException.throwIt(sw);
        }
        put(Memory.VERIFIED, (byte) 0);
        endStep(false);
        oweRefresh();
    }

    private void checkAction() {
        short at = Reader.value(staged, (short) 0);
        short end = (short) (at + Reader.length(staged, (short) 0));
        short seen = 0;
        while (at < end) {
            short value = Reader.inside(staged, at, end);
            byte length = staged[(short) (at + 1)];
            seen = Reader.once(seen, staged[at]);
            if (!fits(staged, staged[at], value, length)) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            at = (short) (value + length);
        }
    }

    private static boolean fits(byte[] b, byte tag, short at, byte length) {
        switch (tag) {
            case TAG_ACTION:
                return length == 1;
            case TAG_IMEI:
                return length == Imei.SIZE && Imei.valid(b, at);
            default:
                return tag == TAG_GENERATION && length == 2;
        }
    }

    private short perform(byte which, short imei) {
        switch (which) {
            case BACK_UP:
                return backedUp(Copies.USIM) && backedUp(Copies.GSM) && anyBackup() ? ISO7816.SW_NO_ERROR
                        : ISO7816.SW_CONDITIONS_NOT_SATISFIED;
            case RESTORE:
                return restoreAll();
            case PREVIOUS:
                return previous();
            default:
                return rebind(which, imei);
        }
    }

    /** After take a copy has its backup, and shows it or the denial value. */
    private boolean backedUp(byte copy) {
        return !exists(copy) || managed(copy) && (holdsBackup(copy) || holdsDenial(copy));
    }

    /** 03 and 04: EF_IMSI is restored, then the bound IMEIs and the generation  */
    private short rebind(byte which, short imei) {
        byte[] active = active();
        if (scheme(active) != FIRST_INSERT) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        if (restoreAll() == Commands.SW_MEMORY) {
            return Commands.SW_MEMORY;
        }
        JCSystem.beginTransaction();
        if (which == UNBIND) {
            put(Memory.BOUND, (byte) 0);
        } else if (!bound(staged, imei)) {
            if (data[Memory.BOUND] >= terminals(active)) {
                put(Memory.BOUND, (byte) 0);
            }
            bind(staged, imei);
        }
        nextGeneration();
        JCSystem.commitTransaction();
        return ISO7816.SW_NO_ERROR;
    }

    /** 05: counters, log and tags 89 to 93. */
    private void clear() {
        Util.arrayFillNonAtomic(ram, Memory.SCRATCH, Memory.SCRATCH_SIZE, (byte) 0);
        JCSystem.beginTransaction();
        putArray(Memory.COUNTERS, ram, Memory.SCRATCH, (short) (Memory.PENDING - Memory.COUNTERS));
        putArray(Memory.LOG, ram, Memory.SCRATCH, (short) (Log.ENTRIES * Log.ENTRY));
        put(Memory.VERIFIED, (byte) 0);
        JCSystem.commitTransaction();
    }

    /** 06: the replaced backups become the backups; a copy that shows the present one follows. */
    private short previous() {
        if (!canGoBack(Copies.USIM) && !canGoBack(Copies.GSM)) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        boolean shown = false;
        JCSystem.beginTransaction();
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (canGoBack(copy)) {
                shown |= holdsBackup(copy);
                Util.arrayCopyNonAtomic(data, Copies.replaced(copy), ram, Memory.WANTED, Imsi.SIZE);
                putArray(Copies.replaced(copy), data, Copies.backup(copy), Imsi.SIZE);
                putArray(Copies.backup(copy), ram, Memory.WANTED, Imsi.SIZE);
            }
        }
        if (shown) {
            pend((byte) (Copies.BACKUP | Memory.PENDING_REPLACED));
        }
        JCSystem.commitTransaction();
        ram[Memory.LEFT] = Memory.PENDING_REPLACED;
        return !shown || writeAll(Copies.BACKUP) ? ISO7816.SW_NO_ERROR : Commands.SW_MEMORY;
    }

    /** Whether the copy has a replaced backup to go back to; a denial value of today is none. */
    private boolean canGoBack(byte copy) {
        return exists(copy) && data[Copies.replaced(copy)] != 0 && !isDenial(data, Copies.replaced(copy));
    }
}
