package javacard.framework;

/** An unchecked exception with a reason. */
public class CardRuntimeException extends RuntimeException {

    public CardRuntimeException(short reason) {
    }

    public static void throwIt(short reason) {
        throw new CardRuntimeException(reason);
    }

    public short getReason() {
        throw new Stub();
    }

    public void setReason(short reason) {
        throw new Stub();
    }
}
