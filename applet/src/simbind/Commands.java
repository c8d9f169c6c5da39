package simbind;

import javacard.framework.APDU;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;
import org.globalplatform.GPSystem;
import org.globalplatform.SecureChannel;

/** The commands (§3), and the chain of blocks a template arrives in. */
class Commands extends Report {

    static final short SW_MEMORY = 0x6581;
    static final short SW_NOT_FOUND = 0x6A88;

    private static final byte INS_INITIALIZE_UPDATE = 0x50;
    private static final byte INS_EXTERNAL_AUTHENTICATE = (byte) 0x82;
    private static final byte INS_GET_DATA = (byte) 0xCA;
    private static final byte INS_STORE_DATA = (byte) 0xE2;

    private static final byte E0 = (byte) 0xE0;
    private static final byte E2 = (byte) 0xE2;

    /** A session (§3): authenticated, with C-MAC at least. */
    private static final byte SESSION = SecureChannel.AUTHENTICATED | SecureChannel.C_MAC;
    private static final byte ANSWER_SECURED = SecureChannel.R_MAC | SecureChannel.R_ENCRYPTION;

    /** The path of a chain that comes through the security domain; others are their channel. */
    private static final byte PERSONALIZING = -1;

    // The chain, in transient 
    private static final short OPEN = Memory.CHAIN;
    private static final short PATH = (short) (Memory.CHAIN + 1);
    private static final short NEXT = (short) (Memory.CHAIN + 2);
    private static final short LENGTH = (short) (Memory.CHAIN + 3);

    /** SELECT of the instance: P2 0C asks for no data. */
    void select(APDU apdu) {
        byte[] b = apdu.getBuffer();
        if ((b[ISO7816.OFFSET_P2] & 0x0C) != 0x0C) {
            send(apdu, selection(b));
        }
    }

    void process(APDU apdu) {
        byte[] b = apdu.getBuffer();
        byte cla = b[ISO7816.OFFSET_CLA];
        if ((cla & ((cla & 0x40) != 0 ? 0x90 : 0xF0)) != 0x80) {
            ISOException.throwIt(ISO7816.SW_CLA_NOT_SUPPORTED);
        }
        boolean secured = (cla & ((cla & 0x40) != 0 ? 0x20 : 0x0C)) != 0;
        switch (b[ISO7816.OFFSET_INS]) {
            case INS_INITIALIZE_UPDATE:
            case INS_EXTERNAL_AUTHENTICATE:
                drop(channel(cla));
                security(apdu);
                break;
            case INS_GET_DATA:
                getData(apdu, b, secured);
                break;
            case INS_STORE_DATA:
                storeData(apdu, b, secured);
                break;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    /** Channels 0 to 3, or 4 to 19 (TS 102 221 clause 10.1.1). */
    private static byte channel(byte cla) {
        return (cla & 0x40) != 0 ? (byte) (4 + (cla & 0x0F)) : (byte) (cla & 0x03);
    }

    private static void send(APDU apdu, short length) {
        apdu.setOutgoing();
        apdu.setOutgoingLength(length);
        apdu.sendBytes(Report.START, length);
    }

    private static void security(APDU apdu) {
        short length = GPSystem.getSecureChannel().processSecurity(apdu);
        if (length > 0) {
            apdu.setOutgoingAndSend(ISO7816.OFFSET_CDATA, length);
        }
    }

    private void getData(APDU apdu, byte[] b, boolean secured) {
        if (!secured) {
            send(apdu, object(b, b[ISO7816.OFFSET_P2], b[ISO7816.OFFSET_P1], false));
            return;
        }
        SecureChannel secure = unwrap(apdu, b);
        if (b[ISO7816.OFFSET_LC] != 0) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        answer(apdu, secure, b, object(b, b[ISO7816.OFFSET_P2], b[ISO7816.OFFSET_P1], true));
    }

    private void storeData(APDU apdu, byte[] b, boolean secured) {
        if (!secured) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        byte channel = channel(b[ISO7816.OFFSET_CLA]);
        SecureChannel secure = unwrap(apdu, b);
        block(channel, b, (short) 0);
        answer(apdu, secure, b, (short) 0);
    }

    /** Takes the secure messaging off a command; then there must be a session, else 6982. One that is lost drops its chain. */
    private SecureChannel unwrap(APDU apdu, byte[] b) {
        byte channel = channel(b[ISO7816.OFFSET_CLA]);
        SecureChannel secure = GPSystem.getSecureChannel();
        short length = apdu.setIncomingAndReceive();
        short all = (short) (b[ISO7816.OFFSET_LC] & 0xFF);
        for (short more = length; more > 0 && length < all; length += more) { // a command without data has Le there
            more = apdu.receiveBytes((short) (ISO7816.OFFSET_CDATA + length));
        }
        try {
            secure.unwrap(b, (short) 0, (short) (ISO7816.OFFSET_CDATA + length));
        } catch (ISOException e) {
            drop(channel);
            throw e;
        }
        if ((secure.getSecurityLevel() & SESSION) != SESSION) { // a card may let pass what comes outside a session
            drop(channel);
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        return secure;
    }

    /** Answers with the data at START, protected when the session wants that. */
    private static void answer(APDU apdu, SecureChannel secure, byte[] b, short length) {
        if ((secure.getSecurityLevel() & ANSWER_SECURED) != 0) {
            Util.setShort(b, (short) (Report.START + length), ISO7816.SW_NO_ERROR);
            length = secure.wrap(b, Report.START, (short) (length + 2));
        }
        if (length > 0) {
            send(apdu, length);
        }
    }

    /** STORE DATA through the security domain. The domain checked it; C-MAC is what shows that it was the domain. */
    void personalize(byte[] b, short at, short length) {
        if ((GPSystem.getSecureChannel().getSecurityLevel() & SecureChannel.C_MAC) == 0) {
            ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
        }
        if (length < ISO7816.OFFSET_CDATA) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        if (b[(short) (at + ISO7816.OFFSET_INS)] != INS_STORE_DATA) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
        block(PERSONALIZING, b, at);
    }

    /** Drops the chain that is open on a path. */
    void drop(byte path) {
        if (ram[PATH] == path) {
            ram[OPEN] = 0;
        }
    }

    private void abandon(short sw) {
        ram[OPEN] = 0;
        ISOException.throwIt(sw);
    }

    /** One block of a chain, from its class byte on; the last one lets the template take effect. */
    private void block(byte path, byte[] b, short at) {
        byte p1 = b[(short) (at + ISO7816.OFFSET_P1)];
        byte p2 = b[(short) (at + ISO7816.OFFSET_P2)];
        short length = (short) (b[(short) (at + ISO7816.OFFSET_LC)] & 0xFF);
        if (p2 == 0) {
            Util.arrayFillNonAtomic(ram, OPEN, (short) 5, (byte) 0);
            ram[OPEN] = 1;
            ram[PATH] = path;
        }
        if ((p1 & 0x7F) != 0x10 || ram[OPEN] == 0 || ram[PATH] != path || ram[NEXT] != p2) {
            abandon(ISO7816.SW_INCORRECT_P1P2);
        }
        short have = Util.getShort(ram, LENGTH);
        if (length == 0) {
            abandon(ISO7816.SW_WRONG_LENGTH);
        }
        if ((short) (have + length) > LONGEST) {
            abandon(ISO7816.SW_FILE_FULL);
        }
        Util.setShort(ram, LENGTH, (short) (have + length));
        stage(b, (short) (at + ISO7816.OFFSET_CDATA), have, length);
        ram[NEXT]++;
        if (p1 < 0) {
            ram[OPEN] = 0;
            apply((short) (have + length));
        }
    }

    private void stage(byte[] b, short at, short to, short length) {
        try {
            Util.arrayCopyNonAtomic(b, at, staged, to, length);
        } catch (CardRuntimeException e) {
            abandon(SW_MEMORY);
        }
    }

    /** Carries out the staged template: exactly one, E0 or E2. */
    void apply(short length) {
        short value = Reader.value(staged, (short) 0);
        if (value < 0 || (short) (value + Reader.length(staged, (short) 0)) != length || staged[0] != E0 && staged[0] != E2) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        try {
            if (staged[0] == E0) {
                configure();
            } else {
                act();
            }
        } catch (ISOException e) {
            throw e;
        } catch (CardRuntimeException e) {
            failed();
            endStep(false);
            ISOException.throwIt(SW_MEMORY);
        }
        wish();
    }
}
