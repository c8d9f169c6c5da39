package javacard.framework;

/** An application identifier, 5 to 16 bytes. */
public class AID {

    public AID(byte[] bArray, short offset, byte length) throws SystemException {
        throw new Stub();
    }

    public final byte getBytes(byte[] dest, short offset) {
        throw new Stub();
    }

    public final boolean equals(Object anObject) {
        throw new Stub();
    }

    public final boolean equals(byte[] bArray, short offset, byte length) {
        throw new Stub();
    }

    public final boolean partialEquals(byte[] bArray, short offset, byte length) {
        throw new Stub();
    }

    public final boolean RIDEquals(AID otherAID) {
        throw new Stub();
    }
}
