package uicc.access;

import javacard.framework.CardRuntimeException;

/** A file access that was refused (TS 102 241 annex A). */
public class UICCException extends CardRuntimeException {

    public static final short NO_EF_SELECTED = (short) 1;
    public static final short COMMAND_INCOMPATIBLE = (short) 2;
    public static final short SECURITY_STATUS_NOT_SATISFIED = (short) 3;
    public static final short FILE_NOT_FOUND = (short) 4;
    public static final short INTERNAL_ERROR = (short) 5;
    public static final short REF_DATA_INVALIDATED = (short) 6;
    public static final short OUT_OF_FILE_BOUNDARIES = (short) 7;
    public static final short OUT_OF_RECORD_BOUNDARIES = (short) 8;
    public static final short RECORD_NOT_FOUND = (short) 9;
    public static final short INVALID_MODE = (short) 10;
    public static final short MAX_VALUE_REACHED = (short) 12;
    public static final short MEMORY_PROBLEM = (short) 13;

    public UICCException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new UICCException(reason);
    }
}
