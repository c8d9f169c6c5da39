package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/** Reads BER-TLV objects with tags of one byte. What is read may come from anyone: no length is trusted. */
final class Reader {

    private Reader() {
    }

    /** Where the value of the object begins, -1 when its length is not in its shortest form. */
    static short value(byte[] b, short at) {
        byte form = b[(short) (at + 1)];
        if (form >= 0) {
            return (short) (at + 2);
        }
        byte next = b[(short) (at + 2)];
        if (form == (byte) 0x81 && next < 0) {
            return (short) (at + 3);
        }
        return form == (byte) 0x82 && next != 0 ? (short) (at + 4) : (short) -1;
    }

    /** Length of the value of an object with an accepted form. */
    static short length(byte[] b, short at) {
        byte form = b[(short) (at + 1)];
        if (form >= 0) {
            return form;
        }
        return form == (byte) 0x81 ? (short) (b[(short) (at + 2)] & 0xFF) : Util.getShort(b, (short) (at + 2));
    }

    /**
     * Where the value of the n-th object with the tag stands in the template at that place, -1 when there is none. Its
     * length is the byte before.
     */
    static short find(byte[] b, short template, byte tag, short n) {
        short at = value(b, template);
        if (at < 0) {
            return (short) -1;
        }
        short end = (short) (at + length(b, template));
        if (end < at || end > (short) b.length) {
            end = (short) b.length;
        }
        while ((short) (at + 2) <= end) {
            short next = (short) (at + 2 + b[(short) (at + 1)]);
            if (next < (short) (at + 2) || next > end) {
                return (short) -1;
            }
            if (b[at] == tag) {
                if (n == 0) {
                    return (short) (at + 2);
                }
                n--;
            }
            at = next;
        }
        return (short) -1;
    }

    /** Where the value of an object of a command begins; 6A80 when the object does not end before end. */
    static short inside(byte[] b, short at, short end) {
        if ((short) (at + 2) > end || b[(short) (at + 1)] < 0 || (short) (at + 2 + b[(short) (at + 1)]) > end) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        return (short) (at + 2);
    }

    /** Adds a tag from 80 to 8F to those seen; 6A80 when it is another one or stands twice. */
    static short once(short seen, byte tag) {
        short bit = (short) (1 << (tag & 0x0F));
        if ((tag & 0xF0) != 0x80 || (seen & bit) != 0) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        return (short) (seen | bit);
    }
}
