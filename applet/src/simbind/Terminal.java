package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
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
class Terminal extends Decision {

    // What is owed: at once, when the handler is there, or at the next STATUS.
    static final byte NOW = 1;
    static final byte LATER = 2;

    // Qualifiers of PROVIDE LOCAL INFORMATION (TS 102 223 clause 8.6).
    private static final byte LOCAL_IMEI = 0x01;
    private static final byte LOCAL_IMEISV = 0x08;

    // Qualifiers of REFRESH.
    private static final byte REFRESH_FILES = 0x02;
    private static final byte REFRESH_RESET = 0x04;

    private static final byte BUSY_ANSWERS = 10;
    private static final byte REFRESH_TRIES = 3;
    private static final short POLL_SECONDS = 30;

    // Outcomes of send() beside a general result.
    private static final short NO_ANSWER = 0xFF;
    private static final short SUPERSEDED = -1;

    private static final byte COMPREHENSION = (byte) 0x80;

    /** Paths of the copies of EF_IMSI in a file list (TS 102 223 clause 8.18). */
    private static final byte[] PATHS = {0x3F, 0x00, 0x7F, (byte) 0xFF, 0x6F, 0x07, 0x3F, 0x00, 0x7F, 0x20, 0x6F, 0x07};
    private static final short PATH = 6;

    private ToolkitRegistry registry;

    /** Registers for every start; an old card without the first-command event has no strict start. */
    void subscribe(ToolkitRegistry entry) {
        registry = entry;
        if (entry == null) {
            return; // installed without toolkit parameters: it is configured and read, and decides nothing
        }
        entry.setEvent(ToolkitConstants.EVENT_PROFILE_DOWNLOAD);
        try {
            entry.setEvent(ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR);
        } catch (ToolkitException e) {
            put(Memory.FEATURES, (byte) (data[Memory.FEATURES] & ~FEATURE_STRICT));
        }
    }

    /** TERMINAL PROFILE (§8.2, §8.3). A second one without reset starts here again. */
    void terminalProfile() {
        stopPolling();
        ram[Memory.SESSION]++;
        Util.arrayFillNonAtomic(ram, Memory.RUNNING, (short) (Memory.DENIED + 1 - Memory.RUNNING), (byte) 0);
        ram[Memory.RUNNING] = 1;
        beginStep();
        take();
        try {
            JCSystem.beginTransaction();
            countProfile();
            put(Memory.DECISION, Decision.PENDING);
            JCSystem.commitTransaction();
        } catch (CardRuntimeException e) {
            failed();
        }
        if (deciding()) {
            ram[Memory.ASKING] = NOW;
        } else {
            allowOff();
        }
        proceed();
    }

    /** STATUS: what waits is tried again; after a strict restore it tells that the terminal came to rest. */
    void statusCommand() {
        if (ram[Memory.SENDING] != 0) {
            return;
        }
        if (ram[Memory.WATCHING] != 0) {
            ram[Memory.WATCHING] = 0;
            keep((short) (Memory.STRICT + Imei.SIZE), (byte) 0);
        }
        if (ram[Memory.ASKING] == 0 && ram[Memory.REFRESH] == 0) {
            stopPolling();
            return;
        }
        if (ram[Memory.ASKING] == LATER) {
            ram[Memory.ASKING] = NOW;
        }
        if (ram[Memory.REFRESH] == LATER) {
            ram[Memory.REFRESH] = NOW;
        }
        proceed();
    }

    /** Says that the proactive handler is wanted, when something is owed. */
    void wish() {
        if (registry != null && ram[Memory.SENDING] == 0 && (ram[Memory.ASKING] == NOW || ram[Memory.REFRESH] == NOW)) {
            registry.setEvent(ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE);
        }
    }

    /** Does what is owed, as far as the handler is there. */
    void proceed() {
        while (ram[Memory.SENDING] == 0 && (ram[Memory.ASKING] == NOW || ram[Memory.REFRESH] == NOW)) {
            ProactiveHandler handler;
            try {
                handler = ProactiveHandlerSystem.getTheHandler();
            } catch (ToolkitException e) {
                wish();
                return;
            }
            if (ram[Memory.ASKING] == NOW) {
                ask(handler);
            } else {
                refresh(handler);
            }
        }
    }

    /** Sends what stands in the handler: the general result, NO_ANSWER, or SUPERSEDED when another session began meanwhile. */
    private short send(ProactiveHandler handler) {
        byte session = ram[Memory.SESSION];
        short result;
        ram[Memory.SENDING] = 1;
        try {
            result = (short) (handler.send() & 0xFF);
        } catch (ToolkitException e) {
            result = NO_ANSWER;
        }
        if (ram[Memory.SESSION] != session) {
            return SUPERSEDED;
        }
        ram[Memory.SENDING] = 0;
        return result;
    }

    /** PROVIDE LOCAL INFORMATION (§8.4): IMEI, and IMEISV when that gave none. */
    private void ask(ProactiveHandler handler) {
        short generation = generation();
        byte qualifier = LOCAL_IMEI;
        short result;
        do {
            handler.init(ToolkitConstants.PRO_CMD_PROVIDE_LOCAL_INFORMATION, qualifier, ToolkitConstants.DEV_ID_TERMINAL);
            result = send(handler);
            if (result == SUPERSEDED) {
                return;
            }
            forgetImei();
            readAnswer(result);
            if (generation() != generation && ram[Memory.REPEATED] == 0) {
                ram[Memory.REPEATED] = 1;
                askAnew();
                return;
            }
            qualifier += LOCAL_IMEISV - LOCAL_IMEI;
        } while (qualifier == LOCAL_IMEISV && ram[Memory.IMEI] == (byte) 0xFF && fallsBack(result));
        if (result >= 0x20 && result <= 0x27 && ++ram[Memory.BUSY] < BUSY_ANSWERS) {
            ram[Memory.ASKING] = LATER;
            poll();
            return;
        }
        ram[Memory.ASKING] = 0;
        answered();
        decide();
    }

    /** Nothing waits any more, unless a REFRESH does. */
    private void answered() {
        if (ram[Memory.REFRESH] == 0) {
            stopPolling();
        }
    }

    /** 0X without a valid object, and 3X, are followed by the question for the IMEISV. */
    private static boolean fallsBack(short result) {
        return result < 0x10 || (result & 0xF0) == 0x30;
    }

    /** The question is asked anew under another configuration, which may no longer decide. */
    private void askAnew() {
        if (!deciding()) {
            ram[Memory.ASKING] = 0;
            answered();
            beginStep();
            take();
            allowOff();
        }
    }

    /** Keeps general result and first additional byte (tag 91), and the IMEI when there is a valid one. */
    private void readAnswer(short result) {
        if (result == NO_ANSWER) {
            return;
        }
        ram[Memory.SCRATCH] = 0;
        try {
            ProactiveResponseHandler response = ProactiveResponseHandlerSystem.getTheHandler();
            if (response.getAdditionalInformationLength() != 0) {
                response.copyAdditionalInformation(ram, Memory.SCRATCH, (short) 1);
            }
            keepPair(Memory.ANSWER, (byte) result, ram[Memory.SCRATCH]);
            if (result < 0x10 && !identity(response, ToolkitConstants.TAG_IMEI, (short) 8, (byte) 0x0A)) {
                identity(response, ToolkitConstants.TAG_IMEISV, (short) 9, (byte) 0x03);
            }
        } catch (ToolkitException e) {
            keepPair(Memory.ANSWER, (byte) result, ram[Memory.SCRATCH]);
        }
    }

    /**
     * Looks for a valid mobile identity (TS 24.008 clause 10.5.1.4) of that length and type: digit 1 and the type, then
     * pairs of digits, low nibble first.
     */
    private boolean identity(ProactiveResponseHandler response, byte tag, short length, byte type) {
        for (byte n = 1; response.findTLV(tag, n) != ToolkitConstants.TLV_NOT_FOUND; n++) {
            if (response.getValueLength() != length) {
                continue;
            }
            response.copyValue((short) 0, ram, Memory.SCRATCH, length);
            if ((ram[Memory.SCRATCH] & 0x0F) != type) {
                continue;
            }
            regroup();
            if (Imei.valid(ram, Memory.IMEI)) {
                return true;
            }
        }
        forgetImei();
        return false;
    }

    /** From SCRATCH, in pairs, into IMEI, in reading order. */
    private void regroup() {
        for (short i = 0; i < Imei.SIZE; i++) {
            short at = (short) (Memory.SCRATCH + i);
            ram[(short) (Memory.IMEI + i)] = (byte) (ram[at] & 0xF0 | ram[(short) (at + 1)] & 0x0F);
        }
    }

    /** REFRESH (§8.6): to a busy terminal three times, then 04; to one that refuses 04 at once; 04 once. */
    private void refresh(ProactiveHandler handler) {
        byte qualifier = ram[Memory.QUALIFIER];
        byte files = ram[Memory.REFRESH_FILES];
        byte strict = ram[Memory.STRICT_REFRESH];
        short located = Util.getShort(ram, Memory.REFRESH_LOCATION);
        build(handler, qualifier, files, located);
        ram[Memory.REFRESH] = 0; // a change while the terminal refreshes owes another one
        ram[Memory.REFRESH_FILES] = 0;
        Util.setShort(ram, Memory.REFRESH_LOCATION, (short) 0);
        short result = send(handler);
        if (result == SUPERSEDED) {
            return;
        }
        keepPair(Memory.REFRESHED, qualifier, (byte) result);
        if (result < 0x10) {
            refreshed(qualifier, strict);
        } else if (qualifier == REFRESH_RESET) {
            fail(Memory.REFRESH_REFUSED);
            endStep(false);
            stopPolling();
        } else {
            ram[Memory.REFRESH_FILES] |= files;
            list(located);
            again(result);
        }
    }

    /** Puts REFRESH into the handler: 02 lists every changed file, the copies first, 05 and 06 carry the AID. */
    private void build(ProactiveHandler handler, byte qualifier, byte copies, short located) {
        handler.init(ToolkitConstants.PRO_CMD_REFRESH, qualifier, ToolkitConstants.DEV_ID_TERMINAL);
        if (qualifier == REFRESH_FILES) {
            appendFiles(handler, copies, located);
        } else if (qualifier > REFRESH_RESET) {
            handler.appendTLV((byte) (ToolkitConstants.TAG_AID | COMPREHENSION), data, (short) (Memory.ADF + 1), data[Memory.ADF]);
        }
    }

    /** A file list may be longer than any buffer here, so that it is put together in the handler. */
    private void appendFiles(ProactiveHandler handler, byte copies, short located) {
        byte count = copies == (Copies.USIM | Copies.GSM) ? (byte) 2 : (byte) 1;
        short from = copies == Copies.GSM ? PATH : (short) 0;
        short length = (short) (count * PATH);
        ram[Memory.SCRATCH] = (byte) (ToolkitConstants.TAG_FILE_LIST | COMPREHENSION);
        ram[(short) (Memory.SCRATCH + 1)] = (byte) (1 + length + length(located));
        ram[(short) (Memory.SCRATCH + 2)] = (byte) (count + count(located));
        handler.appendArray(ram, Memory.SCRATCH, (short) 3);
        handler.appendArray(PATHS, from, length);
        for (short n = 0; n < 16; n++) {
            if ((located >> n & 1) != 0) {
                handler.appendArray(ram, Memory.SCRATCH, path(n));
            }
        }
    }

    /** A REFRESH that was not carried out: later, or at once by 04. A newer change has its own tries. */
    private void again(short result) {
        if (ram[Memory.REFRESH] != 0) {
            return;
        }
        ram[Memory.REFRESH] = NOW;
        if ((result & 0xF0) == 0x20 && ++ram[Memory.REFRESH_BUSY] < REFRESH_TRIES) {
            ram[Memory.REFRESH] = LATER;
            poll();
        } else {
            ram[Memory.QUALIFIER] = REFRESH_RESET;
        }
    }

    /** The terminal read the files again: the verified mark is for a reset, which did not come. */
    private void refreshed(byte qualifier, byte strict) {
        if (qualifier != REFRESH_RESET) {
            keep(Memory.VERIFIED, (byte) 0);
        }
        if (strict != 0) {
            ram[Memory.WATCHING] = 1;
            poll();
        } else {
            stopPolling();
        }
    }

    private boolean polling() {
        return registry.isEventSet(ToolkitConstants.EVENT_STATUS_COMMAND);
    }

    /** Asks for STATUS while something waits; it is what makes a retry due. */
    private void poll() {
        if (!polling()) {
            registry.requestPollInterval(POLL_SECONDS);
        }
    }

    private void stopPolling() {
        if (polling()) {
            registry.requestPollInterval(ToolkitConstants.POLL_NO_DURATION);
        }
    }
}
