package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What a template changes once it is complete: E0, a configuration (§4), and E2, an action (§6). */
final class Change {

    private static final byte TAG_ACTION = (byte) 0x80;
    private static final byte TAG_IMEI = (byte) 0x81;

    private static final byte BACK_UP = 0x01;
    private static final byte RESTORE = 0x02;
    private static final byte UNBIND = 0x03;
    private static final byte BIND = 0x04;
    private static final byte CLEAR = 0x05;
    private static final byte PREVIOUS = 0x06;

    private final Memory memory;
    private final byte[] ram;
    private final byte[] data;
    private final Configuration configuration;
    private final Copies copies;
    private final Backup backup;
    private final Access access;
    private final Decision decision;

    Change(Memory memory, Configuration configuration, Copies copies, Backup backup, Access access, Decision decision) {
        this.memory = memory;
        this.configuration = configuration;
        this.copies = copies;
        this.backup = backup;
        this.access = access;
        this.decision = decision;
        ram = memory.ram;
        data = memory.data;
    }

    /** E0: accepted whole or not at all. Take runs with the old denial value. */
    void configure() {
        byte[] staged = configuration.staged();
        byte[] active = configuration.active();
        Configuration.check(staged, data[Memory.FEATURES]);
        expect(staged);
        take();
        refuseSubscribers(staged);
        if (active != null && Configuration.same(active, staged)) {
            memory.put(Memory.VERIFIED, (byte) 0);
            ram[Memory.FAILURE] = 0;
        } else {
            settle(staged);
            adopt(active, staged);
            memory.endStep(false);
        }
        access.refresh();
    }

    /** Tag 8A of E0 and E2: 6984 when the generation on the card is another one. */
    private void expect(byte[] staged) {
        short at = Reader.find(staged, (short) 0, Configuration.TAG_GENERATION, (short) 0);
        if (at >= 0 && Util.getShort(staged, at) != memory.generation()) {
            ISOException.throwIt(ISO7816.SW_DATA_INVALID);
        }
    }

    private void take() {
        memory.beginStep();
        if (!backup.take()) {
            refuse();
        }
    }

    /** The step failed: 6581, and tag 89 says why. */
    private void refuse() {
        memory.endStep(false);
        ISOException.throwIt(Commands.SW_MEMORY);
    }

    /** 6A80 when the denial value is a subscriber's: the content or the backup of a copy. */
    private void refuseSubscribers(byte[] staged) {
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            boolean shown = copies.readable(copy) && Configuration.denies(staged, ram, Copies.content(copy)) && !copies.holdsDenial(copy);
            if (shown || copies.hasBackup(copy) && Configuration.denies(staged, data, Copies.backup(copy))) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
        }
    }

    /**
     * Copies that hold the old denial value are restored, or given the new one when the terminal of this card session was
     * denied. The mark names what the old configuration wants of them, should a cut leave it in force.
     */
    private void settle(byte[] staged) {
        if (!denied(Copies.USIM) && !denied(Copies.GSM)) {
            return;
        }
        boolean deny = ram[Memory.DENIED] != 0 && Configuration.scheme(staged) != Configuration.OFF
                && !Configuration.has(staged, Configuration.OBSERVE);
        if (deny) {
            copies.retire(staged); // until the configuration is in force nothing else knows it
        }
        memory.put(Memory.PENDING, deny ? Copies.DENIAL : Copies.BACKUP);
        boolean done = true;
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (denied(copy) && copies.differs(copy, Copies.BACKUP)) {
                if (deny) {
                    Configuration.copyDenial(staged, ram, Memory.WANTED);
                }
                done &= copies.write(copy);
            }
        }
        if (!done) {
            memory.keep(Memory.PENDING, (byte) 0);
            refuse();
        }
    }

    private boolean denied(byte copy) {
        return copies.managed(copy) && copies.holdsDenial(copy);
    }

    /** The configuration takes effect: one transaction. First-insert after first-insert keeps the bound IMEIs. */
    private void adopt(byte[] active, byte[] staged) {
        byte keep = Configuration.scheme(active) == Configuration.FIRST_INSERT
                && Configuration.scheme(staged) == Configuration.FIRST_INSERT ? Configuration.terminals(staged) : (byte) 0;
        JCSystem.beginTransaction();
        configuration.activate();
        memory.nextGeneration();
        copies.retire(active);
        if (data[Memory.BOUND] > keep) {
            memory.put(Memory.BOUND, keep);
        }
        memory.put(Memory.VERIFIED, (byte) 0);
        memory.put((short) (Memory.STRICT + Imei.SIZE), (byte) 0);
        memory.put(Memory.PENDING, (byte) 0);
        JCSystem.commitTransaction();
    }

    /** E2. */
    void act() {
        byte[] staged = configuration.staged();
        checkAction(staged);
        byte which = Configuration.get(staged, TAG_ACTION, (byte) 0);
        short imei = Reader.find(staged, (short) 0, TAG_IMEI, (short) 0);
        if (which < BACK_UP || which > PREVIOUS || (imei >= 0) != (which == BIND)) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        expect(staged);
        if (which == CLEAR) {
            clear();
            return;
        }
        take();
        short sw = perform(which, staged, imei);
        if (sw == Commands.SW_MEMORY) {
            refuse();
        }
        if (sw != ISO7816.SW_NO_ERROR) {
            ISOException.throwIt(sw);
        }
        memory.put(Memory.VERIFIED, (byte) 0);
        memory.endStep(false);
        access.refresh();
    }

    private static void checkAction(byte[] staged) {
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
                return tag == Configuration.TAG_GENERATION && length == 2;
        }
    }

    private short perform(byte which, byte[] staged, short imei) {
        switch (which) {
            case BACK_UP:
                return backedUp(Copies.USIM) && backedUp(Copies.GSM) && copies.anyBackup() ? ISO7816.SW_NO_ERROR
                        : ISO7816.SW_CONDITIONS_NOT_SATISFIED;
            case RESTORE:
                return access.restore();
            case PREVIOUS:
                return previous();
            default:
                return rebind(which, staged, imei);
        }
    }

    /** After take a copy has its backup, and shows it or the denial value. */
    private boolean backedUp(byte copy) {
        return !copies.exists(copy) || copies.managed(copy) && (copies.holdsBackup(copy) || copies.holdsDenial(copy));
    }

    /** 03 and 04: EF_IMSI is restored, then the bound IMEIs and the generation change. */
    private short rebind(byte which, byte[] staged, short imei) {
        byte[] active = configuration.active();
        if (Configuration.scheme(active) != Configuration.FIRST_INSERT) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        if (access.restore() == Commands.SW_MEMORY) {
            return Commands.SW_MEMORY;
        }
        JCSystem.beginTransaction();
        if (which == UNBIND) {
            memory.put(Memory.BOUND, (byte) 0);
        } else if (!decision.bound(staged, imei)) {
            if (data[Memory.BOUND] >= Configuration.terminals(active)) {
                memory.put(Memory.BOUND, (byte) 0);
            }
            decision.bind(staged, imei);
        }
        memory.nextGeneration();
        JCSystem.commitTransaction();
        return ISO7816.SW_NO_ERROR;
    }

    /** 05: counters, log and tags 89 to 93. */
    private void clear() {
        Util.arrayFillNonAtomic(ram, Memory.SCRATCH, Memory.SCRATCH_SIZE, (byte) 0);
        JCSystem.beginTransaction();
        memory.putArray(Memory.COUNTERS, ram, Memory.SCRATCH, (short) (Memory.PENDING - Memory.COUNTERS));
        memory.putArray(Memory.LOG, ram, Memory.SCRATCH, (short) (Log.ENTRIES * Log.ENTRY));
        memory.put(Memory.VERIFIED, (byte) 0);
        JCSystem.commitTransaction();
    }

    /** 06: the replaced backups become the backups; a copy that shows the present one follows. */
    private short previous() {
        if (!replaced(Copies.USIM) && !replaced(Copies.GSM)) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        boolean shown = false;
        JCSystem.beginTransaction();
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (replaced(copy)) {
                shown |= copies.holdsBackup(copy);
                Util.arrayCopyNonAtomic(data, Copies.replaced(copy), ram, Memory.WANTED, Imsi.SIZE);
                memory.putArray(Copies.replaced(copy), data, Copies.backup(copy), Imsi.SIZE);
                memory.putArray(Copies.backup(copy), ram, Memory.WANTED, Imsi.SIZE);
            }
        }
        if (shown) {
            memory.put(Memory.PENDING, Copies.BACKUP);
        }
        JCSystem.commitTransaction();
        return !shown || copies.writeAll(Copies.BACKUP) ? ISO7816.SW_NO_ERROR : Commands.SW_MEMORY;
    }

    /** Whether the copy has a replaced backup to go back to; a denial value of today is none. */
    private boolean replaced(byte copy) {
        return copies.exists(copy) && data[Copies.replaced(copy)] != 0 && !copies.isDenial(data, Copies.replaced(copy));
    }
}
