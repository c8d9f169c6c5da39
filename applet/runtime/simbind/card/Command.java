package simbind.card;

import java.io.ByteArrayOutputStream;
import javacard.framework.APDUException;

/** One command on its way through an applet: what javacard.framework.APDU does (Java Card API 2.2.1). */
public final class Command {
    private static final int DATA = 5;

    final byte[] buffer;
    final int channel;
    final int le;
    private final byte[] data;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private boolean received;
    private boolean outgoing;
    private int length = -1; // told by setOutgoingLength

    /** Header in the buffer, its fifth byte Lc, or Le without data; the data waits to be received. */
    Command(byte[] buffer, byte[] header, byte[] data, int le) {
        this.buffer = buffer;
        this.data = data;
        this.le = le;
        java.util.Arrays.fill(buffer, (byte) 0);
        System.arraycopy(header, 0, buffer, 0, 4);
        buffer[4] = (byte) (data.length > 0 ? data.length : le);
        channel = channelOf(header[0]);
    }

    /** Channels 0 to 3 and 4 to 19 (TS 102 221 clause 10.1.1). */
    private static int channelOf(byte cla) {
        return (cla & 0x40) != 0 ? 4 + (cla & 0x0F) : cla & 0x03;
    }

    public byte[] buffer() {
        return buffer;
    }

    public int channel() {
        return channel;
    }

    int dataLength() {
        return data.length;
    }

    byte[] answer() {
        return out.toByteArray();
    }

    public short receive() {
        if (received || outgoing) {
            throw new APDUException(APDUException.ILLEGAL_USE);
        }
        received = true;
        System.arraycopy(data, 0, buffer, DATA, data.length);
        return (short) data.length;
    }

    /** processSecurity receives the data itself, unless the applet did. */
    void receiveOnce() {
        if (!received) {
            receive();
        }
    }

    public short receiveMore() {
        if (!received || outgoing) {
            throw new APDUException(APDUException.ILLEGAL_USE);
        }
        return 0; // the whole of a short command came with the first block
    }

    public short outgoing() {
        if (outgoing) {
            throw new APDUException(APDUException.ILLEGAL_USE);
        }
        outgoing = true;
        return (short) (le == 0 ? 256 : le);
    }

    public void length(short n) {
        if (!outgoing || length >= 0) {
            throw new APDUException(APDUException.ILLEGAL_USE);
        }
        if (n < 0 || n > 256) {
            throw new APDUException(APDUException.BAD_LENGTH);
        }
        length = n;
    }

    public void send(byte[] from, short offset, short n) {
        if (!outgoing || length < 0 || out.size() + n > length) {
            throw new APDUException(APDUException.ILLEGAL_USE);
        }
        if (offset < 0 || n < 0 || offset + n > from.length) {
            throw new APDUException(APDUException.BUFFER_BOUNDS);
        }
        out.write(from, offset, n);
    }
}
