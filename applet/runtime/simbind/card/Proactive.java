package simbind.card;

import java.io.ByteArrayOutputStream;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ToolkitException;

/** Builds one proactive command and sends it; whether it may is the card's to say (TS 102 241 clause 6.7). */
final class Proactive extends Tlvs implements ProactiveHandler {
    private static final byte DETAILS = (byte) 0x81;
    private static final byte DEVICES = (byte) 0x82;
    private static final byte UICC = (byte) 0x81;
    private static final byte TERMINAL = (byte) 0x82;
    private static final byte MORE_TIME = 0x02;

    private final Call call;
    private boolean lent;

    Proactive(Call call) {
        this.call = call;
    }

    @Override
    void available() {
        if (Call.now() != call || !lent) {
            throw new ToolkitException(ToolkitException.HANDLER_NOT_AVAILABLE);
        }
    }

    /** Asks the card for it. */
    Proactive lend() {
        lent = call.service(Service.AVAILABLE, new Frame.Out()).u16() == 0;
        available();
        return this;
    }

    @Override
    public void init(byte type, byte qualifier, byte dstDevice) {
        available();
        set(new byte[] {DETAILS, 3, 1, type, qualifier, DEVICES, 2, UICC, dstDevice});
    }

    @Override
    public void initMoreTime() {
        init(MORE_TIME, (byte) 0, TERMINAL);
    }

    @Override
    public void clear() {
        available();
        set(new byte[0]);
    }

    @Override
    public byte send() {
        available();
        if (call.card.heap.inTransaction()) {
            throw new Fatal("a proactive command was sent inside a transaction");
        }
        if (list.length < 9 || list[0] != DETAILS) {
            throw new ToolkitException(ToolkitException.UNAVAILABLE_ELEMENT);
        }
        Frame f = call.service(Service.SEND, new Frame.Out().bytes(command()));
        int reason = f.u16();
        if (reason != 0) {
            throw new ToolkitException((short) reason);
        }
        call.response.answered(f.bytes());
        return call.response.getGeneralResult();
    }

    private byte[] command() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0xD0);
        length(out, list.length);
        out.writeBytes(list);
        return out.toByteArray();
    }

    private static void length(ByteArrayOutputStream out, int n) {
        if (n > 0x7F) {
            out.write(0x81);
        }
        out.write(n);
    }

    private void append(byte tag, byte[]... parts) {
        available();
        ByteArrayOutputStream value = new ByteArrayOutputStream();
        for (byte[] p : parts) {
            value.writeBytes(p);
        }
        if (value.size() > 0xFF) {
            throw new ToolkitException(ToolkitException.BAD_INPUT_PARAMETER);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        length(out, value.size());
        out.writeBytes(value.toByteArray());
        extend(out.toByteArray());
    }

    private void extend(byte[] more) {
        if (list.length + more.length > CAPACITY) {
            throw new ToolkitException(ToolkitException.HANDLER_OVERFLOW);
        }
        byte[] longer = java.util.Arrays.copyOf(list, list.length + more.length);
        System.arraycopy(more, 0, longer, list.length, more.length);
        set(longer);
    }

    private static byte[] part(byte[] b, short offset, short length) {
        Heap.bounds(b, offset, length);
        return java.util.Arrays.copyOfRange(b, offset, offset + length);
    }

    private static byte[] two(short v) {
        return new byte[] {(byte) (v >> 8), (byte) v};
    }

    @Override
    public void appendArray(byte[] buffer, short offset, short length) {
        available();
        extend(part(buffer, offset, length));
    }

    @Override
    public void appendTLV(byte tag, byte[] value, short valueOffset, short valueLength) {
        append(tag, part(value, valueOffset, valueLength));
    }

    @Override
    public void appendTLV(byte tag, byte value) {
        append(tag, new byte[] {value});
    }

    @Override
    public void appendTLV(byte tag, short value) {
        append(tag, two(value));
    }

    @Override
    public void appendTLV(byte tag, byte value1, byte value2) {
        append(tag, new byte[] {value1, value2});
    }

    @Override
    public void appendTLV(byte tag, byte value1, short value2) {
        append(tag, new byte[] {value1}, two(value2));
    }

    @Override
    public void appendTLV(byte tag, short value1, short value2) {
        append(tag, two(value1), two(value2));
    }

    @Override
    public void appendTLV(byte tag, byte value1, byte[] value2, short value2Offset, short value2Length) {
        append(tag, new byte[] {value1}, part(value2, value2Offset, value2Length));
    }

    @Override
    public void appendTLV(byte tag, byte[] value1, short value1Offset, short value1Length, byte[] value2, short value2Offset,
            short value2Length) {
        append(tag, part(value1, value1Offset, value1Length), part(value2, value2Offset, value2Length));
    }

    private static Fatal absent() {
        return new Fatal("ProactiveHandler: dialogue with a user, not on this card");
    }

    @Override
    public void initDisplayText(byte qualifier, byte dcs, byte[] buffer, short offset, short length) {
        throw absent();
    }

    @Override
    public void initGetInkey(byte qualifier, byte dcs, byte[] buffer, short offset, short length) {
        throw absent();
    }

    @Override
    public void initGetInput(byte qualifier, byte dcs, byte[] buffer, short offset, short length, short minRespLength, short maxRespLength) {
        throw absent();
    }

    @Override
    public void initCloseChannel(byte channelIdentifier) {
        throw absent();
    }
}
