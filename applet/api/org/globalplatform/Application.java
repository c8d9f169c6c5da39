package org.globalplatform;

import javacard.framework.Shareable;

/** Takes STORE DATA that came to the security domain after INSTALL [for personalization]. */
public interface Application extends Shareable {

    /** baBuffer from sOffset holds the whole command, header first, secure messaging removed. */
    void processData(byte[] baBuffer, short sOffset, short sLength);
}
