package org.globalplatform;

import javacard.framework.APDU;
import javacard.framework.ISOException;
import javacard.framework.Shareable;

/** The secure channel of the applet's security domain (GlobalPlatform Card Specification annex A). */
public interface SecureChannel extends Shareable {

    byte NO_SECURITY_LEVEL = 0x00;
    byte C_MAC = 0x01;
    byte C_DECRYPTION = 0x02;
    byte R_MAC = 0x10;
    byte R_ENCRYPTION = 0x20;
    byte AUTHENTICATED = (byte) 0x80;

    /** INITIALIZE UPDATE or EXTERNAL AUTHENTICATE; the answer stands at ISO7816.OFFSET_CDATA, its length is returned. */
    short processSecurity(APDU apdu) throws ISOException;

    /**
     * Takes the response data with the two status bytes behind it; returns the length of the wrapped data, the status bytes
     * removed.
     */
    short wrap(byte[] baBuffer, short sOffset, short sLength) throws ISOException;

    /**
     * From the class byte on. Afterwards class byte, length byte and data are those of the command without secure
     * messaging; returns its length, header included.
     */
    short unwrap(byte[] baBuffer, short sOffset, short sLength) throws ISOException;

    short decryptData(byte[] baBuffer, short sOffset, short sLength) throws ISOException;

    short encryptData(byte[] baBuffer, short sOffset, short sLength) throws ISOException;

    void resetSecurity();

    byte getSecurityLevel();
}
