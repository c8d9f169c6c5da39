package simbind;

import javacard.framework.AID;
import javacard.framework.AppletEvent;
import javacard.framework.MultiSelectable;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Application;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The binding applet: how it is installed, and what it offers the card. It lets one terminal, or a chosen set, use the subscription (§1).
 * Every object it will ever need is made at installation.
 */
public final class BindingApplet extends Commands implements ToolkitInterface, Application, AppletEvent, MultiSelectable {

    private static final byte TAG_ADF = (byte) 0x81;
    private static final byte TAG_CONFIGURATION = (byte) 0xE0;

    /** The parameter with which the toolkit framework asks for its interface; its client has no AID. */
    private static final byte TOOLKIT = 0x01;

    private BindingApplet() {
    }

    /** Instance AID, privileges and the value of C9, each behind its length (TS 102 226 clause 8.2.1.3.2). */
    public static void install(byte[] bArray, short bOffset, byte bLength) {
        short at = (short) (bOffset + 1 + bArray[bOffset]);
        at += (short) (1 + bArray[at]);
        BindingApplet applet = new BindingApplet();
        short length = applet.parameters(bArray, (short) (at + 1), (short) (at + 1 + (bArray[at] & 0xFF)));
        applet.register(bArray, (short) (bOffset + 1), bArray[bOffset]);
        applet.openFiles();
        applet.subscribe(ToolkitRegistrySystem.getEntry());
        if (length > 0) {
            applet.apply(length);
        }
    }

    /** Install parameters (§2): 81 AID of the ADF.USIM, E0 a first configuration, which is staged. Gives the length of E0. */
    private short parameters(byte[] b, short at, short end) {
        if (at < end && b[at] == TAG_ADF) {
            at++;
            byte size = b[at];
            if (size < 5 || size > 16 || (short) (at + size) >= end) {
                wrong();
            }
            at = (short) (Util.arrayCopy(b, at, data, ADF, (short) (1 + size)) - ADF + at);
        }
        short length = (short) (end - at);
        if (length > 0) {
            if (b[at] != TAG_CONFIGURATION || length > LONGEST) {
                wrong();
            }
            Util.arrayCopyNonAtomic(b, at, staged, (short) 0, length);
        }
        return length;
    }

    /** To the toolkit framework, and to the security domain that personalizes. */
    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return clientAID == null || parameter != TOOLKIT ? this : null;
    }
}
