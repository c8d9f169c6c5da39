package uicc.toolkit;

/** Builds and sends one proactive command; send waits for its TERMINAL RESPONSE (TS 102 241 clause 6.6). */
public interface ProactiveHandler extends EditHandler {

    void init(byte type, byte qualifier, byte dstDevice) throws ToolkitException;

    byte send() throws ToolkitException;

    void initDisplayText(byte qualifier, byte dcs, byte[] buffer, short offset, short length) throws ToolkitException;

    void initGetInkey(byte qualifier, byte dcs, byte[] buffer, short offset, short length) throws ToolkitException;

    void initGetInput(byte qualifier, byte dcs, byte[] buffer, short offset, short length, short minRespLength,
            short maxRespLength) throws ToolkitException;

    void initCloseChannel(byte channelIdentifier) throws ToolkitException;

    void initMoreTime() throws ToolkitException;
}
