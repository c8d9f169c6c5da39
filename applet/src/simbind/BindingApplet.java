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
        short length = 0;
        while (at < end) {
            short value = (short) (at + 2) > end ? (short) -1 : Reader.value(b, at);
            short size = value < 0 ? (short) -1 : Reader.length(b, at);
            short next = (short) (value + size);
            if (size < 0 || next < value || next > end) {
                wrong();
            }
            if (b[at] == TAG_ADF && size >= 5 && size <= 16 && data[ADF] == 0) {
                data[ADF] = (byte) size;
                Util.arrayCopy(b, value, data, (short) (ADF + 1), size);
            } else if (b[at] == TAG_CONFIGURATION && length == 0) {
                length = Util.arrayCopyNonAtomic(b, at, staged, (short) 0, (short) (next - at));
            } else {
                wrong();
            }
            at = next;
        }
        return length;
    }

    /** To the toolkit framework, and to the security domain that personalizes. */
    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return clientAID == null || parameter != TOOLKIT ? this : null;
    }
}
