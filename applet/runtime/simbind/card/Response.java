package simbind.card;

import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ToolkitException;

/** The TERMINAL RESPONSE to the last proactive command of a call; there is none before the first. */
final class Response extends Tlvs implements ProactiveResponseHandler {
    private static final byte RESULT = 0x03;

    private boolean answered;

    void answered(byte[] objects) {
        answered = true;
        set(objects);
    }

    @Override
    void available() {
        if (!answered || Call.now().response != this) {
            throw new ToolkitException(ToolkitException.HANDLER_NOT_AVAILABLE);
        }
    }

    private void result() {
        if (findTLV(RESULT, (byte) 1) == 0) {
            throw new ToolkitException(ToolkitException.UNAVAILABLE_ELEMENT);
        }
    }

    @Override
    public byte getGeneralResult() {
        result();
        return getValueByte((short) 0);
    }

    @Override
    public short getAdditionalInformationLength() {
        result();
        return (short) (getValueLength() - 1);
    }

    @Override
    public short copyAdditionalInformation(byte[] dstBuffer, short dstOffset, short dstLength) {
        result();
        return copyValue((short) 1, dstBuffer, dstOffset, dstLength);
    }

    private static Fatal absent() {
        return new Fatal("ProactiveResponseHandler: what belongs to commands this card does not send");
    }

    @Override
    public byte getItemIdentifier() {
        throw absent();
    }

    @Override
    public short getTextStringLength() {
        throw absent();
    }

    @Override
    public byte getTextStringCodingScheme() {
        throw absent();
    }

    @Override
    public short copyTextString(byte[] dstBuffer, short dstOffset) {
        throw absent();
    }

    @Override
    public byte getChannelIdentifier() {
        throw absent();
    }

    @Override
    public short getChannelStatus(byte channelIdentifier) {
        throw absent();
    }

    @Override
    public short copyChannelData(byte[] dstBuffer, short dstOffset, short dstLength) {
        throw absent();
    }
}
