package uicc.toolkit;

/** A list of COMPREHENSION-TLV objects that can be written. */
public interface EditHandler extends ViewHandler {

    void clear() throws ToolkitException;

    void appendArray(byte[] buffer, short offset, short length) throws ToolkitException;

    void appendTLV(byte tag, byte[] value, short valueOffset, short valueLength) throws ToolkitException;

    void appendTLV(byte tag, byte value) throws ToolkitException;

    void appendTLV(byte tag, short value) throws ToolkitException;

    void appendTLV(byte tag, byte value1, byte value2) throws ToolkitException;

    void appendTLV(byte tag, byte value1, short value2) throws ToolkitException;

    void appendTLV(byte tag, short value1, short value2) throws ToolkitException;

    void appendTLV(byte tag, byte value1, byte[] value2, short value2Offset, short value2Length)
            throws ToolkitException;

    void appendTLV(byte tag, byte[] value1, short value1Offset, short value1Length, byte[] value2, short value2Offset,
            short value2Length) throws ToolkitException;
}
