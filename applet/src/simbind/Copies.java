package simbind;

import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/** The copies of EF_IMSI (§1), their backups, and what is written to them. */
abstract class Copies extends Files {

    // What a copy shall hold.
    static final byte BACKUP = 0x01;
    static final byte TO_DENIAL = 0x02;

    /** In STATE, beside the bit of the copy: its content was read. */
    private static final byte READABLE = 0x04;

    /**
     * Reads every copy. That of the ADF.USIM exists when the ADF is known, readable or not; that of DF_GSM when the file is
     * there and neither is the image of the other.
     */
    void read() {
        ram[GSM + STATE] = 0;
        ram[STATE] = data[ADF] == 0 ? (byte) 0 : 1;
        boolean linked = data[ADF] != 0 && look(USIM);
        if ((look(GSM) || linked) && data[ADF] != 0) {
            ram[GSM + STATE] = 0;
        }
    }

    /** Reads one copy, and tells whether its FCP names another file. */
    private boolean look(short copy) {
        byte bit = (byte) ((copy >> 4) + 1);
        short state = (short) (copy + STATE);
        boolean linked = false;
        try {
            FileView view = select(copy, EF_IMSI);
            ram[state] = bit;
            linked = linked();
            view.readBinary((short) 0, ram, copy, Digits.IMSI);
            ram[state] |= READABLE;
        } catch (UICCException e) {
            if (e.getReason() != UICCException.FILE_NOT_FOUND) {
                ram[state] = bit;
            }
        }
        return linked;
    }

    boolean exists(short copy) {
        return ram[(short) (copy + STATE)] != 0;
    }

    boolean readable(short copy) {
        return (ram[(short) (copy + STATE)] & READABLE) != 0;
    }

    /** Whether the copy may be written: it can be read, and has a backup of its own. */
    boolean managed(short copy) {
        return readable(copy) && data[copy] != 0;
    }

    boolean anyBackup() {
        return exists(USIM) && data[USIM] != 0 || exists(GSM) && data[GSM] != 0;
    }

    /** Whether a copy showed this. */
    boolean shows(short copy, byte[] b, short at) {
        return Util.arrayCompare(ram, copy, b, at, Digits.IMSI) == 0;
    }

    boolean holdsBackup(short copy) {
        return managed(copy) && shows(copy, data, copy);
    }

    boolean holdsDenial(short copy) {
        return isDenial(ram, copy);
    }

    /** Whether the value is the denial value in force or a retired one: never a subscriber's. */
    boolean isDenial(byte[] b, short at) {
        for (short place = RETIRED; place < RETIRED_END; place += Digits.IMSI) {
            if (data[place] != 0 && Util.arrayCompare(data, place, b, at, Digits.IMSI) == 0) {
                return true;
            }
        }
        return Util.arrayCompare(data, DENIAL, b, at, Digits.IMSI) == 0;
    }

    /**
     * Remembers the denial value of the configuration in data or in ram, when it is plausible: a file may hold it though it is not in
     * force, and it is not to be taken for a subscriber's.
     */
    void retire(byte[] configuration) {
        if (!Digits.plausible(configuration, DENIAL)) {
            return;
        }
        short kept = RETIRED;
        while (kept != RETIRED_END - Digits.IMSI && Util.arrayCompare(data, kept, configuration, DENIAL, Digits.IMSI) != 0) {
            kept += Digits.IMSI;
        }
        kept -= RETIRED;
        Util.arrayCopyNonAtomic(data, RETIRED, scratch, Util.arrayCopyNonAtomic(configuration, DENIAL, scratch, (short) 0, Digits.IMSI), kept);
        putArray(RETIRED, scratch, (short) 0, (short) (kept + Digits.IMSI));
    }

    /** Where in data stands what a copy shall hold. */
    static short wanted(short copy, byte target) {
        return target == TO_DENIAL ? DENIAL : copy;
    }

    /** Whether a copy that may be written is not as the target wants it. */
    boolean differ(byte target) {
        return managed(USIM) && !shows(USIM, data, wanted(USIM, target)) || managed(GSM) && !shows(GSM, data, wanted(GSM, target));
    }

    /** Writes to a copy that differs, and reads it back. False when it is not as wanted then. */
    boolean write(short copy, byte[] b, short at) {
        try {
            if (shows(copy, b, at)) {
                return true;
            }
            FileView view = select(copy, EF_IMSI);
            view.updateBinary((short) 0, b, at, Digits.IMSI);
            ram[CHANGED] |= (byte) ((copy >> 4) + 1);
            view.readBinary((short) 0, ram, copy, Digits.IMSI);
            if (shows(copy, b, at)) {
                return true;
            }
            spoil();
        } catch (UICCException e) {
            refused(e);
            fail(NOT_WRITABLE);
        }
        return false;
    }

    /** A memory that refuses keeps the mark; anything else is missing, or not allowed. */
    void refused(UICCException e) {
        if (e.getReason() == UICCException.MEMORY_PROBLEM) {
            spoil();
        }
    }

    /**
     * Whether the content of a copy is an issuer's, to be taken and not to be overwritten: plausible and no value of the
     * applet's own. While a mark was left from before, neither a mixture of those, byte by byte: a write that was cut leaves
     * such.
     */
    boolean issuers(short copy) {
        return Digits.plausible(ram, copy) && !holdsBackup(copy) && !holdsDenial(copy) && !(ram[LEFT] != 0 && mixed(copy));
    }

    private boolean mixed(short copy) {
        byte[] data = this.data;
        boolean replaced = (ram[LEFT] & PENDING_REPLACED) != 0;
        for (short i = 0; i < Digits.IMSI; i++) {
            short place = (short) (copy + i);
            byte b = ram[place];
            short old = RETIRED;
            while (old < RETIRED_END && (data[old] == 0 || data[(short) (old + i)] != b)) {
                old += Digits.IMSI;
            }
            if (old == RETIRED_END && b != data[place] && b != data[(short) (DENIAL + i)] && !(replaced && b == data[(short) (place + REPLACED)])) {
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
        for (short copy = USIM; copy <= GSM; copy += GSM) {
            if (exists(copy) && data[copy] != 0 && (!readable(copy) || issuers(copy) || !write(copy, data, wanted(copy, target)))) {
                done = false;
            }
        }
        if (ram[SPOILED] == 0) {
            keep(PENDING, (byte) 0);
        }
        ram[SPOILED] = 0;
        return done;
    }
}
