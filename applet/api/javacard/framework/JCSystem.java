package javacard.framework;

/** Transactions, transient memory and the applet's own AID. */
public final class JCSystem {

    public static final byte NOT_A_TRANSIENT_OBJECT = 0;
    public static final byte CLEAR_ON_RESET = 1;
    public static final byte CLEAR_ON_DESELECT = 2;

    private JCSystem() {
    }

    public static byte isTransient(Object theObj) {
        throw new Stub();
    }

    public static boolean[] makeTransientBooleanArray(short length, byte event) throws SystemException {
        throw new Stub();
    }

    public static byte[] makeTransientByteArray(short length, byte event) throws SystemException {
        throw new Stub();
    }

    public static short[] makeTransientShortArray(short length, byte event) throws SystemException {
        throw new Stub();
    }

    public static Object[] makeTransientObjectArray(short length, byte event) throws SystemException {
        throw new Stub();
    }

    public static short getVersion() {
        throw new Stub();
    }

    public static AID getAID() {
        throw new Stub();
    }

    public static AID getPreviousContextAID() {
        throw new Stub();
    }

    public static void beginTransaction() throws TransactionException {
        throw new Stub();
    }

    public static void abortTransaction() throws TransactionException {
        throw new Stub();
    }

    public static void commitTransaction() throws TransactionException {
        throw new Stub();
    }

    public static byte getTransactionDepth() {
        throw new Stub();
    }

    public static short getMaxCommitCapacity() {
        throw new Stub();
    }

    public static short getUnusedCommitCapacity() {
        throw new Stub();
    }

    /** The logical channel of the command being processed, or of the selection and deselection under way (1.2). */
    public static byte getAssignedChannel() {
        throw new Stub();
    }
}
