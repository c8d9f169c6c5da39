package javacard.framework;

import simbind.card.Call;

public abstract class Applet {
    protected Applet() {
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) throws ISOException {
        throw new ISOException(ISO7816.SW_FUNC_NOT_SUPPORTED);
    }

    public abstract void process(APDU apdu) throws ISOException;

    public boolean select() {
        return true;
    }

    public void deselect() {
    }

    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return null;
    }

    protected final void register() throws SystemException {
        Call.now().card.register(this, null);
    }

    protected final void register(byte[] bArray, short bOffset, byte bLength) throws SystemException {
        Call.now().card.register(this, new AID(bArray, bOffset, bLength));
    }

    protected final boolean selectingApplet() {
        return Call.now().card.selecting();
    }
}
