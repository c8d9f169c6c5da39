package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What the applet tells: the answer to SELECT (§2), and the objects of GET DATA (§3): E0, E1 (§5), E3 and E4 (§7). */
final class Report {

    /** An answer is built here in the command buffer; the room before it takes what a window of E0 cuts off. */
    static final short START = 20;

    /** Bytes of an object that one GET DATA answers. */
    static final short PART = 200;

    // Features, E3 83.
    static final byte FEATURE_STRICT = 0x01;
    static final byte FEATURE_IMEISV = 0x02;
    static final byte FEATURE_EF_IPS = 0x04;
    static final byte FEATURE_REFRESH_RESET = 0x10;

    private static final byte E0 = (byte) 0xE0;
    private static final byte E1 = (byte) 0xE1;
    private static final byte E3 = (byte) 0xE3;
    private static final byte E4 = (byte) 0xE4;

    private static final short NOWHERE = 0x4000; // a window no object reaches

    private final Memory memory;
    private final byte[] ram;
    private final byte[] data;
    private final Configuration configuration;
    private final Files files;
    private final Copies copies;
    private final Log log;

    Report(Memory memory, Configuration configuration, Files files, Copies copies, Log log) {
        this.memory = memory;
        this.configuration = configuration;
        this.files = files;
        this.copies = copies;
        this.log = log;
        ram = memory.ram;
        data = memory.data;
    }

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
        if (tag == E0 && configuration.active() != null && part >= 0 && part <= 1) {
            return window(b, part == 0 ? (short) 0 : PART);
        }
        if (tag == E0 || part != 0) {
            ISOException.throwIt(Commands.SW_NOT_FOUND);
        }
        short end = tag == E1 ? state(b, START, session) : tag == E3 ? information(b, START) : log(b, START);
        return (short) (end - START);
    }

    private short information(byte[] b, short start) {
        short at = (short) (start + 3);
        Util.setShort(b, at, (short) 0x8002);
        Util.setShort(b, (short) (at + 2), (short) 0x0100); // applet version
        at = put(b, (short) (at + 4), (byte) 0x81, (byte) 0x01);
        at = put(b, at, (byte) 0x82, Configuration.CAPACITY);
        at = put(b, at, (byte) 0x83, data[Memory.FEATURES]);
        if (data[Memory.ADF] != 0) {
            at = put(b, at, (byte) 0x84, data, (short) (Memory.ADF + 1), data[Memory.ADF]);
        }
        copies.read();
        at = put(b, at, (byte) 0x85, ram[Memory.COPIES]);
        return close(b, start, E3, at);
    }

    /** E1, whole or the open view. */
    private short state(byte[] b, short start, boolean full) {
        copies.read();
        byte standing = standing();
        short at = put(b, (short) (start + 3), (byte) 0x80, scheme());
        byte reason = data[Memory.REASON];
        if (standing >= 0) {
            at = put(b, at, (byte) 0x81, standing);
        } else {
            reason = files.service130() ? Memory.SERVICE_130 : Memory.NOT_READABLE;
        }
        at = put(b, at, (byte) 0x82, data[Memory.DECISION]);
        at = identities(b, at, full || configuration.has(Configuration.OPEN_IDENTITY));
        at = put(b, at, (byte) 0x85, data, Memory.COUNTERS, (short) 8);
        at = put(b, at, (byte) 0x86, data, Memory.GENERATION, (short) 2);
        at = backups(b, at, full);
        at = put(b, at, (byte) 0x89, reason);
        at = put(b, at, (byte) 0x90, Configuration.get(configuration.active(), Configuration.TAG_POLICY, (byte) 0));
        at = pair(b, at, (byte) 0x91, Memory.ANSWER);
        at = pair(b, at, (byte) 0x92, Memory.REFRESHED);
        at = put(b, at, (byte) 0x93, data, Memory.RESETS, (short) 2);
        return close(b, start, E1, at);
    }

    /** Tag 80: 00 unconfigured, 01 off, 02 armed, 03 bound, 04 preset. */
    private byte scheme() {
        byte[] active = configuration.active();
        if (active == null) {
            return 0x00;
        }
        switch (Configuration.scheme(active)) {
            case Configuration.OFF:
                return 0x01;
            case Configuration.PRESET:
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
        boolean alike = usim == gsm && (usim != 2 || Memory.same(ram, Memory.CONTENT, ram, Copies.content(Copies.GSM), Imsi.SIZE));
        return alike ? usim : (byte) 3;
    }

    private byte standing(byte copy) {
        if (Configuration.denies(configuration.active(), ram, Copies.content(copy))) {
            return 0;
        }
        return copies.holdsBackup(copy) ? (byte) 1 : (byte) 2;
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
        byte held = copies.hasBackup(Copies.USIM) ? Copies.USIM : 0;
        if (copies.hasBackup(Copies.GSM)) {
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

    private short log(byte[] b, short start) {
        short at = (short) (start + 3);
        for (short n = 0; n < Log.ENTRIES && data[log.entry(n)] != 0; n++) {
            at = put(b, at, (byte) 0x80, data, log.entry(n), Log.ENTRY);
        }
        return close(b, start, E4, at);
    }

    /** The bytes of E0 from a place on, at most PART. Objects are at most 16 bytes, so that one cut by the window fits before START. */
    private short window(byte[] b, short from) {
        short length = canonical(b, (short) 0, NOWHERE);
        short at = header(b, length); // a later window writes over it
        short end = canonical(b, at, from);
        short left = (short) (end - from);
        if (left <= 0) {
            ISOException.throwIt(Commands.SW_NOT_FOUND);
        }
        return left < PART ? left : PART;
    }

    /** Writes tag and length of E0 and gives the place of the value. */
    private static short header(byte[] b, short length) {
        b[START] = E0;
        if (length <= 0x7F) {
            b[(short) (START + 1)] = (byte) length;
            return 2;
        }
        if (length <= 0xFF) {
            b[(short) (START + 1)] = (byte) 0x81;
            b[(short) (START + 2)] = (byte) length;
            return 3;
        }
        b[(short) (START + 1)] = (byte) 0x82;
        Util.setShort(b, (short) (START + 2), length);
        return 4;
    }

    /** Puts every object of the canonical form (§4) from a place on; gives the place behind it. */
    private short canonical(byte[] b, short place, short from) {
        byte[] active = configuration.active();
        place = single(b, place, from, Configuration.TAG_SCHEME, (byte) 0);
        place = entries(b, place, from, Configuration.TAG_PATTERN);
        place = entries(b, place, from, Configuration.TAG_RANGE);
        place = single(b, place, from, Configuration.TAG_POLICY, (byte) 0);
        Configuration.copyDenial(active, ram, Memory.SCRATCH);
        place = piece(b, place, from, Configuration.TAG_DENIAL, ram, Memory.SCRATCH, Imsi.SIZE);
        place = single(b, place, from, Configuration.TAG_REFRESH, (byte) 0);
        return single(b, place, from, Configuration.TAG_TERMINALS, (byte) 1);
    }

    private short single(byte[] b, short place, short from, byte tag, byte absent) {
        ram[Memory.SCRATCH] = Configuration.get(configuration.active(), tag, absent);
        return piece(b, place, from, tag, ram, Memory.SCRATCH, (short) 1);
    }

    private short entries(byte[] b, short place, short from, byte tag) {
        byte[] active = configuration.active();
        short at;
        for (short n = 0; (at = Reader.find(active, (short) 0, tag, n)) >= 0; n++) {
            place = piece(b, place, from, tag, active, at, active[(short) (at - 1)]);
        }
        return place;
    }

    /** Puts one object when the window touches it. */
    private static short piece(byte[] b, short place, short from, byte tag, byte[] source, short offset, short length) {
        short at = (short) (START + place - from);
        if (at >= 0 && at < (short) (START + PART)) {
            put(b, at, tag, source, offset, length);
        }
        return (short) (place + 2 + length);
    }
}
