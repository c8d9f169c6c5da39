package javacard.framework;

import simbind.card.Call;
import simbind.card.Heap;

public final class JCSystem {
    public static final byte NOT_A_TRANSIENT_OBJECT = 0;
    public static final byte CLEAR_ON_RESET = 1;
    public static final byte CLEAR_ON_DESELECT = 2;

    private static final short VERSION = 0x0202;

    private JCSystem() {
    }

    private static Heap heap() {
        return Call.now().card.heap;
    }

    public static byte isTransient(Object theObj) {
        return heap().eventOf(theObj);
    }

    public static boolean[] makeTransientBooleanArray(short length, byte event) throws SystemException {
        return (boolean[]) heap().transientArray(boolean.class, length, event);
    }

    public static byte[] makeTransientByteArray(short length, byte event) throws SystemException {
        return (byte[]) heap().transientArray(byte.class, length, event);
    }

    public static short[] makeTransientShortArray(short length, byte event) throws SystemException {
        return (short[]) heap().transientArray(short.class, length, event);
    }

    public static Object[] makeTransientObjectArray(short length, byte event) throws SystemException {
        return (Object[]) heap().transientArray(Object.class, length, event);
    }

    public static short getVersion() {
        return VERSION;
    }

    public static AID getAID() {
        return Call.now().card.aid();
    }

    public static AID getPreviousContextAID() {
        return null;
    }

    public static void beginTransaction() throws TransactionException {
        heap().begin();
    }

    public static void abortTransaction() throws TransactionException {
        heap().abort();
    }

    public static void commitTransaction() throws TransactionException {
        heap().commit();
    }

    public static byte getTransactionDepth() {
        return (byte) (heap().inTransaction() ? 1 : 0);
    }

    public static short getMaxCommitCapacity() {
        return Heap.CAPACITY;
    }

    public static short getUnusedCommitCapacity() {
        return heap().unused();
    }

    public static byte getAssignedChannel() {
        return (byte) Call.now().channel();
    }
}
