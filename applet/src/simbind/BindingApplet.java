package simbind;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.MultiSelectable;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Application;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The binding applet: where the card enters. It lets one terminal, or a chosen set, use the subscription (§1). Every object
 * it will ever need is made here.
 */
public final class BindingApplet extends Applet implements ToolkitInterface, Application, AppletEvent, MultiSelectable {

    private static final byte TAG_ADF = (byte) 0x81;
    private static final byte TAG_CONFIGURATION = (byte) 0xE0;

    /** The parameter with which the toolkit framework asks for its interface; its client has no AID. */
    private static final byte TOOLKIT = 0x01;

    private final Commands card = new Commands();

    private BindingApplet() {
    }

    /** Instance AID, privileges and the value of C9, each behind its length (TS 102 226 clause 8.2.1.3.2). */
    public static void install(byte[] bArray, short bOffset, byte bLength) {
        short privileges = (short) (bOffset + 1 + bArray[bOffset]);
        short parameters = (short) (privileges + 1 + bArray[privileges]);
        BindingApplet applet = new BindingApplet();
        short length = applet.parameters(bArray, (short) (parameters + 1), (short) (bArray[parameters] & 0xFF));
        applet.register(bArray, (short) (bOffset + 1), bArray[bOffset]);
        applet.card.openFiles();
        applet.card.subscribe(ToolkitRegistrySystem.getEntry());
        if (length > 0) {
            applet.card.apply(length);
        }
    }

    /** Install parameters (§2): 81 AID of the ADF.USIM, E0 a first configuration, which is staged. Gives the length of E0. */
    private short parameters(byte[] b, short at, short length) {
        short end = (short) (at + length);
        short staged = 0;
        card.put(Memory.FEATURES, (byte) (Configuration.FEATURE_STRICT | Configuration.FEATURE_IMEISV | Configuration.FEATURE_EF_IPS));
        while (at < end) {
            short value = (short) (at + 2) > end ? (short) -1 : Reader.value(b, at);
            short size = value < 0 ? (short) -1 : Reader.length(b, at);
            short next = (short) (value + size);
            if (size < 0 || next < value || next > end) {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            if (b[at] == TAG_ADF && size >= 5 && size <= 16 && card.data[Memory.ADF] == 0) {
                card.put(Memory.ADF, (byte) size);
                card.putArray((short) (Memory.ADF + 1), b, value, size);
            } else if (b[at] == TAG_CONFIGURATION && staged == 0) {
                staged = Util.arrayCopyNonAtomic(b, at, card.staged, (short) 0, (short) (next - at));
            } else {
                ISOException.throwIt(ISO7816.SW_WRONG_DATA);
            }
            at = next;
        }
        return staged;
    }

    /** To the toolkit framework, and to the security domain that personalizes. */
    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return clientAID == null || parameter != TOOLKIT ? this : null;
    }

    public boolean select(boolean appInstAlreadyActive) {
        return true;
    }

    public void deselect() {
        card.drop(JCSystem.getAssignedChannel());
    }

    public void deselect(boolean appInstStillActive) {
        card.drop(JCSystem.getAssignedChannel());
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            card.select(apdu);
        } else {
            card.process(apdu);
        }
    }

    public void processData(byte[] baBuffer, short sOffset, short sLength) {
        card.personalize(baBuffer, sOffset, sLength);
    }

    public void processToolkit(short event) {
        try {
            switch (event) {
                case ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR:
                    card.firstCommand();
                    break;
                case ToolkitConstants.EVENT_PROFILE_DOWNLOAD:
                    card.terminalProfile();
                    break;
                case ToolkitConstants.EVENT_STATUS_COMMAND:
                    card.statusCommand();
                    break;
                case ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE:
                    card.proceed();
                    break;
                default:
                    break;
            }
        } catch (CardRuntimeException e) {
            card.failed();
        }
    }

    public void uninstall() {
        card.uninstall();
    }
}
