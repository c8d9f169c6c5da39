package simbind;

/**
 * Digits, two a byte. An IMEI is TAC and SNR, 14 digits in 7 bytes, first digit high (§0, TS 23.003 clause 6); the check digit is
 * never looked at. EF_IMSI (TS 31.102 clause 4.2.2) has 9 bytes.
 */
final class Digits {

    static final short IMEI = 7;
    static final short IMSI = 9;

    /** Stands for any digit in a pattern, and behind the last one of an IMSI. */
    static final short FILLER = 0x0F;

    /** No nibble. */
    static final byte NONE = -1;

    private Digits() {
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
    static short compare(byte[] a, short aAt, byte[] b, short bAt) {
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
