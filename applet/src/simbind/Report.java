package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What the applet tells: the answer to SELECT (§2), and the objects of GET DATA (§3): E0, E1 (§5), E3 and E4 (§7). */
abstract class Report extends Change {

    /** An answer is built here in the command buffer, so that its end is its length. */
    static final short START = 0;

    /** Bytes of an object that one GET DATA answers. */
    static final short PART = 200;

    private static final byte E0 = (byte) 0xE0;
    private static final byte E1 = (byte) 0xE1;
    private static final byte E3 = (byte) 0xE3;
    private static final byte E4 = (byte) 0xE4;

    // How an object is told, beside the length of its value, 0 for the byte in front of it.
    private static final byte LENGTH = 0x0F;
    private static final byte TOLD = 0x10; // absent when the byte in front is 0
    private static final byte BACKED = 0x20; // absent when its first byte is 0, and in the open view
    private static final byte IDENTITY = 0x40; // an IMEI, of which the open view may have the TAC alone; without TOLD a bound one
    private static final byte WORKED_OUT = (byte) 0x80; // stands in ram

    private static final short ROW = 3;

    /** Objects of E1: tag, how it is told, where it stands. */
    private static final byte[] STATE_OBJECTS = {
        (byte) 0x80, WORKED_OUT | 1, (byte) SHOWN,
        (byte) 0x81, WORKED_OUT | TOLD | 1, (byte) (SHOWN + 2),
        (byte) 0x82, 1, (byte) DECISION,
        (byte) 0x83, IDENTITY | 7, (byte) (BOUND + 1),
        (byte) 0x83, IDENTITY | 7, (byte) (BOUND + 8),
        (byte) 0x83, IDENTITY | 7, (byte) (BOUND + 15),
        (byte) 0x83, IDENTITY | 7, (byte) (BOUND + 22),
        (byte) 0x84, IDENTITY | TOLD | 7, (byte) (LAST_IMEI + 1),
        (byte) 0x85, 8, (byte) COUNTERS,
        (byte) 0x86, 2, (byte) GENERATION,
        (byte) 0x87, WORKED_OUT | 1, (byte) (SHOWN + 3),
        (byte) 0x88, BACKED | 9, (byte) USIM,
        (byte) 0x95, BACKED | 9, (byte) GSM,
        (byte) 0x96, BACKED | 9, (byte) (USIM + REPLACED),
        (byte) 0x97, BACKED | 9, (byte) (GSM + REPLACED),
        (byte) 0x89, WORKED_OUT | 1, (byte) (SHOWN + 4),
        (byte) 0x90, 1, (byte) POLICY,
        (byte) 0x91, TOLD | 2, (byte) (ANSWER + 1),
        (byte) 0x92, TOLD | 2, (byte) (REFRESHED + 1),
        (byte) 0x93, 2, (byte) RESETS,
    };

    /** Objects of E3. */
    private static final byte[] INFORMATION_OBJECTS = {
        (byte) 0x80, 2, (byte) VERSION,
        (byte) 0x81, 1, (byte) (VERSION + 2),
        (byte) 0x82, 1, (byte) (VERSION + 3),
        (byte) 0x83, 1, (byte) FEATURES,
        (byte) 0x84, TOLD, (byte) (ADF + 1),
        (byte) 0x85, WORKED_OUT | 1, (byte) (SHOWN + 5),
    };

    /** Tells an object of objects by its table, as a whole or, full being 0, in the open view; gives the end. */
    private short tell(byte[] b, short start, byte[] table, short full, byte tag) {
        short at = (short) (start + 4);
        short row = 0;
        do {
            byte how = table[(short) (row + 1)];
            short from = (short) (table[(short) (row + 2)] & 0xFF);
            byte[] values = how < 0 ? ram : data;
            if ((how & TOLD) != 0 ? values[(short) (from - 1)] != 0 : (how & IDENTITY) != 0 ? from < place(data[BOUND])
                    : (how & BACKED) == 0 || full != 0 && values[from] != 0) {
                short length = (short) (how & LENGTH);
                if (length == 0) {
                    length = values[(short) (from - 1)];
                }
                at = Util.arrayCopyNonAtomic(values, from, b, Util.setShort(b, at, (short) (table[row] << 8 | length)), length);
                if ((how & IDENTITY) != 0 && full == 0 && has(OPEN_IDENTITY) == 0) {
                    Util.arrayFillNonAtomic(b, (short) (at - 3), (short) 3, (byte) 0xFF);
                }
            }
            row += ROW;
        } while (row < (short) table.length);
        return close(b, start, at, tag);
    }

    /** The answer to SELECT: AID, maximum command data, information, open state. Gives its length. */
    short selection(byte[] b) {
        short inner = JCSystem.getAID().getBytes(b, (short) (START + 6));
        Util.setShort(b, (short) (START + 4), (short) ((short) 0x8400 | inner));
        inner += START + 6;
        short at = Util.setShort(b, (short) (inner + 4), (short) 0x9F65);
        at = Util.setShort(b, at, (short) 0x01FF);
        at = state(b, information(b, at), (short) 0);
        at = close(b, inner, at, (byte) 0xA5);
        return close(b, START, at, (byte) 0x6F);
    }

    /** Part of an object: E0, E4 and the whole E1 only in a session, which is not 0 then. Gives its length. */
    short object(byte[] b, byte tag, byte part, short session) {
        if (session == 0 && (tag == E0 || tag == E4)) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        if (tag == E0 && part >= 0) { // the bank holds it as it is read, empty before the first
            byte[] bank = bank((byte) 0);
            short from = (short) (part * PART);
            short left = (short) (Util.getShort(bank, (short) 0) - from);
            if (left > 0) {
                return Util.arrayCopyNonAtomic(bank, (short) (TEMPLATE + from), b, START, left > PART ? PART : left);
            }
        }
        if (part == 0) {
            if (tag == E1) {
                return state(b, START, session);
            }
            if (tag == E3) {
                return information(b, START);
            }
            if (tag == E4) {
                short at = START + 4;
                short n = 0;
                do {
                    short entry = logEntry(n);
                    if (data[entry] != 0) {
                        at = Util.arrayCopyNonAtomic(data, entry, b, Util.setShort(b, at, (short) ((short) 0x8000 | ENTRY)), ENTRY);
                    }
                } while (++n < ENTRIES_LOGGED);
                return close(b, START, at, E4);
            }
        }
        ISOException.throwIt(BindingApplet.SW_NOT_FOUND);
        return 0;
    }

    private short information(byte[] b, short start) {
        read();
        ram[SHOWN + 5] = (byte) (seen(USIM) & 1 | (seen(GSM) & 1) << 1);
        return tell(b, start, INFORMATION_OBJECTS, (short) 0, E3);
    }

    /** E1, whole or the open view. */
    private short state(byte[] b, short start, short full) {
        read();
        byte[] ram = this.ram;
        byte standing = standing();
        ram[SHOWN + 1] = (byte) (standing + 1);
        ram[SHOWN + 2] = standing;
        ram[SHOWN + 3] = (byte) ((data[USIM] == 0 ? 0 : 1) | (data[GSM] == 0 ? 0 : 2));
        ram[SHOWN + 4] = standing >= 0 ? data[REASON] : unreadable();
        // 00 unconfigured, 01 off, 02 armed, 03 bound, 04 preset; nothing is bound but in first-insert
        ram[SHOWN] = generation() == 0 ? 0 : (byte) ((1 << data[SCHEME]) + (data[BOUND] == 0 ? 0 : 1));
        return tell(b, start, STATE_OBJECTS, full, E1);
    }

    /** Tag 81: 01 backup in every copy, 00 denial value, 02 something else, 03 copies differ; -1 when one cannot be read. */
    private byte standing() {
        byte all = -1;
        short copy = USIM;
        do {
            short seen = seen(copy);
            if (seen != 0) {
                if ((seen & READ) == 0) {
                    return -1;
                }
                byte one = compare(copy, data, DENIAL) == 0 ? (byte) 0 : (seen & (BACKED | BACKUP << OTHER)) == BACKED ? (byte) 1 : 2;
                if (all >= 0 && (one != all || one == 2)) {
                    one = compare(GSM, ram, USIM) == 0 ? (byte) 2 : 3;
                }
                all = one;
            }
        } while ((copy ^= GSM) != 0);
        return all;
    }
}
