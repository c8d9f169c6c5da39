package javacard.framework;

import java.util.Arrays;
import simbind.card.Call;
import simbind.card.Heap;

public class Util {
    private Util() {
    }

    private static Heap heap() {
        return Call.now().card.heap;
    }

    public static final short arrayCopy(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        heap().copy(src, srcOff, dest, destOff, length);
        return (short) (destOff + length);
    }

    public static final short arrayCopyNonAtomic(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        heap().copyNonAtomic(src, srcOff, dest, destOff, length);
        return (short) (destOff + length);
    }

    public static final short arrayFillNonAtomic(byte[] bArray, short bOff, short bLen, byte bValue) {
        Heap.bounds(bArray, bOff, bLen);
        byte[] filled = new byte[bLen];
        Arrays.fill(filled, bValue);
        heap().copyNonAtomic(filled, 0, bArray, bOff, bLen);
        return (short) (bOff + bLen);
    }

    public static final byte arrayCompare(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        Heap.bounds(src, srcOff, length);
        Heap.bounds(dest, destOff, length);
        return (byte) Integer.signum(Arrays.compareUnsigned(src, srcOff, srcOff + length, dest, destOff, destOff + length));
    }

    public static final short makeShort(byte b1, byte b2) {
        return (short) (b1 << 8 | b2 & 0xFF);
    }

    public static final short getShort(byte[] bArray, short bOff) {
        Heap.bounds(bArray, bOff, 2);
        return makeShort(bArray[bOff], bArray[bOff + 1]);
    }

    public static final short setShort(byte[] bArray, short bOff, short sValue) {
        heap().copy(new byte[] {(byte) (sValue >> 8), (byte) sValue}, 0, bArray, bOff, 2);
        return (short) (bOff + 2);
    }
}
