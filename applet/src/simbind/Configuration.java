package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * E0 (§4). Two banks hold a template each, as it was written: the one in force, and the one where the next template
 * arrives. Taking effect is one byte, ACTIVE; what is absent in a template is its default when it is read.
 */
final class Configuration {

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
    static final byte STRICT = 0x02;
    static final byte OPEN_IDENTITY = 0x04;
    static final byte EF_IPS = 0x08;
    static final byte KEEP_LOCATION = 0x10;
    static final byte OBSERVE = 0x20;
    private static final short RESERVED = 0xC0;

    /** Patterns and ranges together (E3 82). */
    static final byte CAPACITY = 16;

    /** The longest template: 16 ranges and every other object. */
    static final short BANK = 288;

    static final byte[] DEFAULT_DENIAL = {0x00, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF,
        (byte) 0xFF, (byte) 0xFF};

    private final Memory memory;
    private final byte[] first = new byte[BANK];
    private final byte[] second = new byte[BANK];

    Configuration(Memory memory) {
        this.memory = memory;
    }

    /** The template in force, null before the first. */
    byte[] active() {
        byte bank = memory.data[Memory.ACTIVE];
        return bank == 0 ? null : bank == 1 ? first : second;
    }

    /** Where the next template arrives. */
    byte[] staged() {
        return memory.data[Memory.ACTIVE] == 1 ? second : first;
    }

    /** Lets the staged template take effect, inside a transaction. */
    void activate() {
        memory.put(Memory.ACTIVE, memory.data[Memory.ACTIVE] == 1 ? (byte) 2 : (byte) 1);
    }

    static byte get(byte[] bank, byte tag, byte absent) {
        short at = bank == null ? (short) -1 : Reader.find(bank, (short) 0, tag, (short) 0);
        return at < 0 ? absent : bank[at];
    }

    static byte scheme(byte[] bank) {
        return get(bank, TAG_SCHEME, OFF);
    }

    static byte terminals(byte[] bank) {
        return get(bank, TAG_TERMINALS, (byte) 1);
    }

    static boolean has(byte[] bank, byte policy) {
        return (get(bank, TAG_POLICY, (byte) 0) & policy) != 0;
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

    /** Where the denial value stands, -1 when it is the default. */
    private static short denial(byte[] bank) {
        return bank == null ? (short) -1 : Reader.find(bank, (short) 0, TAG_DENIAL, (short) 0);
    }

    static void copyDenial(byte[] bank, byte[] to, short at) {
        short from = denial(bank);
        if (from < 0) {
            Util.arrayCopyNonAtomic(DEFAULT_DENIAL, (short) 0, to, at, Imsi.SIZE);
        } else {
            Util.arrayCopyNonAtomic(bank, from, to, at, Imsi.SIZE);
        }
    }

    /** Whether the value is the denial value of the template. */
    static boolean denies(byte[] bank, byte[] b, short at) {
        short from = denial(bank);
        return from < 0 ? Memory.same(DEFAULT_DENIAL, (short) 0, b, at, Imsi.SIZE) : Memory.same(bank, from, b, at, Imsi.SIZE);
    }

    static boolean plausibleDenial(byte[] bank) {
        short at = denial(bank);
        return at >= 0 && Imsi.plausible(bank, at);
    }

    /** Whether patterns or ranges name the terminals. */
    boolean narrowed() {
        byte[] bank = active();
        return Reader.find(bank, (short) 0, TAG_PATTERN, (short) 0) >= 0 || Reader.find(bank, (short) 0, TAG_RANGE, (short) 0) >= 0;
    }

    /** Whether a pattern or a range admits the IMEI (S5). */
    boolean admits(byte[] imei, short imeiAt) {
        byte[] bank = active();
        short at;
        for (short n = 0; (at = Reader.find(bank, (short) 0, TAG_PATTERN, n)) >= 0; n++) {
            if (Imei.matches(bank, at, imei, imeiAt)) {
                return true;
            }
        }
        for (short n = 0; (at = Reader.find(bank, (short) 0, TAG_RANGE, n)) >= 0; n++) {
            if (!Imei.above(bank, at, imei, imeiAt) && !Imei.above(imei, imeiAt, bank, (short) (at + Imei.SIZE))) {
                return true;
            }
        }
        return false;
    }

    /** Whether two templates say the same. */
    static boolean same(byte[] a, byte[] b) {
        short denial = denial(b);
        return denies(a, denial < 0 ? DEFAULT_DENIAL : b, denial < 0 ? (short) 0 : denial)
                && scheme(a) == scheme(b) && get(a, TAG_POLICY, (byte) 0) == get(b, TAG_POLICY, (byte) 0)
                && get(a, TAG_REFRESH, (byte) 0) == get(b, TAG_REFRESH, (byte) 0) && terminals(a) == terminals(b)
                && sameEntries(a, b, TAG_PATTERN) && sameEntries(a, b, TAG_RANGE);
    }

    private static boolean sameEntries(byte[] a, byte[] b, byte tag) {
        for (short n = 0;; n++) {
            short x = Reader.find(a, (short) 0, tag, n);
            short y = Reader.find(b, (short) 0, tag, n);
            if (x < 0 || y < 0) {
                return x == y;
            }
            if (!Memory.same(a, x, b, y, a[(short) (x - 1)])) {
                return false;
            }
        }
    }

    /** Refuses a template E0 that is not one: 6A80, or 6A84 for too many entries. Its length is already right. */
    static void check(byte[] bank, byte features) {
        short at = Reader.value(bank, (short) 0);
        short end = (short) (at + Reader.length(bank, (short) 0));
        short seen = 0;
        short entries = 0;
        while (at < end) {
            short value = Reader.inside(bank, at, end);
            byte tag = bank[at];
            byte length = bank[(short) (at + 1)];
            if (tag == TAG_PATTERN || tag == TAG_RANGE) {
                entries++;
            } else {
                seen = Reader.once(seen, tag);
            }
            if (!fits(bank, tag, value, length)) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            at = (short) (value + length);
        }
        if ((seen & 1) == 0 || !consistent(bank, features, entries)) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        if (entries > CAPACITY) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
    }

    /** Whether the tag is known, and length and value in range. */
    private static boolean fits(byte[] b, byte tag, short at, byte length) {
        byte v = length == 0 ? (byte) 0 : b[at];
        switch (tag) {
            case TAG_PATTERN:
                return length == Imei.SIZE && Imei.pattern(b, at);
            case TAG_RANGE:
                return length == 14 && Imei.digits(b, at, (short) 14) && !Imei.above(b, at, b, (short) (at + Imei.SIZE));
            case TAG_DENIAL:
                return length == Imsi.SIZE;
            case TAG_GENERATION:
                return length == 2;
            case TAG_SCHEME:
                return length == 1 && v >= OFF && v <= PRESET;
            case TAG_POLICY:
                return length == 1 && (v & RESERVED) == 0;
            case TAG_REFRESH:
                return length == 1 && (v == 0x00 || v == 0x02 || v == 0x04 || v == 0x05 || v == 0x06);
            case TAG_TERMINALS:
                return length == 1 && v >= 1 && v <= 4;
            default:
                return false;
        }
    }

    /** What one object alone does not show (§4, §7). */
    private static boolean consistent(byte[] bank, byte features, short entries) {
        if (scheme(bank) == PRESET && entries == 0) {
            return false;
        }
        if (plausibleDenial(bank) && has(bank, (byte) (STRICT | KEEP_LOCATION))) {
            return false; // the kept location would let a foreign terminal in
        }
        return !(has(bank, STRICT) && (features & Report.FEATURE_STRICT) == 0)
                && !(get(bank, TAG_REFRESH, (byte) 0) > 4 && (features & Report.FEATURE_REFRESH_RESET) == 0);
    }
}
