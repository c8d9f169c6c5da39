package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.JCSystem;

/**
 * The access switch (§8.6): what a verdict changes in the files, the mark that makes it whole after a cut, and strict start.
 */
final class Access {

    // Bits of PLAN.
    private static final byte ENFORCE = 0x01;
    private static final byte DENY = 0x02;
    private static final byte WRITE_COPIES = 0x04; // a copy differs
    private static final byte WRITE_LOCATION = 0x08; // location and keys are due
    private static final byte STRICT = 0x10; // the restore under strict start
    private static final byte PAIRING = 0x20; // EF_IPS

    /** Strict restores in a row for one IMEI after which strict start rests. */
    private static final byte STRICT_RESTORES = 3;

    private final Memory memory;
    private final byte[] ram;
    private final byte[] data;
    private final Configuration configuration;
    private final Copies copies;
    private final Backup backup;
    private final Location location;
    private final PairingStatus pairing;

    Access(Memory memory, Configuration configuration, Copies copies, Backup backup, Location location, PairingStatus pairing) {
        this.memory = memory;
        this.configuration = configuration;
        this.copies = copies;
        this.backup = backup;
        this.location = location;
        this.pairing = pairing;
        ram = memory.ram;
        data = memory.data;
    }

    private boolean planned(byte bit) {
        return (ram[Memory.PLAN] & bit) != 0;
    }

    private byte target() {
        return planned(DENY) ? Copies.DENIAL : Copies.BACKUP;
    }

    private boolean strict() {
        return configuration.enforcing() && configuration.has(Configuration.STRICT);
    }

    /** Plans what the decision changes. The copies were read by take. */
    void plan(byte decision) {
        ram[Memory.PLAN] = 0;
        boolean deciding = configuration.deciding();
        if (decision == Decision.NOT_ENFORCED || deciding && configuration.has(Configuration.OBSERVE)) {
            return;
        }
        byte plan = ENFORCE;
        if (Decision.denies(decision)) {
            plan |= DENY;
        }
        if (!configuration.has(Configuration.KEEP_LOCATION) && ((plan & DENY) != 0 || data[Memory.DENIED_LAST] != 0)) {
            plan |= WRITE_LOCATION;
        }
        if (deciding && configuration.has(Configuration.EF_IPS)) {
            plan |= PAIRING;
        }
        if (copies.differ((plan & DENY) != 0 ? Copies.DENIAL : Copies.BACKUP)) {
            plan |= WRITE_COPIES;
            if ((plan & DENY) == 0 && strict()) {
                plan |= STRICT;
            }
        }
        ram[Memory.PLAN] = plan;
    }

    /** Marks what will be written, inside the transaction of the decision. */
    void mark() {
        if (!Memory.same(ram, Memory.IMEI, data, Memory.STRICT, Imei.SIZE)) {
            memory.put((short) (Memory.STRICT + Imei.SIZE), (byte) 0);
        }
        if (!planned(ENFORCE)) {
            return;
        }
        memory.put(Memory.DENIED_LAST, planned(DENY) ? (byte) 1 : (byte) 0);
        if (planned((byte) (WRITE_COPIES | WRITE_LOCATION))) {
            memory.put(Memory.PENDING, planned(WRITE_LOCATION) ? (byte) (target() | Memory.PENDING_LOCATION) : target());
        }
        if (planned(STRICT)) {
            memory.put(Memory.VERIFIED, (byte) 1);
            memory.putArray(Memory.STRICT, ram, Memory.IMEI, Imei.SIZE);
            byte restores = data[(short) (Memory.STRICT + Imei.SIZE)];
            if (restores < STRICT_RESTORES) {
                memory.put((short) (Memory.STRICT + Imei.SIZE), (byte) (restores + 1));
            }
        }
    }

    /** Location and keys, then the copies, then EF_IPS; when a copy did change, REFRESH is owed. */
    void carryOut() {
        if (planned(WRITE_LOCATION)) {
            location.reset();
        }
        if (planned((byte) (WRITE_COPIES | WRITE_LOCATION))) {
            copies.writeAll(target());
        }
        if (planned(PAIRING)) {
            pairing.write(!planned(DENY));
        }
        memory.endStep(false);
        refresh();
        if (ram[Memory.CHANGED] != 0 && planned(STRICT)) {
            ram[Memory.STRICT_REFRESH] = 1;
        }
    }

    /** Owes the terminal that is running a REFRESH for what the step has changed. */
    void refresh() {
        byte changed = ram[Memory.CHANGED];
        if (changed == 0 || ram[Memory.RUNNING] == 0) {
            return;
        }
        ram[Memory.REFRESH] = Terminal.NOW;
        ram[Memory.QUALIFIER] = Configuration.get(configuration.active(), Configuration.TAG_REFRESH, (byte) 0);
        ram[Memory.REFRESH_FILES] |= changed;
        ram[Memory.REFRESH_BUSY] = 0;
        ram[Memory.STRICT_REFRESH] = 0;
    }

    /** First command after reset (§8.1): file access only, in any reader. */
    void firstCommand() {
        memory.beginStep();
        backup.take();
        boolean hide = strict() && data[Memory.VERIFIED] == 0 && copies.differ(Copies.DENIAL);
        if (hide && data[(short) (Memory.STRICT + Imei.SIZE)] >= STRICT_RESTORES) {
            memory.fail(Memory.RESTING);
            hide = false;
        }
        try {
            JCSystem.beginTransaction();
            memory.raise(Memory.RESETS);
            memory.put(Memory.VERIFIED, (byte) 0);
            if (hide) {
                memory.put(Memory.PENDING, Copies.DENIAL);
            }
            JCSystem.commitTransaction();
            if (hide) {
                copies.writeAll(Copies.DENIAL);
            }
        } catch (CardRuntimeException e) {
            memory.failed();
        }
        memory.endStep(true);
    }

    /** Writes every backup back: 6985 when there is none, 6581 when a copy refuses. */
    short restore() {
        copies.read();
        if (!copies.anyBackup()) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        if (!copies.differ(Copies.BACKUP)) {
            return ISO7816.SW_NO_ERROR;
        }
        memory.put(Memory.PENDING, Copies.BACKUP);
        return copies.writeAll(Copies.BACKUP) ? ISO7816.SW_NO_ERROR : Commands.SW_MEMORY;
    }

    /** Removal (§6): every copy is restored. It cannot refuse: what fails stays as it is. */
    void uninstall() {
        backup.take();
        restore();
    }
}
