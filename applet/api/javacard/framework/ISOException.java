package javacard.framework;

/** A status word on its way to the terminal. */
public class ISOException extends CardRuntimeException {

    public ISOException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new ISOException(reason);
    }
}
