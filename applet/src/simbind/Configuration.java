package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * E0 (§4). A template arrives in STAGED as it is written. When it is accepted its canonical form is made in the bank that is
 * not in force, and taking effect is one byte, ACTIVE. A bank is the length of the template (2) and the template itself, so that
 * scheme and entries stand in front and everything else at fixed places from its end.
 */
class Configuration extends Memory {

    static final byte TAG_SCHEME = (byte) 0x80;
    static final byte TAG_PATTERN = (byte) 0x81;
    static final byte TAG_RANGE = (byte) 0x82;
    static final byte TAG_POLICY = (byte) 0x83;
    static final byte TAG_DENIAL = (byte) 0x84;
    static final byte TAG_REFRESH = (byte) 0x85;
    static final byte TAG_TERMINALS = (byte) 0x86;
    static final byte TAG_GENERATION = (byte) 0x8A;

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
    private static final short RESERVED = 0xC0;

    // Features, E3 83.
    static final byte FEATURE_STRICT = 0x01;
    static final byte FEATURE_IMEISV = 0x02;
    static final byte FEATURE_EF_IPS = 0x04;

    /** Patterns and ranges together (E3 82). */
    static final byte CAPACITY = 16;

    /** The longest template that may be accepted: 16 ranges, every other object, and 8A. */
    static final short LONGEST = 287;

    /** Where the template begins in a bank. */
    static final short TEMPLATE = 2;

    // Places from the end of a bank.
    private static final short TAIL = 20; // 83 01 p 84 09 … 85 01 r 86 01 n
    private static final short POLICY = 18;
    private static final short DENIAL_VALUE = 15;
    private static final short QUALIFIER_VALUE = 4;
    private static final short TERMINALS = 1;

    /** What holds before the first template: nothing is enforced. Also what is absent in a template. */
    private static final byte[] DEFAULT_TAIL = {TAG_POLICY, 1, 0, TAG_DENIAL, 9, 0, -1, -1, -1, -1, -1, -1, -1, -1,
        TAG_REFRESH, 1, 0, TAG_TERMINALS, 1, 1};

    final byte[] staged = new byte[LONGEST];
    private final byte[] first = new byte[(short) (TEMPLATE + LONGEST)];
    private final byte[] second = new byte[(short) (TEMPLATE + LONGEST)];

    Configuration() {
        Util.setShort(staged, (short) 0, (short) 0xE003); // a template of the scheme off
        Util.setShort(staged, (short) 2, (short) 0x8001);
        compile();
        put(Memory.ACTIVE, (byte) 1);
    }

    byte[] active() {
        return data[Memory.ACTIVE] == 0 ? second : first;
    }

    /** The bank that is not in force: where an accepted template is compiled. */
    byte[] coming() {
        return data[Memory.ACTIVE] == 0 ? first : second;
    }

    /** Lets what is coming take effect, inside a transaction. */
    void activate() {
        put(Memory.ACTIVE, data[Memory.ACTIVE] == 0 ? (byte) 1 : (byte) 0);
    }

    private static short end(byte[] bank) {
        return (short) (TEMPLATE + Util.getShort(bank, (short) 0));
    }

    static byte scheme(byte[] bank) {
        return bank[(short) (Reader.value(bank, TEMPLATE) + 2)];
    }

    static boolean has(byte[] bank, byte policy) {
        return (policy(bank) & policy) != 0;
    }

    static byte policy(byte[] bank) {
        return bank[(short) (end(bank) - POLICY)];
    }

    /** Where the denial value stands. */
    static short denial(byte[] bank) {
        return (short) (end(bank) - DENIAL_VALUE);
    }

    static byte qualifier(byte[] bank) {
        return bank[(short) (end(bank) - QUALIFIER_VALUE)];
    }

    static byte terminals(byte[] bank) {
        return bank[(short) (end(bank) - TERMINALS)];
    }

    boolean has(byte policy) {
        return has(active(), policy);
    }

    /** Whether a terminal's IMEI decides. */
    boolean deciding() {
        return scheme(active()) != OFF;
    }

    /** Whether a decision changes EF_IMSI: not while it is only observed. */
    boolean enforcing() {
        return deciding() && !has(OBSERVE);
    }

    /** Whether the value is the denial value of the bank. */
    static boolean denies(byte[] bank, byte[] b, short at) {
        return same(bank, denial(bank), b, at, Imsi.SIZE);
    }

    static boolean plausibleDenial(byte[] bank) {
        return Imsi.plausible(bank, denial(bank));
    }

    /** Whether a pattern or a range admits the IMEI (S5); when there are none, what of that. */
    boolean admits(byte[] imei, short imeiAt, boolean none) {
        byte[] bank = active();
        short at = (short) (Reader.value(bank, TEMPLATE) + 3);
        if (bank[at] == TAG_POLICY) {
            return none;
        }
        for (; bank[at] != TAG_POLICY; at = (short) (at + 2 + bank[(short) (at + 1)])) {
            short low = (short) (at + 2);
            if (bank[at] == TAG_PATTERN ? Imei.matches(bank, low, imei, imeiAt)
                    : !Imei.above(bank, low, imei, imeiAt) && !Imei.above(imei, imeiAt, bank, (short) (low + Imei.SIZE))) {
                return true;
            }
        }
        return false;
    }

    /** Whether what is coming says the same as what is in force. */
    boolean unchanged() {
        byte[] active = active();
        return same(active, (short) 0, coming(), (short) 0, end(active));
    }

    /** Refuses the staged template E0 when it is none, 6A80 or 6A84 for too many entries, and compiles it. */
    void accept() {
        short at = Reader.value(staged, (short) 0);
        short end = (short) (at + Reader.length(staged, (short) 0));
        short seen = 0;
        short entries = 0;
        while (at < end) {
            short value = Reader.inside(staged, at, end);
            byte tag = staged[at];
            byte length = staged[(short) (at + 1)];
            if (tag == TAG_PATTERN || tag == TAG_RANGE) {
                entries++;
            } else {
                seen = Reader.once(seen, tag);
            }
            if (!fits(tag, value, length)) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            at = (short) (value + length);
        }
        if ((seen & 1) == 0) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        if (entries > CAPACITY) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        compile();
        if (!consistent(coming(), entries)) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
    }

    /** Whether the tag is known, and length and value in range. REFRESH 05 and 06 are a feature this applet does not offer. */
    private boolean fits(byte tag, short at, byte length) {
        byte[] b = staged;
        if (tag == TAG_PATTERN) {
            return length == Imei.SIZE && Imei.pattern(b, at);
        }
        if (tag == TAG_RANGE) {
            return length == 14 && Imei.digits(b, at, (short) 14) && !Imei.above(b, at, b, (short) (at + Imei.SIZE));
        }
        if (tag == TAG_DENIAL) {
            return length == Imsi.SIZE;
        }
        if (tag == TAG_GENERATION) {
            return length == 2;
        }
        if (length != 1) {
            return false;
        }
        byte v = b[at];
        switch (tag) {
            case TAG_SCHEME:
                return v >= OFF && v <= PRESET;
            case TAG_POLICY:
                return (v & RESERVED) == 0;
            case TAG_REFRESH:
                return v == 0 || v == 2 || v == 4;
            case TAG_TERMINALS:
                return v >= 1 && v <= 4;
            default:
                return false;
        }
    }

    /** What one object alone does not show (§4, §7): the kept location, or a hidden start, would let a foreign terminal in. */
    private boolean consistent(byte[] bank, short entries) {
        byte policy = policy(bank);
        return (scheme(bank) != PRESET || entries != 0)
                && ((policy & (STRICT_START | KEEP_LOCATION)) == 0 || !plausibleDenial(bank))
                && ((policy & STRICT_START) == 0 || (data[Memory.FEATURES] & FEATURE_STRICT) != 0);
    }

    /** Makes the canonical form of the staged template in the bank that is not in force. */
    private void compile() {
        byte[] bank = coming();
        short value = (short) (TEMPLATE + 4);
        short end = copy(bank, value, TAG_SCHEME);
        end = copy(bank, end, TAG_PATTERN);
        end = copy(bank, end, TAG_RANGE);
        end = Util.arrayCopyNonAtomic(DEFAULT_TAIL, (short) 0, bank, end, TAIL);
        end = close(bank, value, (short) (end - value));
        Util.setShort(bank, (short) 0, (short) (end - TEMPLATE));
        over(bank, (short) (end - POLICY), TAG_POLICY);
        over(bank, (short) (end - DENIAL_VALUE), TAG_DENIAL);
        over(bank, (short) (end - QUALIFIER_VALUE), TAG_REFRESH);
        over(bank, (short) (end - TERMINALS), TAG_TERMINALS);
    }

    /** Writes tag and length in their shortest form, and lets the value follow them; gives the end. */
    private static short close(byte[] bank, short value, short length) {
        short at = (short) (TEMPLATE + 1);
        bank[TEMPLATE] = (byte) 0xE0;
        if (length > 0xFF) {
            bank[at++] = (byte) 0x82;
            bank[at++] = 1;
        } else if (length > 0x7F) {
            bank[at++] = (byte) 0x81;
        }
        bank[at++] = (byte) length;
        return Util.arrayCopyNonAtomic(bank, value, bank, at, length);
    }

    /** Copies every object with the tag, in the order they were written; gives the end. */
    private short copy(byte[] bank, short end, byte tag) {
        short at;
        for (short n = 0; (at = Reader.find(staged, (short) 0, tag, n)) >= 0; n++) {
            end = Util.arrayCopyNonAtomic(staged, (short) (at - 2), bank, end, (short) (staged[(short) (at - 1)] + 2));
        }
        return end;
    }

    /** Copies a value over its default. */
    private void over(byte[] bank, short to, byte tag) {
        short at = Reader.find(staged, (short) 0, tag, (short) 0);
        if (at >= 0) {
            Util.arrayCopyNonAtomic(staged, at, bank, to, staged[(short) (at - 1)]);
        }
    }
}
