package org.globalplatform;

/** What the card's runtime gives to an application. */
public final class GPSystem {

    public static final byte APPLICATION_INSTALLED = 0x03;
    public static final byte APPLICATION_SELECTABLE = 0x07;

    private GPSystem() {
    }

    public static SecureChannel getSecureChannel() {
        throw new Stub();
    }

    public static byte getCardContentState() {
        throw new Stub();
    }

    public static byte getCardState() {
        throw new Stub();
    }
}
