package simbind;

import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/**
 * Location and key files (§8.7): brought to their pre-personalized form (TS 31.102 annex E), the PLMN kept, each only if it
 * differs. A missing file is fine; one that the access domain refuses is left for the next change of access, and one that the memory refuses keeps the
 * mark.
 */
class Location extends Copies {

    // Forms of content.
    private static final byte LOCI = 0; // FF, PLMN at its place, 00 00 FF 01
    private static final byte LOCI_5GS = 1; // FF, PLMN, 00 00 00 01
    private static final byte LOCI_EPS = 2; // FF, PLMN, 00 00 01
    private static final byte KEYS = 3; // 07, FF
    private static final byte KC = 4; // FF, 07
    private static final byte BLANK = 5; // FF, as long as the file is
    private static final byte RECORDS = 6; // every record FF

    private static final short ROW = 5;

    /** Rows: where, file identifier (2), form, place of the PLMN or length. */
    private static final byte[] FILES = {
        Files.USIM, 0x6F, 0x7E, LOCI, 4, // EF_LOCI
        Files.USIM, 0x6F, 0x73, LOCI, 7, // EF_PSLOCI
        Files.USIM, 0x6F, (byte) 0xE3, LOCI_EPS, 12, // EF_EPSLOCI
        Files.USIM_5GS, 0x4F, 0x01, LOCI_5GS, 13, // EF_5GS3GPPLOCI
        Files.USIM_5GS, 0x4F, 0x02, LOCI_5GS, 13, // EF_5GSN3GPPLOCI
        Files.USIM, 0x6F, 0x08, KEYS, 33, // EF_Keys
        Files.USIM, 0x6F, 0x09, KEYS, 33, // EF_KeysPS
        Files.USIM, 0x6F, (byte) 0xE4, RECORDS, 0, // EF_EPSNSC
        Files.USIM_5GS, 0x4F, 0x03, RECORDS, 0, // EF_5GS3GPPNSC
        Files.USIM_5GS, 0x4F, 0x04, RECORDS, 0, // EF_5GSN3GPPNSC
        Files.USIM, 0x6F, 0x7B, BLANK, 0, // EF_FPLMN
        Files.GSM, 0x6F, 0x7E, LOCI, 4, // EF_LOCI
        Files.GSM, 0x6F, 0x53, LOCI, 7, // EF_LOCIGPRS
        Files.GSM, 0x6F, 0x20, KC, 9, // EF_Kc
        Files.GSM, 0x6F, 0x52, KC, 9, // EF_KcGPRS
        Files.GSM, 0x6F, 0x7B, BLANK, 0, // EF_FPLMN
    };

    private static final byte TAG_SIZE = (byte) 0x80;
    private static final byte TAG_DESCRIPTOR = (byte) 0x82;
    private static final byte ABSOLUTE = 0x04;

    /** Notes in LOCATED what it wrote, a bit a row. */
    void resetLocation() {
        short bit = 1;
        for (short row = 0; row < (short) FILES.length; row += ROW) {
            try {
                if (resetFile(row)) {
                    Util.setShort(ram, Memory.LOCATED, (short) (Util.getShort(ram, Memory.LOCATED) | bit));
                }
            } catch (UICCException e) {
                if (e.getReason() == UICCException.MEMORY_PROBLEM) {
                    spoil();
                } // else missing, or not allowed
            }
            bit <<= 1;
        }
    }

    /** How many of these files there are, and their paths: see {@link #path}. */
    static short count(short files) {
        short n = 0;
        for (short row = 0; row < (short) FILES.length; row += ROW) {
            n += (short) (files & 1);
            files = (short) (files >> 1 & 0x7FFF);
        }
        return n;
    }

    /** Bytes of the paths of these files. */
    static short length(short files) {
        short n = 0;
        for (short row = 0; row < (short) FILES.length; row += ROW) {
            if ((files & 1) != 0) {
                n += FILES[row] == Files.USIM_5GS ? (short) 8 : (short) 6;
            }
            files = (short) (files >> 1 & 0x7FFF);
        }
        return n;
    }

    /** Writes the path of the nth file of the table into SCRATCH (TS 102 223 clause 8.18) and gives its length. */
    short path(short n) {
        short row = (short) (n * ROW);
        short end = root(FILES[row]);
        return (short) (Util.arrayCopyNonAtomic(FILES, (short) (row + 1), ram, end, (short) 2) - Memory.SCRATCH);
    }

    private boolean resetFile(short row) {
        FileView view = select(FILES[row], Util.getShort(FILES, (short) (row + 1)));
        byte form = FILES[(short) (row + 3)];
        if (form == RECORDS) {
            return records(view);
        }
        boolean changed = false;
        short size = form == BLANK ? fileSize() : size(form, FILES[(short) (row + 4)]);
        for (short at = 0; at < size; at += Memory.SCRATCH_SIZE) {
            short length = part(size, at);
            view.readBinary(at, ram, Memory.SCRATCH, length);
            if (restore(form, FILES[(short) (row + 4)], length)) {
                view.updateBinary(at, ram, Memory.SCRATCH, length);
                changed = true;
            }
        }
        return changed;
    }

    /** What is left of size from at on, as much as SCRATCH holds. */
    private static short part(short size, short at) {
        short left = (short) (size - at);
        return left < Memory.SCRATCH_SIZE ? left : Memory.SCRATCH_SIZE;
    }

    private static short size(byte form, byte at) {
        switch (form) {
            case LOCI:
            case LOCI_5GS:
                return (short) (at + 7);
            case LOCI_EPS:
                return (short) (at + 6);
            default:
                return at;
        }
    }

    /** Size of the selected transparent file, from its FCP. */
    private short fileSize() {
        short at = attribute(TAG_SIZE);
        return at < 0 ? (short) 0 : Util.getShort(ram, at);
    }

    /** Overwrites every record of the selected file that holds anything. Its descriptor is structure, coding, length (2), count. */
    private boolean records(FileView view) {
        short at = attribute(TAG_DESCRIPTOR);
        if (at < 0 || ram[(short) (at - 1)] < 5) {
            return false;
        }
        boolean changed = false;
        short size = Util.getShort(ram, (short) (at + 2));
        short count = (short) (ram[(short) (at + 4)] & 0xFF);
        for (short n = 1; n <= count; n++) {
            for (at = 0; at < size; at += Memory.SCRATCH_SIZE) {
                short length = part(size, at);
                view.readRecord(n, ABSOLUTE, at, ram, Memory.SCRATCH, length);
                if (restore(BLANK, (byte) 0, length)) {
                    view.updateRecord(n, ABSOLUTE, at, ram, Memory.SCRATCH, length);
                    changed = true;
                }
            }
        }
        return changed;
    }

    /** Brings the bytes in SCRATCH to their form; plmn is the place of the PLMN. Tells whether any differed. */
    private boolean restore(byte form, byte plmn, short length) {
        boolean changed = false;
        for (short i = 0; i < length; i++) {
            if (form <= LOCI_EPS && i >= plmn && i < (short) (plmn + 3)) {
                continue;
            }
            byte want = pristine(form, plmn, i, (short) (length - i));
            short at = (short) (Memory.SCRATCH + i);
            if (ram[at] != want) {
                ram[at] = want;
                changed = true;
            }
        }
        return changed;
    }

    /** The byte at a place, left bytes from the end. */
    private static byte pristine(byte form, byte plmn, short i, short left) {
        switch (form) {
            case LOCI:
            case LOCI_5GS:
            case LOCI_EPS:
                if (left == 1) {
                    return 0x01;
                }
                return i < plmn || form == LOCI && left == 2 ? (byte) 0xFF : 0x00;
            case KEYS:
                return i == 0 ? 0x07 : (byte) 0xFF;
            case KC:
                return left == 1 ? 0x07 : (byte) 0xFF;
            default:
                return (byte) 0xFF;
        }
    }
}
