package uicc.toolkit;

import javacard.framework.CardRuntimeException;

/** A toolkit call that was refused (TS 102 241 annex A). */
public class ToolkitException extends CardRuntimeException {

    public static final short HANDLER_OVERFLOW = (short) 1;
    public static final short HANDLER_NOT_AVAILABLE = (short) 2;
    public static final short UNAVAILABLE_ELEMENT = (short) 3;
    public static final short MENU_ENTRY_NOT_FOUND = (short) 4;
    public static final short REGISTRY_ERROR = (short) 5;
    public static final short EVENT_NOT_SUPPORTED = (short) 6;
    public static final short EVENT_ALREADY_REGISTERED = (short) 7;
    public static final short OUT_OF_TLV_BOUNDARIES = (short) 8;
    public static final short TERMINAL_PROFILE_NOT_AVAILABLE = (short) 9;
    public static final short ALLOWED_LENGTH_EXCEEDED = (short) 10;
    public static final short NO_TIMER_AVAILABLE = (short) 11;
    public static final short INVALID_TIMER_ID = (short) 12;
    public static final short EVENT_NOT_ALLOWED = (short) 13;
    public static final short BAD_INPUT_PARAMETER = (short) 14;
    public static final short COMMAND_NOT_ALLOWED = (short) 15;
    public static final short TAR_NOT_DEFINED = (short) 18;

    public ToolkitException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new ToolkitException(reason);
    }
}
