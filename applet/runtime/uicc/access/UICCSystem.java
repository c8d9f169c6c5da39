package uicc.access;

import javacard.framework.AID;
import simbind.card.View;

public final class UICCSystem {
    private UICCSystem() {
    }

    public static FileView getTheUICCView(byte event) {
        return View.open(null, event);
    }

    public static FileView getTheFileView(AID aid, byte event) {
        byte[] b = new byte[16];
        byte n = aid.getBytes(b, (short) 0);
        return View.open(java.util.Arrays.copyOf(b, n), event);
    }

    public static FileView getTheFileView(byte[] aid, short aidOffset, byte aidLength, byte event) {
        return View.open(java.util.Arrays.copyOfRange(aid, aidOffset, aidOffset + aidLength), event);
    }
}
