package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;

/** Take (§8): a write that a cut interrupted is finished, then what an issuer wrote becomes the backup. */
final class Backup {

    private final Memory memory;
    private final byte[] data;
    private final Configuration configuration;
    private final Files files;
    private final Copies copies;
    private final Location location;

    Backup(Memory memory, Configuration configuration, Files files, Copies copies, Location location) {
        this.memory = memory;
        this.configuration = configuration;
        this.files = files;
        this.copies = copies;
        this.location = location;
        data = memory.data;
    }

    /**
     * Each copy whose content is plausible, no denial value and not its backup becomes that copy's backup; the old one is kept
     * beside it. One transaction. False when the memory refused. Leaves the copies read.
     */
    boolean take() {
        finish();
        copies.read();
        if (memory.ram[Memory.READABLE] == 0) {
            memory.fail(files.service130() ? Memory.SERVICE_130 : Memory.NOT_READABLE);
            return true;
        }
        byte fresh = fresh();
        if (fresh == 0) {
            return true;
        }
        try {
            JCSystem.beginTransaction();
            renew((byte) (fresh & Copies.USIM));
            renew((byte) (fresh & Copies.GSM));
            JCSystem.commitTransaction();
            return true;
        } catch (CardRuntimeException e) {
            memory.failed();
            return false;
        }
    }

    /** The copies to renew. */
    private byte fresh() {
        byte fresh = 0;
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (!copies.exists(copy)) {
                continue;
            }
            if (!copies.readable(copy)) {
                memory.fail(Memory.NOT_READABLE);
            } else if (!copies.holdsDenial(copy) && !copies.holdsBackup(copy)) {
                if (copies.plausible(copy)) {
                    fresh |= copy;
                } else {
                    memory.fail(Memory.CONTENT_UNKNOWN);
                }
            }
        }
        return fresh;
    }

    private void renew(byte copy) {
        if (copy == 0) {
            return;
        }
        if (copies.hasBackup(copy)) {
            memory.putArray(Copies.replaced(copy), data, Copies.backup(copy), Imsi.SIZE);
        }
        memory.putArray(Copies.backup(copy), memory.ram, Copies.content(copy), Imsi.SIZE);
    }

    /** Writes what was pending: location and keys, then the copies, but an issuer's content stays. */
    private void finish() {
        byte pending = data[Memory.PENDING];
        if (pending == 0) {
            return;
        }
        if ((pending & Memory.PENDING_LOCATION) != 0 && !configuration.has(Configuration.KEEP_LOCATION)) {
            location.reset();
        }
        copies.read();
        byte target = (byte) (pending & ~Memory.PENDING_LOCATION);
        for (byte copy = Copies.USIM; copy <= Copies.GSM; copy++) {
            if (copies.managed(copy) && !issuers(copy) && copies.differs(copy, target)) {
                copies.write(copy);
            }
        }
        memory.keep(Memory.PENDING, (byte) 0);
    }

    /**
     * Plausible content that is neither the backup nor a denial value is an issuer's, unless the denial value is plausible
     * itself: what is half written can then not be told from it.
     */
    private boolean issuers(byte copy) {
        return copies.plausible(copy) && !Configuration.plausibleDenial(configuration.active()) && !copies.holdsBackup(copy)
                && !copies.holdsDenial(copy);
    }
}
