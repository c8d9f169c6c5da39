package simbind.card;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.globalplatform.SecureChannel;

/** The secure channel of the applet's security domain on the logical channel of the command in hand. */
public final class Channel implements SecureChannel, Leaf {
    @Override
    public void write(Frame.Out out) {
        out.u8('S');
    }

    public static SecureChannel current() {
        return Call.now().card.channel;
    }

    private static Command command() {
        Command c = Call.now().command;
        if (c == null) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        return c;
    }

    /** The domain is in another context: it sees the card's own buffer alone. */
    private static Command command(byte[] buffer, short offset, short length) {
        Command c = command();
        if (buffer != c.buffer) {
            throw new SecurityException("the buffer is not global");
        }
        Heap.bounds(buffer, offset, length);
        return c;
    }

    private static Frame ask(int service, Frame.Out arguments) {
        Frame f = Call.now().service(service, arguments);
        int sw = f.u16();
        if (sw != 0x9000) {
            throw new ISOException((short) sw);
        }
        return f;
    }

    @Override
    public short processSecurity(APDU apdu) {
        Command c = command();
        c.receiveOnce();
        int lc = c.dataLength();
        byte[] answer = ask(Service.SECURITY, whole(c, 0, ISO7816.OFFSET_CDATA + lc)).bytes();
        System.arraycopy(answer, 0, c.buffer, ISO7816.OFFSET_CDATA, answer.length);
        return (short) answer.length;
    }

    private static Frame.Out whole(Command c, int offset, int length) {
        return new Frame.Out().u8(c.channel).bytes(c.buffer, offset, length).u16(c.le);
    }

    /** From the class byte on; the command without secure messaging takes the place of the one with it. */
    @Override
    public short unwrap(byte[] baBuffer, short sOffset, short sLength) {
        Command c = command(baBuffer, sOffset, sLength);
        if (sLength < ISO7816.OFFSET_CDATA) {
            throw new ISOException(ISO7816.SW_WRONG_LENGTH);
        }
        byte[] plain = ask(Service.UNWRAP, whole(c, sOffset, sLength)).bytes();
        System.arraycopy(plain, 0, baBuffer, sOffset, plain.length);
        return (short) plain.length;
    }

    /** Takes response data and status word, and gives what the data has become. */
    @Override
    public short wrap(byte[] baBuffer, short sOffset, short sLength) {
        Command c = command(baBuffer, sOffset, sLength);
        if (sLength < 2) {
            throw new ISOException(ISO7816.SW_WRONG_LENGTH);
        }
        Frame.Out arguments = new Frame.Out().u8(c.channel).bytes(baBuffer, sOffset, sLength);
        byte[] wrapped = ask(Service.WRAP, arguments).bytes();
        Heap.bounds(baBuffer, sOffset, wrapped.length);
        System.arraycopy(wrapped, 0, baBuffer, sOffset, wrapped.length);
        return (short) wrapped.length;
    }

    @Override
    public byte getSecurityLevel() {
        return (byte) ask(Service.LEVEL, new Frame.Out().u8(command().channel)).u8();
    }

    @Override
    public void resetSecurity() {
        Command c = Call.now().command;
        if (c != null) {
            ask(Service.RESET_SECURITY, new Frame.Out().u8(c.channel));
        }
    }

    @Override
    public short decryptData(byte[] baBuffer, short sOffset, short sLength) {
        throw new Fatal("SecureChannel.decryptData: not on this card");
    }

    @Override
    public short encryptData(byte[] baBuffer, short sOffset, short sLength) {
        throw new Fatal("SecureChannel.encryptData: not on this card");
    }
}
