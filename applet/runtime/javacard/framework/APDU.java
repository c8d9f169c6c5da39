package javacard.framework;

import simbind.card.Call;
import simbind.card.Command;
import simbind.card.Lent;

public final class APDU implements Lent {
    /** The one object of the card; what it stands for is the command of the call in hand. */
    public static final APDU CURRENT = new APDU();

    private static final short BLOCK = 256;

    APDU() {
    }

    private static Command command() {
        Command c = Call.now().command;
        if (c == null) {
            throw new SecurityException("no command is being processed");
        }
        return c;
    }

    public byte[] getBuffer() {
        return command().buffer();
    }

    public static short getInBlockSize() {
        return BLOCK;
    }

    public static short getOutBlockSize() {
        return BLOCK;
    }

    public static byte getProtocol() {
        return 1;
    }

    public static byte getCLAChannel() {
        return (byte) command().channel();
    }

    public short setIncomingAndReceive() throws APDUException {
        return command().receive();
    }

    public short receiveBytes(short bOff) throws APDUException {
        return command().receiveMore();
    }

    public short setOutgoing() throws APDUException {
        return command().outgoing();
    }

    public void setOutgoingLength(short len) throws APDUException {
        command().length(len);
    }

    public void sendBytes(short bOff, short len) throws APDUException {
        command().send(getBuffer(), bOff, len);
    }

    public void sendBytesLong(byte[] outData, short bOff, short len) throws APDUException {
        command().send(outData, bOff, len);
    }

    public void setOutgoingAndSend(short bOff, short len) throws APDUException {
        setOutgoing();
        setOutgoingLength(len);
        sendBytes(bOff, len);
    }
}
