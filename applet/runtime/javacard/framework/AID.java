package javacard.framework;

import java.util.Arrays;
import simbind.card.Call;
import simbind.card.Frame;
import simbind.card.Heap;
import simbind.card.Leaf;

public class AID implements Leaf {
    private static final int RID = 5;
    private static final int LONGEST = 16;

    private final byte[] bytes;

    public AID(byte[] bArray, short offset, byte length) throws SystemException {
        if (length < RID || length > LONGEST) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        Heap.bounds(bArray, offset, length);
        bytes = Arrays.copyOfRange(bArray, offset, offset + length);
    }

    /** For the card itself. */
    public AID(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    @Override
    public void write(Frame.Out out) {
        out.u8('A').bytes(bytes);
    }

    public final byte getBytes(byte[] dest, short offset) {
        Call.now().card.heap.copy(bytes, 0, dest, offset, bytes.length);
        return (byte) bytes.length;
    }

    @Override
    public final boolean equals(Object anObject) {
        return anObject instanceof AID && Arrays.equals(bytes, ((AID) anObject).bytes);
    }

    @Override
    public final int hashCode() {
        return Arrays.hashCode(bytes);
    }

    public final boolean equals(byte[] bArray, short offset, byte length) {
        return bArray != null && length == bytes.length && partialEquals(bArray, offset, length);
    }

    public final boolean partialEquals(byte[] bArray, short offset, byte length) {
        if (bArray == null || length > bytes.length) {
            return false;
        }
        Heap.bounds(bArray, offset, length);
        return Arrays.equals(bytes, 0, length, bArray, offset, offset + length);
    }

    public final boolean RIDEquals(AID otherAID) {
        return otherAID != null && Arrays.equals(bytes, 0, RID, otherAID.bytes, 0, RID);
    }
}
