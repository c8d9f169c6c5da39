package simbind.card;

import java.util.Arrays;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ViewHandler;

/** A list of COMPREHENSION-TLV objects with a current one (uicc.toolkit.ViewHandler, TS 102 241 clause 6.6). */
abstract class Tlvs implements ViewHandler, Lent {
    static final int CAPACITY = 253; // with the tag and length around them 256 bytes

    byte[] list = new byte[0];
    private int value = -1; // where the value of the current object begins
    private int length;

    /** Refuses with HANDLER_NOT_AVAILABLE what may not be used now. */
    abstract void available();

    final void set(byte[] objects) {
        list = objects;
        value = -1;
    }

    private static ToolkitException refuse(short reason) {
        return new ToolkitException(reason);
    }

    @Override
    public final short getLength() {
        available();
        return (short) list.length;
    }

    @Override
    public final short getCapacity() {
        return CAPACITY;
    }

    @Override
    public final short copy(byte[] dstBuffer, short dstOffset, short dstLength) {
        available();
        if (dstLength > list.length) {
            throw refuse(ToolkitException.OUT_OF_TLV_BOUNDARIES);
        }
        return give(list, 0, dstBuffer, dstOffset, dstLength);
    }

    private static short give(byte[] from, int at, byte[] to, short offset, int n) {
        Call.now().card.heap.copyNonAtomic(from, at, to, offset, n);
        return (short) (offset + n);
    }

    @Override
    public final byte findTLV(byte tag, byte occurrence) {
        available();
        if (occurrence < 1) {
            throw refuse(ToolkitException.BAD_INPUT_PARAMETER);
        }
        value = -1;
        int left = occurrence;
        for (int at = 0; at + 1 < list.length; at = value + length) {
            int head = list[at + 1] == (byte) 0x81 ? 3 : 2;
            if (at + head > list.length) {
                break;
            }
            length = list[at + head - 1] & 0xFF;
            value = at + head;
            if (value + length > list.length) {
                break;
            }
            if ((list[at] & 0x7F) == (tag & 0x7F) && --left == 0) {
                boolean required = (list[at] & 0x80) != 0;
                return required ? ToolkitConstants.TLV_FOUND_CR_SET : ToolkitConstants.TLV_FOUND_CR_NOT_SET;
            }
        }
        value = -1;
        return ToolkitConstants.TLV_NOT_FOUND;
    }

    private void current(int offset, int n) {
        available();
        if (value < 0) {
            throw refuse(ToolkitException.UNAVAILABLE_ELEMENT);
        }
        if (offset < 0 || n < 0 || offset + n > length) {
            throw refuse(ToolkitException.OUT_OF_TLV_BOUNDARIES);
        }
    }

    private void find(byte tag, byte occurrence) {
        if (findTLV(tag, occurrence) == ToolkitConstants.TLV_NOT_FOUND) {
            throw refuse(ToolkitException.UNAVAILABLE_ELEMENT);
        }
    }

    @Override
    public final short getValueLength() {
        current(0, 0);
        return (short) length;
    }

    @Override
    public final byte getValueByte(short valueOffset) {
        current(valueOffset, 1);
        return list[value + valueOffset];
    }

    @Override
    public final short getValueShort(short valueOffset) {
        current(valueOffset, 2);
        return (short) (list[value + valueOffset] << 8 | list[value + valueOffset + 1] & 0xFF);
    }

    @Override
    public final short copyValue(short valueOffset, byte[] dstBuffer, short dstOffset, short dstLength) {
        current(valueOffset, dstLength);
        return give(list, value + valueOffset, dstBuffer, dstOffset, dstLength);
    }

    @Override
    public final byte compareValue(short valueOffset, byte[] compareBuffer, short compareOffset, short compareLength) {
        current(valueOffset, compareLength);
        Heap.bounds(compareBuffer, compareOffset, compareLength);
        int from = value + valueOffset;
        return (byte) Integer.signum(Arrays.compareUnsigned(list, from, from + compareLength, compareBuffer, compareOffset,
                compareOffset + compareLength));
    }

    @Override
    public final short findAndCopyValue(byte tag, byte[] dstBuffer, short dstOffset) {
        find(tag, (byte) 1);
        return copyValue((short) 0, dstBuffer, dstOffset, (short) length);
    }

    @Override
    public final short findAndCopyValue(byte tag, byte occurrence, short valueOffset, byte[] dstBuffer, short dstOffset, short dstLength) {
        find(tag, occurrence);
        return copyValue(valueOffset, dstBuffer, dstOffset, dstLength);
    }

    @Override
    public final byte findAndCompareValue(byte tag, byte[] compareBuffer, short compareOffset) {
        find(tag, (byte) 1);
        return compareValue((short) 0, compareBuffer, compareOffset, (short) length);
    }

    @Override
    public final byte findAndCompareValue(byte tag, byte occurrence, short valueOffset, byte[] compareBuffer, short compareOffset,
            short compareLength) {
        find(tag, occurrence);
        return compareValue(valueOffset, compareBuffer, compareOffset, compareLength);
    }
}
