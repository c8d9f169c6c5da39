package simbind;

import javacard.framework.Util;

/** Reads BER-TLV objects with tags of one byte. What is read may come from anyone: no length is trusted. */
final class Reader {

    private Reader() {
    }

    /** Where the value of the object begins, -1 when its length is not in its shortest form. */
    static short value(byte[] b, short at) {
        byte form = b[++at];
        at++;
        if (form >= 0) {
            return at;
        }
        byte next = b[at];
        if (form == (byte) 0x81 && next < 0) {
            return (short) (at + 1);
        }
        return form == (byte) 0x82 && next != 0 ? (short) (at + 2) : (short) -1;
    }

    /** Length of the value of an object with an accepted form. */
    static short length(byte[] b, short at) {
        byte form = b[++at];
        if (form >= 0) {
            return form;
        }
        at++;
        return form == (byte) 0x81 ? (short) (b[at] & 0xFF) : Util.getShort(b, at);
    }

    /**
     * Where the value of the first object with the tag stands in the template at that place, -1 when there is none. Its length is the
     * byte before.
     */
    static short find(byte[] b, short template, byte tag) {
        short at = value(b, template);
        if (at < 0) {
            return (short) -1;
        }
        short end = (short) (at + length(b, template));
        if (end < at || end > (short) b.length) {
            end = (short) b.length;
        }
        while ((short) (at + 2) <= end) {
            byte found = b[at];
            at += 2;
            short next = (short) (at + b[(short) (at - 1)]);
            if (next < at || next > end) {
                break;
            }
            if (found == tag) {
                return at;
            }
            at = next;
        }
        return (short) -1;
    }
}
