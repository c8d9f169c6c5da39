package javacard.framework;

/** The command being processed and its buffer. */
public final class APDU {

    APDU() {
    }

    public byte[] getBuffer() {
        throw new Stub();
    }

    public static short getInBlockSize() {
        throw new Stub();
    }

    public static short getOutBlockSize() {
        throw new Stub();
    }

    public static byte getProtocol() {
        throw new Stub();
    }

    public static byte getCLAChannel() {
        throw new Stub();
    }

    public short setIncomingAndReceive() throws APDUException {
        throw new Stub();
    }

    public short receiveBytes(short bOff) throws APDUException {
        throw new Stub();
    }

    public short setOutgoing() throws APDUException {
        throw new Stub();
    }

    public void setOutgoingLength(short len) throws APDUException {
        throw new Stub();
    }

    public void sendBytes(short bOff, short len) throws APDUException {
        throw new Stub();
    }

    public void sendBytesLong(byte[] outData, short bOff, short len) throws APDUException {
        throw new Stub();
    }

    public void setOutgoingAndSend(short bOff, short len) throws APDUException {
        throw new Stub();
    }
}
