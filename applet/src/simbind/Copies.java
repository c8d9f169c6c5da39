package simbind;

import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/** The copies of EF_IMSI (§1), their backups, and what is written to them. */
class Copies extends Files {

    /** The copies, as bits of tags 87 and E3 85. */
    static final byte USIM = 0x01;
    static final byte GSM = 0x02;

    // What a copy shall hold.
    static final byte BACKUP = 0x01;
    static final byte DENIAL = 0x02;

    private static final short EF_IMSI = 0x6F07;

    private static final short RETIRED_SIZE = 36;

    /**
     * Reads every copy. That of the ADF.USIM exists when the ADF is known, readable or not; that of DF_GSM when the file is
     * there and neither is the image of the other.
     */
    void read() {
        ram[Memory.COPIES] = 0;
        ram[Memory.READABLE] = 0;
        boolean linked = false;
        if (data[Memory.ADF] != 0) {
            ram[Memory.COPIES] = USIM;
            linked = look(USIM);
        }
        if ((look(GSM) || linked) && data[Memory.ADF] != 0) {
            ram[Memory.COPIES] = USIM;
            ram[Memory.READABLE] &= USIM;
        }
    }

    /** Reads one copy, and tells whether its FCP names another file. */
    private boolean look(byte copy) {
        boolean linked = false;
        try {
            FileView view = select(copy);
            ram[Memory.COPIES] |= copy;
            linked = linked();
            view.readBinary((short) 0, ram, content(copy), Imsi.SIZE);
            ram[Memory.READABLE] |= copy;
        } catch (UICCException e) {
            if (e.getReason() != UICCException.FILE_NOT_FOUND) {
                ram[Memory.COPIES] |= copy;
            }
        }
        return linked;
    }

    private FileView select(byte copy) {
        return select(copy == USIM ? Files.USIM : Files.GSM, EF_IMSI);
    }

    /** Where the content of a copy stands in transient  */
    static short content(byte copy) {
        return copy == USIM ? Memory.CONTENT : (short) (Memory.CONTENT + Imsi.SIZE);
    }

    /** Where the backup of a copy stands; its first byte is 0 when there is none. */
    static short backup(byte copy) {
        return copy == USIM ? Memory.BACKUPS : (short) (Memory.BACKUPS + Imsi.SIZE);
    }

    static short replaced(byte copy) {
        return (short) (backup(copy) + Memory.REPLACED - Memory.BACKUPS);
    }

    boolean exists(byte copy) {
        return (ram[Memory.COPIES] & copy) != 0;
    }

    boolean readable(byte copy) {
        return (ram[Memory.READABLE] & copy) != 0;
    }

    boolean hasBackup(byte copy) {
        return data[backup(copy)] != 0;
    }

    /** Whether the copy may be written: it can be read, and has a backup of its own. */
    boolean managed(byte copy) {
        return readable(copy) && hasBackup(copy);
    }

    boolean anyBackup() {
        return exists(USIM) && hasBackup(USIM) || exists(GSM) && hasBackup(GSM);
    }

    boolean holdsBackup(byte copy) {
        return managed(copy) && Memory.same(ram, content(copy), data, backup(copy), Imsi.SIZE);
    }

    boolean plausible(byte copy) {
        return Imsi.plausible(ram, content(copy));
    }

    boolean holdsDenial(byte copy) {
        return isDenial(ram, content(copy));
    }

    /** Whether the value is the denial value in force or a retired one: never a subscriber's. */
    boolean isDenial(byte[] b, short at) {
        if (denies(active(), b, at)) {
            return true;
        }
        for (short i = 0; i < RETIRED_SIZE; i += Imsi.SIZE) {
            short place = (short) (Memory.RETIRED + i);
            if (data[place] != 0 && Memory.same(data, place, b, at, Imsi.SIZE)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Remembers the denial value of a template, when it is plausible: a file may hold it though it is not in force, and it is
     * not to be taken for a subscriber's.
     */
    void retire(byte[] bank) {
        if (!plausibleDenial(bank)) {
            return;
        }
        Util.arrayCopyNonAtomic(bank, denial(bank), ram, Memory.SCRATCH, Imsi.SIZE);
        short kept = 0;
        while (kept < (short) (RETIRED_SIZE - Imsi.SIZE)
                && !Memory.same(data, (short) (Memory.RETIRED + kept), ram, Memory.SCRATCH, Imsi.SIZE)) {
            kept += Imsi.SIZE;
        }
        Util.arrayCopyNonAtomic(data, Memory.RETIRED, ram, (short) (Memory.SCRATCH + Imsi.SIZE), kept);
        putArray(Memory.RETIRED, ram, Memory.SCRATCH, (short) (kept + Imsi.SIZE));
    }

    /** Puts what the copy shall hold into WANTED, and tells whether it does not hold it. */
    boolean differs(byte copy, byte target) {
        if (target == DENIAL) {
            byte[] active = active();
            Util.arrayCopyNonAtomic(active, denial(active), ram, Memory.WANTED, Imsi.SIZE);
        } else {
            Util.arrayCopyNonAtomic(data, backup(copy), ram, Memory.WANTED, Imsi.SIZE);
        }
        return !Memory.same(ram, content(copy), ram, Memory.WANTED, Imsi.SIZE);
    }

    /** Whether a copy that may be written is not as the target wants it. */
    boolean differ(byte target) {
        return managed(USIM) && differs(USIM, target) || managed(GSM) && differs(GSM, target);
    }

    /** Writes WANTED to a copy that differs, and reads it back. */
    boolean write(byte copy) {
        try {
            FileView view = select(copy);
            view.updateBinary((short) 0, ram, Memory.WANTED, Imsi.SIZE);
            ram[Memory.CHANGED] |= copy;
            view.readBinary((short) 0, ram, content(copy), Imsi.SIZE);
        } catch (UICCException e) {
            if (e.getReason() == UICCException.MEMORY_PROBLEM) {
                spoil();
            } else {
                fail(Memory.NOT_WRITABLE);
            }
            return false;
        }
        if (Memory.same(ram, content(copy), ram, Memory.WANTED, Imsi.SIZE)) {
            return true;
        }
        spoil();
        return false;
    }

    /**
     * Whether the content of a copy is an issuer's, to be taken and not to be overwritten: plausible and no value of the
     * applet's own. While a mark was left from before, neither a mixture of those, byte by byte: a write that was cut leaves
     * such.
     */
    boolean issuers(byte copy) {
        boolean replaced = (ram[Memory.LEFT] & Memory.PENDING_REPLACED) != 0;
        return plausible(copy) && !holdsBackup(copy) && !holdsDenial(copy)
                && !(replaced && Memory.same(ram, content(copy), data, replaced(copy), Imsi.SIZE))
                && !(ram[Memory.LEFT] != 0 && mixed(copy, replaced));
    }

    private boolean mixed(byte copy, boolean replaced) {
        byte[] active = active();
        for (short i = 0; i < Imsi.SIZE; i++) {
            byte b = ram[(short) (content(copy) + i)];
            boolean own = b == active[(short) (denial(active) + i)] || b == data[(short) (backup(copy) + i)]
                    || replaced && b == data[(short) (replaced(copy) + i)];
            for (short old = Memory.RETIRED; !own && old < (short) (Memory.RETIRED + RETIRED_SIZE); old += Imsi.SIZE) {
                own = data[old] != 0 && b == data[(short) (old + i)];
            }
            if (!own) {
                return false;
            }
        }
        return true;
    }

    /**
     * Brings every copy with a backup to the target; the mark is set already, and is taken away unless the memory refused
     * (§8). What an issuer wrote and take could not keep is not overwritten. False when a copy is not as wanted; the others
     * are.
     */
    boolean writeAll(byte target) {
        boolean done = true;
        read();
        for (byte copy = USIM; copy <= GSM; copy++) {
            if (managed(copy) && !issuers(copy)) {
                done &= !differs(copy, target) || write(copy);
            } else if (exists(copy) && hasBackup(copy)) {
                done = false;
            }
        }
        settled();
        return done;
    }
}
