package refused;

import javacard.framework.JCSystem;

class Objects implements Runnable { // refuse the class: class java.lang.Runnable is not in the API

    private static short shared; // refuse the class: field shared: a static variable
    private static final byte[] CONSTANT = {1, 2, 3};
    private static final byte[] COMPUTED = CONSTANT; // refuse: static fields hold constants

    private byte[] made = new byte[8];
    private final byte[] transientArray = JCSystem.makeTransientByteArray((short) made.length, JCSystem.CLEAR_ON_RESET); // refuse: the length of a transient array

    public void run() {
        made = new byte[4]; // refuse: at installation alone
        made = JCSystem.makeTransientByteArray((short) 4, JCSystem.CLEAR_ON_RESET); // refuse: at installation alone
        throw new RuntimeException(); // refuse: at installation alone
    }

    byte[] copied() {
        return made.clone(); // refuse: not in the API
    }

    boolean known() {
        return made.equals(transientArray) || COMPUTED == CONSTANT;
    }

    synchronized void locked() { // the flag stands with the method
        made[0] = 1; // refuse: synchronized
    }

    void monitor() {
        synchronized (this) { // refuse: there are no threads
            made[0] = 1;
        } // refuse: there are no threads
    }

    void each(byte... all) {
        made = all; // refuse: varargs
    }

    protected void finalize() {
        made = null; // refuse: finalize
    }

    short tooDeep(short a) {
        return (short) (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + (a + a))))))))))))))))); // refuse: stack 18
    }
}
