package simbind;

/** The content of EF_IMSI (TS 31.102 clause 4.2.2), 9 bytes. */
final class Imsi {

    static final short SIZE = 9;

    private Imsi() {
    }

    /**
     * Whether the content may be a subscriber's (§1): length byte 4 to 8, a parity nibble that agrees with the count, 6 to
     * 15 decimal digits, then F.
     */
    static boolean plausible(byte[] b, short at) {
        byte n = b[at];
        if (n < 4 || n > 8) {
            return false;
        }
        byte parity = b[(short) (at + 1)];
        byte last = b[(short) (at + n)];
        switch ((byte) (parity & 0x0F)) {
            case 0x09: // odd: the last byte holds two digits
                if (!Imei.decimal(last)) {
                    return false;
                }
                break;
            case 0x01: // even: one digit, then F
                if ((last & 0xF0) != 0xF0 || (last & 0x0F) > 9) {
                    return false;
                }
                break;
            default:
                return false;
        }
        return (parity & 0xF0) <= 0x90 && Imei.digits(b, (short) (at + 2), (short) (n - 2))
                && Imei.filled(b, (short) (at + n + 1), (short) (8 - n), (byte) 0xFF);
    }
}
