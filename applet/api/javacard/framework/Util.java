package javacard.framework;

/** Work on byte arrays: atomic copies (arrayCopy, setShort into persistent memory) and others. */
public class Util {

    private Util() {
    }

    public static final short arrayCopy(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        throw new Stub();
    }

    public static final short arrayCopyNonAtomic(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        throw new Stub();
    }

    public static final short arrayFillNonAtomic(byte[] bArray, short bOff, short bLen, byte bValue) {
        throw new Stub();
    }

    public static final byte arrayCompare(byte[] src, short srcOff, byte[] dest, short destOff, short length) {
        throw new Stub();
    }

    public static final short makeShort(byte b1, byte b2) {
        throw new Stub();
    }

    public static final short getShort(byte[] bArray, short bOff) {
        throw new Stub();
    }

    public static final short setShort(byte[] bArray, short bOff, short sValue) {
        throw new Stub();
    }
}
