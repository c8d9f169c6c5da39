package uicc.toolkit;

/** The TERMINAL RESPONSE to the last proactive command. */
public interface ProactiveResponseHandler extends ViewHandler {

    byte getGeneralResult() throws ToolkitException;

    short getAdditionalInformationLength() throws ToolkitException;

    short copyAdditionalInformation(byte[] dstBuffer, short dstOffset, short dstLength) throws ToolkitException;

    byte getItemIdentifier() throws ToolkitException;

    short getTextStringLength() throws ToolkitException;

    byte getTextStringCodingScheme() throws ToolkitException;

    short copyTextString(byte[] dstBuffer, short dstOffset) throws ToolkitException;

    byte getChannelIdentifier() throws ToolkitException;

    short getChannelStatus(byte channelIdentifier) throws ToolkitException;

    short copyChannelData(byte[] dstBuffer, short dstOffset, short dstLength) throws ToolkitException;
}
