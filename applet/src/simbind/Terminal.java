package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.Util;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ProactiveResponseHandlerSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitRegistry;

/**
 * The dialogue with the terminal (§8.2 to §8.6): the IMEI is asked for, EF_IMSI is refreshed. send() suspends the applet,
 * and anything may happen before it returns: commands, a new session, a reset, which ends the frame. So everything is stored
 * before it, and looked at anew after it.
 */
public abstract class Terminal extends Decision {

    // What is owed: at once, when the handler is there, or at the next STATUS.
    static final byte NOW = 1;
    static final byte LATER = 2;

    // Qualifiers of PROVIDE LOCAL INFORMATION (TS 102 223 clause 8.6).
    private static final byte LOCAL_IMEI = 0x01;
    private static final byte LOCAL_IMEISV = 0x08;

    // Qualifiers of REFRESH.
    private static final byte REFRESH_BY_FILES = 0x02;
    private static final byte REFRESH_RESET = 0x04;

    private static final byte BUSY_ANSWERS = 10;
    private static final byte REFRESH_TRIES = 3;
    private static final short POLL_SECONDS = 30;
    private static final short NO_POLLING = ToolkitConstants.POLL_NO_DURATION;

    // Outcomes of send() beside a general result.
    private static final short NO_ANSWER = 0xFF;
    private static final short SUPERSEDED = -1;

    /** The high nibble, as a byte: one byte less to push than a number. */
    private static final byte HIGH = (byte) 0xF0;

    private static final byte COMPREHENSION = (byte) 0x80;

    /** Null when installed without toolkit parameters: then it is configured and read, and decides nothing. */
    ToolkitRegistry registry;

    public void processToolkit(short event) {
        try {
            byte[] ram = this.ram;
            if (event == ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR) {
                firstCommand(); // after a reset nothing is owed
            } else if (event == ToolkitConstants.EVENT_PROFILE_DOWNLOAD) { // §8.2, §8.3; a second one without reset starts here again
                poll(NO_POLLING);
                Util.arrayFillNonAtomic(ram, DENIED, (short) (ACTION - DENIED), (byte) 0);
                ram[RUNNING] = 1;
                take();
                store(PENDING_NOW);
                if (data[SCHEME] != OFF) {
                    ram[ASKING] = NOW;
                } else {
                    decide();
                }
            } else if (event == ToolkitConstants.EVENT_STATUS_COMMAND && ram[SENDING] == 0) {
                if (ram[WATCHING] != 0) { // after a strict restore: the terminal came to rest
                    ram[WATCHING] = 0;
                    keep(STRICT_ROW, (short) 0);
                }
                if (ram[ASKING] == LATER) {
                    ram[ASKING] = NOW;
                }
                if (ram[REFRESH] == LATER) {
                    ram[REFRESH] = NOW;
                }
                if (!owes()) {
                    poll(NO_POLLING);
                }
            }
            proceed();
        } catch (CardRuntimeException e) {
            failed();
            endStep();
        }
    }

    /** Whether something is owed at once, to a terminal, which came through the registry, and nothing is under way. */
    boolean owes() {
        byte[] ram = this.ram;
        return ((ram[ASKING] | ram[REFRESH]) & NOW) > ram[SENDING];
    }

    /** Does what is owed, as far as the handler is there. */
    private void proceed() {
        try {
            while (owes()) {
                ProactiveHandler handler = ProactiveHandlerSystem.getTheHandler();
                if (ram[ASKING] == NOW) {
                    ask(handler);
                } else {
                    refresh(handler);
                }
            }
        } catch (ToolkitException e) {
            registry.setEvent(ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE);
        }
    }

    /** Sends what stands in the handler: the general result, NO_ANSWER, or SUPERSEDED when another session began meanwhile, which clears. */
    private short send(ProactiveHandler handler) {
        short result = NO_ANSWER;
        byte[] ram = this.ram;
        ram[SENDING] = 1;
        try {
            result = (short) (handler.send() & 0xFF);
        } catch (ToolkitException e) {
            // no answer
        }
        if (ram[SENDING] == 0) {
            return SUPERSEDED;
        }
        ram[SENDING] = 0;
        return result;
    }

    /** PROVIDE LOCAL INFORMATION (§8.4): IMEI, and IMEISV when that gave none. */
    private void ask(ProactiveHandler handler) {
        short result;
        byte qualifier = LOCAL_IMEI;
        short generation = generation();
        do {
            handler.init(ToolkitConstants.PRO_CMD_PROVIDE_LOCAL_INFORMATION, qualifier, ToolkitConstants.DEV_ID_TERMINAL);
            result = send(handler);
            if (result == SUPERSEDED) {
                return;
            }
            forgetImei();
            if (result != NO_ANSWER) {
                readAnswer(result);
            }
            if (generation() != generation && ram[REPEATED] == 0) {
                ram[REPEATED] = 1;
                if (data[SCHEME] != OFF) {
                    return; // asked once more
                }
                result = NO_ANSWER; // to a configuration that does not decide any more
                break;
            }
            qualifier += LOCAL_IMEISV - LOCAL_IMEI;
            // 0X without a valid object, and 3X, are followed by the question for the IMEISV
        } while (qualifier == LOCAL_IMEISV && ram[IMEI] == (byte) 0xFF && (result < 0x10 || (result & HIGH) == 0x30));
        if ((result & (byte) 0xF8) == 0x20 && ++ram[BUSY] < BUSY_ANSWERS) {
            ram[ASKING] = LATER;
            poll(POLL_SECONDS);
            return;
        }
        ram[ASKING] = 0;
        if (ram[REFRESH] == 0) {
            poll(NO_POLLING);
        }
        take(); // what an issuer wrote while the terminal was thinking counts
        decide();
    }

    /** Keeps general result and first additional byte (tag 91), and the IMEI when there is a valid one. */
    private void readAnswer(short result) {
        byte[] scratch = this.scratch;
        try {
            ProactiveResponseHandler response = ProactiveResponseHandlerSystem.getTheHandler();
            if (result < 0x10 && !identity(response, ToolkitConstants.TAG_IMEI, (short) 8, (byte) 0x0A)) {
                identity(response, ToolkitConstants.TAG_IMEISV, (short) 9, (byte) 0x03);
            }
            scratch[2] = 0;
            response.copyAdditionalInformation(scratch, (short) 2, (short) 1);
        } catch (ToolkitException e) {
            // what is missing is 0
        }
        keepPair(ANSWER, (byte) result, scratch[2]);
    }

    /**
     * Looks for a valid mobile identity (TS 24.008 clause 10.5.1.4) of that length and type: digit 1 and the type, then
     * pairs of digits, low nibble first.
     */
    private boolean identity(ProactiveResponseHandler response, byte tag, short length, byte type) {
        byte[] scratch = this.scratch;
        for (byte n = 1; response.findTLV(tag, n) != ToolkitConstants.TLV_NOT_FOUND; n++) {
            if (response.getValueLength() != length) {
                continue;
            }
            response.copyValue((short) 0, scratch, (short) 0, (short) (IMEI_SIZE + 1));
            for (short i = 0; i < IMEI_SIZE; i++) {
                ram[(short) (IMEI + i)] = (byte) (scratch[i] & HIGH | scratch[(short) (i + 1)] & 0x0F);
            }
            if ((scratch[0] & 0x0F) == type && are(ram, IMEI, (short) 14, (short) 0)) {
                return true;
            }
        }
        forgetImei();
        return false;
    }

    /** REFRESH (§8.6), with 02 the list of changed files: to a busy terminal three times, then 04; to one that refuses 04 at once; 04 once. */
    private void refresh(ProactiveHandler handler) {
        byte[] ram = this.ram;
        byte qualifier = ram[REFRESH_QUALIFIER];
        byte strict = ram[STRICT_REFRESH];
        handler.init(ToolkitConstants.PRO_CMD_REFRESH, qualifier, ToolkitConstants.DEV_ID_TERMINAL);
        Util.arrayCopyNonAtomic(ram, LISTED, ram, SENT, (short) 3);
        if (qualifier == REFRESH_BY_FILES) {
            handler.appendTLV((byte) (ToolkitConstants.TAG_FILE_LIST | COMPREHENSION), scratch, (short) 0, list());
        }
        // a change while the terminal refreshes owes another one
        Util.arrayFillNonAtomic(ram, REFRESH, (short) (REFRESH_QUALIFIER - REFRESH), (byte) 0);
        short result = send(handler);
        if (result == SUPERSEDED) {
            return;
        }
        keepPair(REFRESHED, qualifier, (byte) result);
        if (result < 0x10) {
            if (qualifier != REFRESH_RESET) { // the verified mark is for a reset, which did not come
                keep(VERIFIED, (short) 0);
            }
            ram[WATCHING] |= strict;
            poll(strict != 0 ? POLL_SECONDS : NO_POLLING);
            return;
        }
        if (qualifier == REFRESH_RESET) {
            fail(REFRESH_REFUSED);
            endStep();
            poll(NO_POLLING);
            return;
        }
        list(SENT);
        if (ram[REFRESH] == 0) { // a newer change has its own tries
            if ((result & HIGH) == 0x20 && ++ram[REFRESH_BUSY] < REFRESH_TRIES) {
                ram[REFRESH] = LATER;
                poll(POLL_SECONDS);
                return;
            }
            ram[REFRESH] = NOW;
            ram[REFRESH_QUALIFIER] = REFRESH_RESET;
        }
    }

    /** Asks for STATUS while something waits; it is what makes a retry due. */
    private void poll(short seconds) {
        if (registry.isEventSet(ToolkitConstants.EVENT_STATUS_COMMAND) != (seconds != NO_POLLING)) {
            registry.requestPollInterval(seconds);
        }
    }
}
