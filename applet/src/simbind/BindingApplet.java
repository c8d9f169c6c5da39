package simbind;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.AppletEvent;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.MultiSelectable;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Application;
import org.globalplatform.GPSystem;
import org.globalplatform.SecureChannel;
import uicc.access.UICCSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The binding applet, as the card calls it: installation, at which every object it will ever need is made, the commands (§3), and the
 * chain of blocks a template arrives in. It lets one terminal, or a chosen set, use the subscription (§1).
 */
public final class BindingApplet extends Report implements ToolkitInterface, Application, AppletEvent, MultiSelectable {

    static final short SW_MEMORY = 0x6581;
    static final short SW_NOT_FOUND = 0x6A88;

    private static final byte INS_INITIALIZE_UPDATE = 0x50;
    private static final byte INS_EXTERNAL_AUTHENTICATE = (byte) 0x82;
    private static final byte INS_GET_DATA = (byte) 0xCA;
    private static final byte INS_STORE_DATA = (byte) 0xE2;

    /** A session (§3): authenticated, with C-MAC at least. */
    private static final byte SESSION_LEVEL = SecureChannel.AUTHENTICATED | SecureChannel.C_MAC;
    private static final byte ANSWER_SECURED = SecureChannel.R_MAC | SecureChannel.R_ENCRYPTION;

    /** The parameter with which the toolkit framework asks for its interface; its client has no AID. */
    private static final byte TOOLKIT = 0x01;

    /** The path of a chain that comes through the security domain; others are their channel and 1. */
    private static final byte PERSONALIZING = -1;

    // The chain, in transient memory: its path, 0 when none is open, next block, length (2).
    private static final short PATH = CHAIN;
    private static final short NEXT = (short) (CHAIN + 1);
    private static final short CHAINED = (short) (CHAIN + 2);

    private static final byte TAG_ADF = (byte) 0x81;
    private static final byte TAG_CONFIGURATION = (byte) 0xE0;

    /**
     * Instance AID, privileges and the value of C9, each behind its length (TS 102 226 clause 8.2.1.3.2). In C9 (§2) 81 AID of the
     * ADF.USIM, then E0 a first configuration.
     */
    private BindingApplet(byte[] b, short aid) {
        short at = (short) (aid + 1 + b[aid]);
        at += (short) (1 + b[at]);
        short end = (short) ((b[at] & 0xFF) + ++at);
        if (at < end && b[at] == TAG_ADF) {
            byte size = b[++at];
            if (size < 5 || size > 16 || (short) (at + size) >= end) {
                wrong();
            }
            Util.arrayCopy(b, at, data, ADF, ++size);
            at += size;
        }
        register(b, (short) (aid + 1), b[aid]);
        mf = UICCSystem.getTheUICCView(JCSystem.CLEAR_ON_RESET);
        if (data[ADF] != 0) {
            adf = UICCSystem.getTheFileView(data, (short) (ADF + 1), data[ADF], JCSystem.CLEAR_ON_RESET);
            if (adf == null) { // not on the card
                wrong();
            }
        }
        ToolkitRegistry entry = ToolkitRegistrySystem.getEntry();
        registry = entry;
        if (entry != null) {
            entry.setEvent(ToolkitConstants.EVENT_PROFILE_DOWNLOAD);
            try {
                entry.setEvent(ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR);
            } catch (ToolkitException e) { // an old card: no strict start
                data[FEATURES] = FEATURE_IMEISV | FEATURE_EF_IPS;
            }
        }
        end -= at;
        if (end > 0) {
            if (b[at] != TAG_CONFIGURATION) {
                wrong();
            }
            Util.arrayCopyNonAtomic(b, at, staged, (short) 0, end);
            apply(end);
        }
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new BindingApplet(bArray, bOffset);
    }

    public void process(APDU apdu) {
        byte[] b = apdu.getBuffer();
        short length = 0;
        if (selectingApplet()) {
            if ((b[ISO7816.OFFSET_P2] & 0x0C) != 0x0C) { // P2 0C asks for no data
                length = selection(b);
            }
        } else {
            byte cla = b[ISO7816.OFFSET_CLA];
            byte ins = b[ISO7816.OFFSET_INS];
            // 80 to 8F, and channels 4 to 19 (TS 102 221 clause 10.1.1): C0 to CF, E0 to EF
            if ((cla & (byte) 0x90) != (byte) 0x80 || (cla & 0x60) == 0x20) {
                ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
            }
            if (ins == INS_INITIALIZE_UPDATE || ins == INS_EXTERNAL_AUTHENTICATE) {
                deselect();
                length = Util.arrayCopyNonAtomic(b, ISO7816.OFFSET_CDATA, b, START, GPSystem.getSecureChannel().processSecurity(apdu));
            } else {
                length = command(b, ins, (short) (cla & ((cla & 0x40) != 0 ? 0x20 : 0x0C)), apdu);
            }
        }
        if (length > 0) {
            apdu.setOutgoingAndSend(START, length);
        }
    }

    /**
     * GET DATA and STORE DATA; secured is not 0 when the class says so. Gives the length of the answer, which is protected when the
     * session wants that.
     */
    private short command(byte[] b, byte ins, short secured, APDU apdu) {
        SecureChannel secure = GPSystem.getSecureChannel();
        if (ins != INS_GET_DATA) {
            if (ins != INS_STORE_DATA) {
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
            }
            if (secured == 0) {
                ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
            }
        }
        if (secured != 0) {
            unwrap(apdu, b, secure);
        }
        short length = 0;
        if (ins == INS_STORE_DATA) {
            block((byte) (JCSystem.getAssignedChannel() + 1), b, (short) 0);
        } else {
            if (secured != 0 && b[ISO7816.OFFSET_LC] != 0) {
                ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
            }
            length = object(b, b[ISO7816.OFFSET_P2], b[ISO7816.OFFSET_P1], secured);
        }
        if (secured != 0 && (secure.getSecurityLevel() & ANSWER_SECURED) != 0) {
            length = secure.wrap(b, START, Util.setShort(b, (short) (START + length), ISO7816.SW_NO_ERROR));
        }
        return length;
    }

    /** Takes the secure messaging off a command; then there must be a session, else 6982. One that is lost drops its chain. */
    private void unwrap(APDU apdu, byte[] b, SecureChannel secure) {
        short length = apdu.setIncomingAndReceive();
        short all = (short) (b[ISO7816.OFFSET_LC] & 0xFF);
        for (short more = length; more > 0 && length < all; length += more) { // a command without data has Le there
            more = apdu.receiveBytes((short) (ISO7816.OFFSET_CDATA + length));
        }
        try {
            secure.unwrap(b, (short) 0, (short) (ISO7816.OFFSET_CDATA + length));
            if ((secure.getSecurityLevel() & SESSION_LEVEL) != SESSION_LEVEL) { // a card may let pass what comes outside a session
                ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
            }
        } catch (ISOException e) {
            deselect();
            throw e;
        }
    }

    /** STORE DATA through the security domain. The domain checked it; C-MAC is what shows that it was the domain. */
    public void processData(byte[] baBuffer, short sOffset, short sLength) {
        if ((GPSystem.getSecureChannel().getSecurityLevel() & SecureChannel.C_MAC) == 0) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        if (sLength < ISO7816.OFFSET_CDATA) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        if (baBuffer[(short) (sOffset + ISO7816.OFFSET_INS)] != INS_STORE_DATA) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
        block(PERSONALIZING, baBuffer, sOffset);
    }

    /** To the toolkit framework, and to the security domain that personalizes. */
    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return clientAID == null || parameter != TOOLKIT ? this : null;
    }

    public boolean select(boolean appInstAlreadyActive) {
        return true;
    }

    /** Drops the chain that is open on the channel. */
    public void deselect() {
        if (ram[PATH] == (byte) (JCSystem.getAssignedChannel() + 1)) {
            ram[PATH] = 0;
        }
    }

    public void deselect(boolean appInstStillActive) {
        deselect();
    }

    /**
     * One block of a chain, from its class byte on; the last one lets the template take effect. What is refused drops the chain; 6581
     * when the memory refuses.
     */
    private void block(byte path, byte[] b, short at) {
        byte[] ram = this.ram;
        short length = b[(short) (at + ISO7816.OFFSET_P2)];
        if (length == 0) {
            Util.arrayFillNonAtomic(ram, NEXT, (short) 3, (byte) 0);
            ram[PATH] = path;
        }
        byte open = ram[PATH];
        ram[PATH] = 0;
        if (open != path || ram[NEXT]++ != length || (b[(short) (at + ISO7816.OFFSET_P1)] & 0x7F) != 0x10) {
            ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
        length = (short) (b[(short) (at + ISO7816.OFFSET_LC)] & 0xFF);
        if (length == 0) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        short have = Util.getShort(ram, CHAINED);
        if ((short) (have + length) > LONGEST) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        try {
            length = Util.arrayCopyNonAtomic(b, (short) (at + ISO7816.OFFSET_CDATA), staged, have, length);
            Util.setShort(ram, CHAINED, length);
            if (b[(short) (at + ISO7816.OFFSET_P1)] < 0) {
                apply(length);
            } else {
                ram[PATH] = path;
            }
        } catch (CardRuntimeException e) {
            if (e instanceof ISOException) {
                throw e;
            }
            failed();
            refuse();
        }
    }
}
