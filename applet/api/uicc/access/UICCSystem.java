package uicc.access;

import javacard.framework.AID;

/** Gives views on the files: one on the MF tree, one for each ADF. */
public final class UICCSystem {

    private UICCSystem() {
    }

    public static FileView getTheUICCView(byte event) {
        throw new Stub();
    }

    public static FileView getTheFileView(AID aid, byte event) {
        throw new Stub();
    }

    public static FileView getTheFileView(byte[] aid, short aidOffset, byte aidLength, byte event) {
        throw new Stub();
    }
}
