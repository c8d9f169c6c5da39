package javacard.framework;

/** Entry points of an applet. */
public abstract class Applet {

    protected Applet() {
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) throws ISOException {
        throw new Stub();
    }

    public abstract void process(APDU apdu) throws ISOException;

    public boolean select() {
        throw new Stub();
    }

    public void deselect() {
        throw new Stub();
    }

    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        throw new Stub();
    }

    protected final void register() throws SystemException {
        throw new Stub();
    }

    protected final void register(byte[] bArray, short bOffset, byte bLength) throws SystemException {
        throw new Stub();
    }

    protected final boolean selectingApplet() {
        throw new Stub();
    }
}
