package simbind;

/** An IMEI: TAC and SNR, 14 digits in 7 bytes, first digit high (§0, TS 23.003 clause 6). The check digit is never looked at. */
final class Imei {

    static final short SIZE = 7;

    private Imei() {
    }

    static boolean decimal(byte b) {
        return (b & 0xF0) <= 0x90 && (b & 0x0F) <= 9;
    }

    /** Decimal digits alone. */
    static boolean digits(byte[] b, short at, short length) {
        for (short i = 0; i < length; i++) {
            if (!decimal(b[(short) (at + i)])) {
                return false;
            }
        }
        return true;
    }

    /** Decimal digits, not all 0. */
    static boolean valid(byte[] b, short at) {
        return digits(b, at, SIZE) && !filled(b, at, SIZE, (byte) 0);
    }

    static boolean filled(byte[] b, short at, short length, byte value) {
        for (short i = 0; i < length; i++) {
            if (b[(short) (at + i)] != value) {
                return false;
            }
        }
        return true;
    }

    /** A pattern: nibbles 0 to 9 or F, not all F (§4). */
    static boolean pattern(byte[] b, short at) {
        for (short i = 0; i < SIZE; i++) {
            byte x = b[(short) (at + i)];
            byte high = (byte) ((x >> 4) & 0x0F);
            byte low = (byte) (x & 0x0F);
            if (high > 9 && high != 0x0F || low > 9 && low != 0x0F) {
                return false;
            }
        }
        return !filled(b, at, SIZE, (byte) 0xFF);
    }

    /** Whether a pattern admits the IMEI: F matches any digit. */
    static boolean matches(byte[] pattern, short at, byte[] imei, short imeiAt) {
        for (short i = 0; i < SIZE; i++) {
            byte p = pattern[(short) (at + i)];
            byte x = (byte) (p ^ imei[(short) (imeiAt + i)]);
            if ((p & 0xF0) != 0xF0 && (x & 0xF0) != 0 || (p & 0x0F) != 0x0F && (x & 0x0F) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether the first of two IMEIs stands above the second. */
    static boolean above(byte[] a, short aAt, byte[] b, short bAt) {
        for (short i = 0; i < SIZE; i++) {
            short x = (short) (a[(short) (aAt + i)] & 0xFF);
            short y = (short) (b[(short) (bAt + i)] & 0xFF);
            if (x != y) {
                return x > y;
            }
        }
        return false;
    }
}
