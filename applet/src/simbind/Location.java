package simbind;

import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;

/**
 * Location and key files (§8.7): brought to their pre-personalized form (TS 31.102 annex E), the PLMN kept, each only if it
 * differs. A missing file is fine; one that the access domain refuses is left for the next change of access, and one that the memory
 * refuses keeps the mark.
 */
abstract class Location extends Copies {

    // Where and how many are the bytes of MARKS that stand in a file of FF, as nibbles.
    private static final byte BLANK = 0x00;
    private static final byte KEYS = 0x01;
    private static final byte LOCI = 0x14;
    private static final byte LOCI_5GS = 0x54;
    private static final byte LOCI_EPS = 0x63;

    private static final byte[] MARKS = {0x07, 0x00, 0x00, (byte) 0xFF, 0x01, 0x00, 0x00, 0x00, 0x01};

    private static final short PLMN = 3;
    private static final short ROW = 5;

    /** Rows: where, file identifier (2), form, place of its marks; in front of those of three bytes and more a PLMN is kept. */
    private static final byte[] FILES = {
        USIM, 0x6F, 0x07, BLANK, 0, // EF_IMSI, one row a copy: it is Copies that writes them
        GSM, 0x6F, 0x07, BLANK, 0,
        USIM, 0x6F, 0x7E, LOCI, 7, // EF_LOCI
        USIM, 0x6F, 0x73, LOCI, 10, // EF_PSLOCI
        USIM, 0x6F, (byte) 0xE3, LOCI_EPS, 15, // EF_EPSLOCI
        USIM_5GS, 0x4F, 0x01, LOCI_5GS, 16, // EF_5GS3GPPLOCI
        USIM_5GS, 0x4F, 0x02, LOCI_5GS, 16, // EF_5GSN3GPPLOCI
        USIM, 0x6F, 0x08, KEYS, 0, // EF_Keys
        USIM, 0x6F, 0x09, KEYS, 0, // EF_KeysPS
        USIM, 0x6F, (byte) 0xE4, BLANK, 0, // EF_EPSNSC, records
        USIM_5GS, 0x4F, 0x03, BLANK, 0, // EF_5GS3GPPNSC, records
        USIM_5GS, 0x4F, 0x04, BLANK, 0, // EF_5GSN3GPPNSC, records
        USIM, 0x6F, 0x7B, BLANK, 0, // EF_FPLMN
        GSM, 0x6F, 0x7E, LOCI, 7, // EF_LOCI
        GSM, 0x6F, 0x53, LOCI, 10, // EF_LOCIGPRS
        GSM, 0x6F, 0x20, KEYS, 8, // EF_Kc
        GSM, 0x6F, 0x52, KEYS, 8, // EF_KcGPRS
        GSM, 0x6F, 0x7B, BLANK, 0, // EF_FPLMN
    };

    /** Paths to where files stand (TS 102 223 clause 8.18), each at a quarter of that: ADF.USIM, DF_GSM, and, longer, DF 5GS. */
    private static final byte[] PATHS = {0x3F, 0x00, 0x7F, (byte) 0xFF, 0x3F, 0x00, 0x7F, 0x20, 0x3F, 0x00, 0x7F, (byte) 0xFF, 0x5F, (byte) 0xC0};

    private static final short ROWS = 18;

    private static final byte TAG_SIZE = (byte) 0x80;
    private static final byte TAG_DESCRIPTOR = (byte) 0x82;
    private static final byte ABSOLUTE = 0x04;

    /** What is read at a time; what it shall be stands behind it in SCRATCH. */
    private static final short CHUNK = 48;

    /** Brings every location and key file to its form. */
    void resetLocation() {
        short row = 2;
        do {
            try {
                resetFile(row);
            } catch (UICCException e) {
                refused(e);
            }
        } while (++row < ROWS);
    }

    /** Puts the list of the files in SENT together in SCRATCH: how many, then their paths. Gives its length. */
    short list() {
        byte[] scratch = this.scratch;
        short at = 1;
        short row = 0;
        scratch[0] = 0;
        do {
            if ((ram[(short) (SENT + (row >> 3))] >> (row & 7) & 1) != 0) {
                short file = (short) (row * ROW);
                byte where = FILES[file];
                scratch[0]++;
                at = Util.arrayCopyNonAtomic(PATHS, (short) (where >> 2), scratch, at, (short) (4 + (where >> 4 & 2)));
                at = Util.arrayCopyNonAtomic(FILES, (short) (file + 1), scratch, at, (short) 2);
            }
        } while (++row < ROWS);
        return at;
    }

    /**
     * Brings the file of a row to its form, part by part. One of records has a descriptor of structure, coding,
     * length (2), count, and its first is meant; another one tells its size.
     */
    private void resetFile(short row) {
        byte[] scratch = this.scratch;
        short at;
        short file = (short) (row * ROW);
        FileView view = select(FILES[file], Util.getShort(FILES, (short) (file + 1)));
        boolean record = false;
        at = attribute(TAG_DESCRIPTOR);
        if (at >= 0 && scratch[(short) (at - 1)] >= 5) {
            record = true;
            at += 2;
        } else {
            at = attribute(TAG_SIZE); // two bytes or more, the last two count
            if (at < 0) {
                return;
            }
            at += (short) (scratch[(short) (at - 1)] - 2);
        }
        short size = Util.getShort(scratch, at);
        for (at = 0; at < size; at += CHUNK) {
            short length = (short) (size - at);
            if (length > CHUNK) {
                length = CHUNK;
            }
            if (record) {
                view.readRecord((short) 1, ABSOLUTE, at, scratch, (short) 0, length);
            } else {
                view.readBinary(at, scratch, (short) 0, length);
            }
            Util.arrayFillNonAtomic(scratch, CHUNK, length, (byte) 0xFF);
            if (at == 0) {
                byte form = FILES[(short) (file + 3)];
                short marks = (short) (form & 0x0F);
                short to = (short) (FILES[(short) (file + 4)] + CHUNK);
                Util.arrayCopyNonAtomic(MARKS, (short) (form >> 4), scratch, to, marks);
                if (marks >= PLMN) {
                    Util.arrayCopyNonAtomic(scratch, (short) (to - CHUNK - PLMN), scratch, (short) (to - PLMN), PLMN);
                }
            }
            if (Util.arrayCompare(scratch, (short) 0, scratch, CHUNK, length) != 0) {
                if (record) {
                    view.updateRecord((short) 1, ABSOLUTE, at, scratch, CHUNK, length);
                } else {
                    view.updateBinary(at, scratch, CHUNK, length);
                }
                changed(row);
            }
        }
    }
}
