package uicc.toolkit;

/** Events, tags, device identities and commands (TS 102 241 annex A, TS 102 223). */
public interface ToolkitConstants {

    short EVENT_PROFILE_DOWNLOAD = 1;
    short EVENT_TIMER_EXPIRATION = 11;
    short EVENT_STATUS_COMMAND = 19;
    short EVENT_PROACTIVE_HANDLER_AVAILABLE = 123;
    short EVENT_EXTERNAL_FILE_UPDATE = 124;
    short EVENT_APPLICATION_DESELECT = 126;
    short EVENT_FIRST_COMMAND_AFTER_ATR = 127;
    short EVENT_UNRECOGNIZED_ENVELOPE = -1;

    short POLL_NO_DURATION = 0;
    short POLL_SYSTEM_DURATION = -1;

    byte DEV_ID_UICC = (byte) 0x81;
    byte DEV_ID_TERMINAL = (byte) 0x82;
    byte DEV_ID_NETWORK = (byte) 0x83;

    byte PRO_CMD_REFRESH = 0x01;
    byte PRO_CMD_PROVIDE_LOCAL_INFORMATION = 0x26;
    byte PRO_CMD_TIMER_MANAGEMENT = 0x27;

    byte TAG_SET_CR = (byte) 0x80;
    byte TAG_RESULT = 0x03;
    byte TAG_FILE_LIST = 0x12;
    byte TAG_IMEI = 0x14;
    byte TAG_TIMER_IDENTIFIER = 0x24;
    byte TAG_TIMER_VALUE = 0x25;
    byte TAG_AID = 0x2F;
    byte TAG_IMEISV = 0x62;

    byte TLV_NOT_FOUND = 0;
    byte TLV_FOUND_CR_SET = 1;
    byte TLV_FOUND_CR_NOT_SET = 2;
}
