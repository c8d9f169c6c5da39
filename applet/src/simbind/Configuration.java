package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * What values may be, digit by digit; E0 (§4), and how a template is taken apart. It arrives in STAGED as it is written. Its values are put over the defaults in ram, and
 * its canonical form is made in the bank that is not in force. Taking effect is to copy the values to data and to change banks: one
 * transaction. A bank is the length of the template (2) and the template itself.
 */
abstract class Configuration extends Memory {

    static final byte TAG_PATTERN = (byte) 0x81;
    static final byte TAG_RANGE = (byte) 0x82;
    static final byte TAG_POLICY = (byte) 0x83;

    static final byte OFF = 0x00;
    static final byte FIRST_INSERT = 0x01;
    static final byte PRESET = 0x02;

    // Policy, tag 83.
    static final byte ALLOW_NO_IMEI = 0x01;
    static final byte STRICT_START = 0x02;
    static final byte OPEN_IDENTITY = 0x04;
    static final byte EF_IPS = 0x08;
    static final byte KEEP_LOCATION = 0x10;
    static final byte OBSERVE = 0x20;

    // Features, E3 83.
    static final byte FEATURE_STRICT = 0x01;
    static final byte FEATURE_IMEISV = 0x02;
    static final byte FEATURE_EF_IPS = 0x04;

    /** Patterns and ranges together (E3 82). */
    static final byte CAPACITY = 16;

    /** Stands for any digit in a pattern, and behind the last one of an IMSI. */
    private static final short FILLER = 0x0F;

    /** The longest template that may be accepted: 16 ranges, every other object, and 8A. */
    static final short LONGEST = 287;

    /** Where the template begins in a bank. */
    static final short TEMPLATE = 2;

    /** The first object, the scheme, and where entries follow it in a bank while the template is made. */
    private static final short SCHEME_SIZE = 3;
    private static final short ENTRIES = TEMPLATE + 4 + SCHEME_SIZE;

    /** What holds before the first template, and what is absent in one: nothing is enforced. Behind it the version (E3). */
    private static final byte[] DEFAULT = {(byte) 0x80, 1, OFF, TAG_POLICY, 1, 0, (byte) 0x84, 9, 0, -1, -1, -1, -1, -1, -1, -1, -1,
        (byte) 0x85, 1, 0, (byte) 0x86, 1, 1, 1, 0, 1, CAPACITY, FEATURE_STRICT | FEATURE_IMEISV | FEATURE_EF_IPS};

    // What a value may be: a bit for each number from 0 to 6 when it has one byte; the nibble that may stand for digits, but not
    // everywhere; or as below.
    private static final byte DIGITS = -1; // no nibble: two IMEIs, the lower one first
    private static final byte ANY = -2;
    private static final byte POLICY_BITS = -3;

    private static final short ROW = 4;
    private static final byte ENTRY = -1;

    /** Objects of E0: tag, length, where the value goes in ram, what it may be. REFRESH 05 and 06 are not offered. */
    static final byte[] E0_OBJECTS = {
        (byte) 0x80, 1, (byte) SCHEME, 0x07,
        TAG_PATTERN, 7, ENTRY, 0x0F,
        TAG_RANGE, 14, ENTRY, DIGITS,
        TAG_POLICY, 1, (byte) POLICY, POLICY_BITS,
        (byte) 0x84, 9, (byte) DENIAL, ANY,
        (byte) 0x85, 1, (byte) QUALIFIER, 0x15,
        (byte) 0x86, 1, (byte) TERMINALS, 0x1E,
        (byte) 0x8A, 2, (byte) EXPECTED, ANY,
    };

    /** Objects of E2 (§6). */
    static final byte[] E2_OBJECTS = {
        (byte) 0x80, 1, (byte) ACTION, 0x7E,
        (byte) 0x81, 7, (byte) IMEI, 0,
        (byte) 0x8A, 2, (byte) EXPECTED, ANY,
    };

    final byte[] staged = new byte[LONGEST];
    private final byte[] first = new byte[(short) (TEMPLATE + LONGEST)];
    private final byte[] second = new byte[(short) (TEMPLATE + LONGEST)];

    Configuration() {
        Util.arrayCopy(DEFAULT, (short) 0, data, CONFIGURATION, (short) DEFAULT.length);
        short at = RETIRED;
        do {
            at = Util.arrayCopy(data, DENIAL, data, at, IMSI_SIZE);
        } while (at != RETIRED_END);
    }

    /** The bank in force, or with 1 the other one, where an accepted template is made. */
    byte[] bank(byte other) {
        return data[ACTIVE] == other ? first : second;
    }

    /** 0 when the policy in force has none of the bits. */
    short has(byte policy) {
        return (short) (data[POLICY] & policy);
    }

    static void wrong() {
        ISOException.throwIt(ISO7816.SW_WRONG_DATA);
    }

    /**
     * 0 when a pattern or a range admits the IMEI in ram (S5), else 1; when there are none, what of that. A pattern is the lowest and
     * the highest at once.
     */
    short admits(short none) {
        byte[] bank = bank((byte) 0);
        short at = (short) (value(bank, TEMPLATE) + SCHEME_SIZE);
        while (bank[at] != TAG_POLICY) {
            short lowest = (short) (at + 2);
            at = (short) (lowest + bank[(short) (at + 1)]);
            if (compare(bank, lowest, ram, IMEI) <= 0
                    && compare(bank, (short) (at - IMEI_SIZE), ram, IMEI) >= 0) {
                return 0;
            }
            none = 1;
        }
        return none;
    }

    /**
     * Puts the values of the staged template, whose objects begin at at and end at end, to their places in ram; 6A80 when an object is not in the table, stands
     * twice, has another length or a value out of range, or when 80 is missing; 6A84 for too many entries. Entries with the tag are
     * copied into the bank that is not in force, in the order they were written; gives where they end.
     */
    short parse(short at, byte[] table, short end, byte tag, short to) {
        byte[] staged = this.staged;
        short seen = 0;
        short entries = 0;
        while (at < end) {
            short row = 0;
            while (table[row] != staged[at]) {
                row += ROW;
                if (row == (short) table.length) {
                    wrong();
                }
            }
            byte length = table[(short) (row + 1)];
            at += 2;
            short next = (short) (at + length);
            if (next > end || staged[(short) (at - 1)] != length || !allowed(at, length, table[(short) (row + 3)])) {
                wrong();
            }
            byte place = table[(short) (row + 2)];
            if (place == ENTRY) {
                entries++;
                if (table[row] == tag) {
                    to = Util.arrayCopyNonAtomic(staged, (short) (at - 2), bank((byte) 1), to, (short) (length + 2));
                }
            } else {
                short bit = (short) (1 << (row >> 2));
                if ((seen & bit) != 0) {
                    wrong();
                }
                seen |= bit;
                Util.arrayCopyNonAtomic(staged, at, ram, place, length);
            }
            at = next;
        }
        if ((seen & 1) == 0) {
            wrong();
        }
        if (entries > CAPACITY) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        return to;
    }

    private boolean allowed(short at, byte length, byte kind) {
        if (length == 1) {
            byte v = staged[at];
            return (v & (byte) 0xC0) == 0 && (kind == POLICY_BITS || v < 8 && (kind >> v & 1) != 0);
        }
        return kind == ANY || are(staged, at, (short) (length + length), kind)
                && (kind != DIGITS || compare(staged, at, staged, (short) (at + IMEI_SIZE)) <= 0);
    }

    /**
     * Refuses the staged template E0 when it is none, 6A80 or 6A84 for too many entries, and makes its canonical form. It is read
     * twice: its values and patterns, then its ranges.
     */
    void accept(short at, short end) {
        byte[] ram = this.ram;
        byte[] bank = bank((byte) 1);
        Util.arrayCopyNonAtomic(DEFAULT, (short) 0, ram, CONFIGURATION, CONFIGURATION_SIZE);
        short to = parse(at, E0_OBJECTS, end, TAG_PATTERN, ENTRIES);
        to = parse(at, E0_OBJECTS, end, TAG_RANGE, to);
        // What one object alone does not show (§4, §7): the kept location, or a hidden start, would let a foreign terminal in.
        byte policy = ram[POLICY];
        if (ram[SCHEME] == PRESET && to == ENTRIES
                || (policy & (STRICT_START | KEEP_LOCATION)) != 0 && plausible(ram, DENIAL)
                || (policy & STRICT_START) != 0 && (data[FEATURES] & FEATURE_STRICT) == 0) {
            wrong();
        }
        Util.arrayCopyNonAtomic(ram, CONFIGURATION, bank, (short) (ENTRIES - SCHEME_SIZE), SCHEME_SIZE);
        to = Util.arrayCopyNonAtomic(ram, (short) (CONFIGURATION + SCHEME_SIZE), bank, to, (short) (CONFIGURATION_SIZE - SCHEME_SIZE));
        Util.setShort(bank, (short) 0, (short) (close(bank, TEMPLATE, to, (byte) 0xE0) - TEMPLATE));
    }

    /** Writes tag and length in front of a value that begins four bytes behind at and ends at end; gives the new end. */
    static short close(byte[] b, short at, short end, byte tag) {
        end -= (short) (at + 4);
        return Util.arrayCopyNonAtomic(b, (short) (at + 4), b, head(b, at, end, tag), end);
    }

    /** Writes tag and length, in its shortest form; gives where the value begins. */
    static short head(byte[] b, short at, short length, byte tag) {
        b[at] = tag;
        b[(short) (at + 1)] = length > 0xFF ? (byte) 0x82 : length > 0x7F ? (byte) 0x81 : (byte) length;
        b[(short) (at + 2)] = 1; // of two bytes; else it is written over
        at = value(b, at);
        b[(short) (at - 1)] = (byte) length;
        return at;
    }

    /** Where the value of the object begins. */
    static short value(byte[] b, short at) {
        byte form = b[(short) (at + 1)];
        at += 2;
        return form < 0 ? (short) (at + (form & 3)) : at;
    }

    /** The nth nibble from a place on, the high one of a byte first. */
    private static short nibble(byte[] b, short at, short n) {
        return (short) (b[(short) (at + (n >> 1))] >> (short) (~n << 2 & 4) & 0x0F);
    }

    /** Whether so many nibbles are digits or equal to other, and not all of them other. */
    static boolean are(byte[] b, short at, short count, short other) {
        boolean found = false;
        do {
            short x = nibble(b, at, --count);
            if (x != other) {
                if (x > 9) {
                    return false;
                }
                found = true;
            }
        } while (count != 0);
        return found;
    }

    /**
     * Compares two IMEIs digit by digit: above 0 when the first is the greater one, below 0 when the second is. Where the first has
     * the filler any digit is right: 0 when a pattern admits an IMEI.
     */
    private static short compare(byte[] a, short aAt, byte[] b, short bAt) {
        short n = 0;
        do {
            short x = nibble(a, aAt, n);
            if (x != FILLER) {
                x -= nibble(b, bAt, n);
                if (x != 0) {
                    return x;
                }
            }
        } while (++n < 14);
        return 0;
    }

    /**
     * Whether the content of EF_IMSI may be a subscriber's (§1): length byte 4 to 8, a parity nibble that agrees with the count, 6 to
     * 15 decimal digits, then F. The low nibble of a byte comes first; the first digit is nibble 3 of the content.
     */
    static boolean plausible(byte[] b, short at) {
        short n = nibble(b, at, (short) 3);
        short last = (short) (b[at] * 2 + (n >> 3)); // one more when it is odd
        if ((n & 7) != 1 || last < 8 || last > 17) {
            return false;
        }
        n = 17;
        do {
            short x = nibble(b, at, (short) (n ^ 1));
            if (n <= last ? x > 9 : x != FILLER) {
                return false;
            }
        } while (--n != 2);
        return true;
    }
}
