package simbind;

import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/**
 * The copies of EF_IMSI (§1), their backups, and what is written to them; and the two trees the applet sees: ADF.USIM, when its AID
 * was told at installation, and MF. Rights are those of the access domain (TS 102 226 clause 8.2.1.3.2.5).
 */
abstract class Copies extends Configuration {

    // What a copy shall hold.
    static final short BACKUP = 0x01;
    static final short TO_DENIAL = 0x02;

    // STATE of a copy: 0 when it is absent, else what was found when it was looked at last.
    static final byte PRESENT = 0x01;
    static final byte BACKED = 0x02; // it has a backup of its own
    static final byte READ = 0x04; // its content was read; BACKED too, it may be written, and then it has
    static final byte OTHER = 4; // so many places above the target: the content is another one
    static final byte OWN = 0x40; // the content is the backup or a denial value: none an issuer's
    static final byte SHUT = (byte) 0x80; // BACKED and READ, and the content is a denial value

    /** Where a file stands: USIM, GSM, or this. */
    static final byte USIM_5GS = 0x20;

    static final short EF_IMSI = 0x6F07;

    private static final short ADF_USIM = 0x7FFF;
    private static final short DF_GSM = 0x7F20;
    private static final short DF_5GS = 0x5FC0;
    private static final short EF_UST = 0x6F38;

    private static final byte TAG_FCP = 0x62;
    private static final byte TAG_PROPRIETARY = (byte) 0xA5;
    private static final byte TAG_LINK = (byte) 0x9B;

    /** The trees. A card without the ADF leaves it unreadable. */
    FileView mf;
    FileView adf;

    /** Makes a file current and leaves its FCP in SCRATCH (TS 102 221 clause 11.1.1.3). */
    FileView select(short where, short fid) {
        FileView view = adf;
        short directory = ADF_USIM;
        if (where == GSM) {
            view = mf;
            directory = DF_GSM; // below the MF, or current already
        }
        if (view == null) {
            UICCException.throwIt(UICCException.FILE_NOT_FOUND);
        }
        view.select(directory);
        if (where == USIM_5GS) {
            view.select(DF_5GS);
        }
        view.select(fid, scratch, (short) 0, SCRATCH_SIZE);
        return view;
    }

    /** An object of the FCP in SCRATCH: where its value stands, -1 when it is not there. */
    short attribute(byte tag) {
        return scratch[0] == TAG_FCP ? find(tag, value(scratch, (short) 0)) : (short) -1;
    }

    /**
     * Where the value of the first object with the tag stands in the template whose value begins at that place of SCRATCH, -1 when
     * there is none. Its length is the byte before.
     */
    private short find(byte tag, short next) {
        byte[] b = scratch;
        short end = (short) (next + (b[(short) (next - 1)] & 0xFF));
        if (end > SCRATCH_SIZE) {
            end = SCRATCH_SIZE;
        }
        short at;
        do {
            at = (short) (next + 2);
            if (at > end) {
                return (short) -1;
            }
            next = (short) (at + (b[(short) (at - 1)] & 0xFF));
        } while (next > end || b[(short) (at - 2)] != tag);
        return at;
    }

    /** Whether the FCP says that the file is the image of another EF_IMSI: tag 9B, a path, among the proprietary objects. */
    private boolean linked() {
        short at = attribute(TAG_PROPRIETARY);
        if (at >= 0) {
            at = find(TAG_LINK, at);
        }
        return at >= 0 && Util.getShort(scratch, (short) (at + (scratch[(short) (at - 1)] & 0xFF) - 2)) == EF_IMSI;
    }

    /** Why no copy can be read: UST service 130 (TS 31.102 clause 4.2.8, byte 17 b2) says that there is no EF_IMSI, or else. */
    byte unreadable() {
        try {
            select(USIM, EF_UST).readBinary((short) 16, scratch, (short) 0, (short) 1);
            if ((scratch[0] & 0x02) != 0) {
                return SERVICE_130;
            }
        } catch (UICCException e) {
            // it does not say
        }
        return NOT_READABLE;
    }

    /**
     * Reads every copy. That of the ADF.USIM exists when the ADF is known, readable or not; that of DF_GSM when the file is
     * there and neither is the image of the other.
     */
    void read() {
        short copy = USIM;
        byte state;
        boolean linked = false;
        do {
            state = copy == USIM && data[ADF] != 0 ? PRESENT : 0;
            try {
                FileView view = select(copy, EF_IMSI);
                state = PRESENT;
                linked |= linked();
                view.readBinary((short) 0, ram, copy, IMSI_SIZE);
                state = PRESENT | READ;
            } catch (UICCException e) {
                if (e.getReason() != UICCException.FILE_NOT_FOUND) {
                    state = PRESENT;
                }
            }
            ram[(short) (copy + STATE)] = state;
        } while ((copy ^= GSM) != 0);
        if (linked && data[ADF] != 0) {
            ram[GSM + STATE] = 0;
        }
        look();
    }

    short seen(short copy) {
        return ram[(short) (copy + STATE)];
    }

    /** What is so of one copy or the other. */
    short either() {
        return (short) (ram[USIM + STATE] | ram[GSM + STATE]);
    }

    /** Tells STATE of every copy what its content and its backup are to each other; it was read, or could not be. */
    void look() {
        byte[] data = this.data;
        short copy = USIM;
        do {
            short state = (short) (seen(copy) & (PRESENT | READ));
            if (state != 0) {
                if (isDenial(ram, copy)) {
                    state |= OWN;
                }
                if (data[copy] != 0) {
                    state |= BACKED;
                    if ((state & READ) != 0) {
                        if (compare(copy, data, DENIAL) != 0) {
                            state |= TO_DENIAL << OTHER;
                        }
                        if (compare(copy, data, copy) != 0) {
                            state |= BACKUP << OTHER | (state & OWN) << 1; // SHUT
                        } else {
                            state |= OWN;
                        }
                    }
                }
            }
            ram[(short) (copy + STATE)] = (byte) state;
        } while ((copy ^= GSM) != 0);
    }

    /** 0 when a copy showed this. */
    byte compare(short copy, byte[] b, short at) {
        return Util.arrayCompare(ram, copy, b, at, IMSI_SIZE);
    }

    /** Whether the value is the denial value in force or a retired one: never a subscriber's. */
    boolean isDenial(byte[] b, short at) {
        return retired(b, at) < RETIRED_END || Util.arrayCompare(data, DENIAL, b, at, IMSI_SIZE) == 0;
    }

    /** Where the value stands among the retired ones, RETIRED_END when it does not. */
    private short retired(byte[] b, short at) {
        short place = RETIRED;
        while (place < RETIRED_END && Util.arrayCompare(data, place, b, at, IMSI_SIZE) != 0) {
            place += IMSI_SIZE;
        }
        return place;
    }

    /**
     * Remembers the denial value of the configuration in data or in ram: a file may hold it, or a part of it, though it is not in force,
     * and that is not to be taken for a subscriber's.
     */
    void retire(byte[] configuration) {
        byte[] scratch = this.scratch;
        short kept = (short) (retired(configuration, DENIAL) - RETIRED);
        if (kept == RETIRED_END - RETIRED) {
            kept -= IMSI_SIZE;
        }
        Util.arrayCopyNonAtomic(data, RETIRED, scratch, IMSI_SIZE, kept);
        Util.arrayCopyNonAtomic(configuration, DENIAL, scratch, (short) 0, IMSI_SIZE);
        putArray(RETIRED, scratch, (short) 0, (short) (kept + IMSI_SIZE));
    }

    /** Not 0 when a copy that may be written is not as the target wants it. */
    short differ(short target) {
        return (short) (either() & target << OTHER);
    }

    /** Writes to a copy that differs, and reads it back. False when it is not as wanted then. */
    boolean write(short copy, byte[] b, short at) {
        try {
            if (compare(copy, b, at) != 0) {
                FileView view = select(copy, EF_IMSI);
                view.updateBinary((short) 0, b, at, IMSI_SIZE);
                changed((short) (copy >> 4));
                view.readBinary((short) 0, ram, copy, IMSI_SIZE);
                look();
                if (compare(copy, b, at) != 0) {
                    UICCException.throwIt(UICCException.MEMORY_PROBLEM);
                }
            }
            return true;
        } catch (UICCException e) {
            refused(e);
            fail(NOT_WRITABLE);
        }
        return false;
    }

    /** Notes that the step under way has written a file, by its row of Location. */
    void changed(short row) {
        ram[(short) (CHANGED + (row >> 3))] |= (byte) (1 << (row & 7));
    }

    /** A memory that refuses a write keeps the mark: a file may hold anything. Else the file is missing, or not allowed. */
    void refused(UICCException e) {
        if (e.getReason() == UICCException.MEMORY_PROBLEM) {
            ram[SPOILED] = 1;
            fail(MEMORY);
        }
    }

    /**
     * Whether the content of a copy is an issuer's, to be taken and not to be overwritten: plausible and no value of the
     * applet's own. While a mark was left from before, neither a mixture of those, byte by byte: a write that was cut leaves
     * such.
     */
    boolean issuers(short copy) {
        return (seen(copy) & OWN) == 0 && plausible(ram, copy) && (ram[LEFT] == 0 || !mixed(copy));
    }

    private boolean mixed(short copy) {
        byte[] data = this.data;
        short i = 0;
        do {
            byte b = ram[copy];
            short old = (short) (RETIRED + i);
            while (old < RETIRED_END && data[old] != b) {
                old += IMSI_SIZE;
            }
            if (old >= RETIRED_END && b != data[copy] && b != data[(short) (DENIAL + i)]
                    && ((ram[LEFT] & PENDING_REPLACED) == 0 || b != data[(short) (copy + REPLACED)])) {
                return false;
            }
            copy++;
        } while (++i < IMSI_SIZE);
        return true;
    }

    /**
     * Brings every copy with a backup to the target. They were read, and the mark is set already; it is taken away unless the memory
     * refused (§8). What an issuer wrote and take could not keep is not overwritten. False when a copy is not as wanted; the others are.
     */
    boolean writeAll(short target) {
        boolean done = true;
        short copy = USIM;
        do {
            if ((seen(copy) & BACKED) != 0
                    && ((seen(copy) & READ) == 0 || issuers(copy) || !write(copy, data, (target & TO_DENIAL) != 0 ? DENIAL : copy))) {
                done = false;
            }
        } while ((copy ^= GSM) != 0);
        if (ram[SPOILED] == 0) {
            keep(PENDING, (short) 0);
        }
        ram[SPOILED] = 0;
        return done;
    }
}
