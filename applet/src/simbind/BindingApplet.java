package simbind;

import javacard.framework.Util;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The binding applet: how it is installed. It lets one terminal, or a chosen set, use the subscription (§1).
 * Every object it will ever need is made at installation.
 */
public final class BindingApplet extends Commands {

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
            Util.arrayCopy(b, at, data, ADF, (short) (1 + size));
            at += (short) (1 + size);
        }
        short length = (short) (end - at);
        if (length > 0 && (b[at] != TAG_CONFIGURATION || length > LONGEST)) {
            wrong();
        }
        register(b, (short) (aid + 1), b[aid]);
        openFiles();
        subscribe(ToolkitRegistrySystem.getEntry());
        if (length > 0) {
            Util.arrayCopyNonAtomic(b, at, staged, (short) 0, length);
            apply(length);
        }
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new BindingApplet(bArray, bOffset);
    }
}
