package javacard.framework;

/** Misuse of the APDU object, or a transport that failed. */
public class APDUException extends CardRuntimeException {

    public static final short ILLEGAL_USE = (short) 1;
    public static final short BUFFER_BOUNDS = (short) 2;
    public static final short BAD_LENGTH = (short) 3;
    public static final short IO_ERROR = (short) 4;
    public static final short NO_T0_GETRESPONSE = (short) 0xAA01;
    public static final short T1_IFD_ABORT = (short) 0xAA02;
    public static final short NO_T0_REISSUE = (short) 0xAA04;

    public APDUException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new APDUException(reason);
    }
}
