package org.globalplatform;

import simbind.card.Channel;

public final class GPSystem {
    public static final byte APPLICATION_INSTALLED = 0x03;
    public static final byte APPLICATION_SELECTABLE = 0x07;
    private static final byte CARD_SECURED = 0x0F;

    private GPSystem() {
    }

    public static SecureChannel getSecureChannel() {
        return Channel.current();
    }

    public static byte getCardContentState() {
        return APPLICATION_SELECTABLE;
    }

    public static byte getCardState() {
        return CARD_SECURED;
    }
}
