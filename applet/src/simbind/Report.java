package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What the applet tells: the answer to SELECT (§2), and the objects of GET DATA (§3): E0, E1 (§5), E3 and E4 (§7). */
class Report extends Change {

    /** An answer is built here in the command buffer. */
    static final short START = 0;

    /** Bytes of an object that one GET DATA answers. */
    static final short PART = 200;

    private static final byte E0 = (byte) 0xE0;
    private static final byte E1 = (byte) 0xE1;
    private static final byte E3 = (byte) 0xE3;
    private static final byte E4 = (byte) 0xE4;

    private static short put(byte[] b, short at, byte tag, byte[] from, short offset, short length) {
        b[at] = tag;
        b[(short) (at + 1)] = (byte) length;
        return Util.arrayCopyNonAtomic(from, offset, b, (short) (at + 2), length);
    }

    private static short put(byte[] b, short at, byte tag, byte value) {
        b[at] = tag;
        b[(short) (at + 1)] = 1;
        b[(short) (at + 2)] = value;
        return (short) (at + 3);
    }

    /** Writes tag and length in front of a value that begins three bytes behind at and ends at end; gives the new end. */
    private static short close(byte[] b, short at, byte tag, short end) {
        short length = (short) (end - at - 3);
        b[at] = tag;
        if (length > 0x7F) {
            b[(short) (at + 1)] = (byte) 0x81;
            b[(short) (at + 2)] = (byte) length;
            return end;
        }
        b[(short) (at + 1)] = (byte) length;
        return Util.arrayCopyNonAtomic(b, (short) (at + 3), b, (short) (at + 2), length);
    }

    /** The answer to SELECT: AID, maximum command data, information, open state. Gives its length. */
    short selection(byte[] b) {
        short inner = (short) (START + 3);
        b[inner] = (byte) 0x84;
        byte length = JCSystem.getAID().getBytes(b, (short) (inner + 2));
        b[(short) (inner + 1)] = length;
        inner = (short) (inner + 2 + length);
        short at = (short) (inner + 3);
        Util.setShort(b, at, (short) 0x9F65);
        Util.setShort(b, (short) (at + 2), (short) 0x01FF);
        at = information(b, (short) (at + 4));
        at = state(b, at, false);
        at = close(b, inner, (byte) 0xA5, at);
        return (short) (close(b, START, (byte) 0x6F, at) - START);
    }

    /** Part of an object: E0, E4 and the whole E1 only in a session. Gives its length. */
    short object(byte[] b, byte tag, byte part, boolean session) {
        if (tag != E0 && tag != E1 && tag != E3 && tag != E4) {
            ISOException.throwIt(Commands.SW_NOT_FOUND);
        }
        if (!session && (tag == E0 || tag == E4)) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        if (tag == E0 && generation() != 0 && part >= 0 && part <= 1) {
            return window(b, part == 0 ? (short) 0 : PART);
        }
        if (tag == E0 || part != 0) {
            ISOException.throwIt(Commands.SW_NOT_FOUND);
        }
        short end = tag == E1 ? state(b, START, session) : tag == E3 ? information(b, START) : logObject(b, START);
        return (short) (end - START);
    }

    private short information(byte[] b, short start) {
        short at = (short) (start + 3);
        Util.setShort(b, at, (short) 0x8002);
        Util.setShort(b, (short) (at + 2), (short) 0x0100); // applet version
        at = put(b, (short) (at + 4), (byte) 0x81, (byte) 0x01);
        at = put(b, at, (byte) 0x82, CAPACITY);
        at = put(b, at, (byte) 0x83, data[Memory.FEATURES]);
        if (data[Memory.ADF] != 0) {
            at = put(b, at, (byte) 0x84, data, (short) (Memory.ADF + 1), data[Memory.ADF]);
        }
        read();
        at = put(b, at, (byte) 0x85, ram[Memory.COPIES]);
        return close(b, start, E3, at);
    }

    /** E1, whole or the open view. */
    private short state(byte[] b, short start, boolean full) {
        read();
        byte standing = standing();
        short at = put(b, (short) (start + 3), (byte) 0x80, schemeState());
        byte reason = data[Memory.REASON];
        if (standing >= 0) {
            at = put(b, at, (byte) 0x81, standing);
        } else {
            reason = service130() ? Memory.SERVICE_130 : Memory.NOT_READABLE;
        }
        at = put(b, at, (byte) 0x82, data[Memory.DECISION]);
        at = identities(b, at, full || has(OPEN_IDENTITY));
        at = put(b, at, (byte) 0x85, data, Memory.COUNTERS, (short) 8);
        at = put(b, at, (byte) 0x86, data, Memory.GENERATION, (short) 2);
        at = backups(b, at, full);
        at = put(b, at, (byte) 0x89, reason);
        at = put(b, at, (byte) 0x90, policy(active()));
        at = pair(b, at, (byte) 0x91, Memory.ANSWER);
        at = pair(b, at, (byte) 0x92, Memory.REFRESHED);
        at = put(b, at, (byte) 0x93, data, Memory.RESETS, (short) 2);
        return close(b, start, E1, at);
    }

    /** Tag 80: 00 unconfigured, 01 off, 02 armed, 03 bound, 04 preset. */
    private byte schemeState() {
        if (generation() == 0) {
            return 0x00;
        }
        switch (scheme(active())) {
            case OFF:
                return 0x01;
            case PRESET:
                return 0x04;
            default:
                return data[Memory.BOUND] == 0 ? (byte) 0x02 : 0x03;
        }
    }

    /** Tag 81: 01 backup in every copy, 00 denial value, 02 something else, 03 copies differ; -1 when one cannot be read. */
    private byte standing() {
        byte there = ram[Memory.COPIES];
        if (there == 0 || ram[Memory.READABLE] != there) {
            return -1;
        }
        if (there != (Copies.USIM | Copies.GSM)) {
            return standing(there);
        }
        byte usim = standing(Copies.USIM);
        byte gsm = standing(Copies.GSM);
        if (usim == gsm && usim != 2) {
            return usim;
        }
        return Memory.same(ram, Memory.CONTENT, ram, Copies.content(Copies.GSM), Imsi.SIZE) ? (byte) 2 : (byte) 3;
    }

    private byte standing(byte copy) {
        if (denies(active(), ram, Copies.content(copy))) {
            return 0;
        }
        return holdsBackup(copy) ? (byte) 1 : (byte) 2;
    }

    /** Tags 83 and 84: whole, or the TAC alone. */
    private short identities(byte[] b, short at, boolean whole) {
        for (byte n = 0; n < data[Memory.BOUND]; n++) {
            at = identity(b, at, (byte) 0x83, Decision.place(n), whole);
        }
        if (data[Memory.LAST_IMEI] != 0) {
            at = identity(b, at, (byte) 0x84, (short) (Memory.LAST_IMEI + 1), whole);
        }
        return at;
    }

    private short identity(byte[] b, short at, byte tag, short from, boolean whole) {
        short end = put(b, at, tag, data, from, Imei.SIZE);
        if (!whole) {
            Util.arrayFillNonAtomic(b, (short) (end - 3), (short) 3, (byte) 0xFF);
        }
        return end;
    }

    private short backups(byte[] b, short at, boolean full) {
        byte held = hasBackup(Copies.USIM) ? Copies.USIM : 0;
        if (hasBackup(Copies.GSM)) {
            held |= Copies.GSM;
        }
        at = put(b, at, (byte) 0x87, held);
        if (full) {
            at = content(b, at, (byte) 0x88, Copies.backup(Copies.USIM));
            at = content(b, at, (byte) 0x95, Copies.backup(Copies.GSM));
            at = content(b, at, (byte) 0x96, Copies.replaced(Copies.USIM));
            at = content(b, at, (byte) 0x97, Copies.replaced(Copies.GSM));
        }
        return at;
    }

    private short content(byte[] b, short at, byte tag, short from) {
        return data[from] == 0 ? at : put(b, at, tag, data, from, Imsi.SIZE);
    }

    private short pair(byte[] b, short at, byte tag, short from) {
        return data[from] == 0 ? at : put(b, at, tag, data, (short) (from + 1), (short) 2);
    }

    private short logObject(byte[] b, short start) {
        short at = (short) (start + 3);
        for (short n = 0; n < Log.ENTRIES && data[logEntry(n)] != 0; n++) {
            at = put(b, at, (byte) 0x80, data, logEntry(n), Log.ENTRY);
        }
        return close(b, start, E4, at);
    }

    /** The bytes of E0 from a place on, at most PART: the bank holds it as it is read. */
    private short window(byte[] b, short from) {
        byte[] bank = active();
        short left = (short) (Util.getShort(bank, (short) 0) - from);
        if (left <= 0) {
            ISOException.throwIt(Commands.SW_NOT_FOUND);
        }
        if (left > PART) {
            left = PART;
        }
        Util.arrayCopyNonAtomic(bank, (short) (TEMPLATE + from), b, START, left);
        return left;
    }
}
