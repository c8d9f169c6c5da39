package uicc.toolkit;

/** A read-only list of COMPREHENSION-TLV objects (TS 102 241 clause 6.6). */
public interface ViewHandler {

    short getLength() throws ToolkitException;

    short copy(byte[] dstBuffer, short dstOffset, short dstLength) throws ToolkitException;

    byte findTLV(byte tag, byte occurrence) throws ToolkitException;

    short getValueLength() throws ToolkitException;

    byte getValueByte(short valueOffset) throws ToolkitException;

    short getValueShort(short valueOffset) throws ToolkitException;

    short copyValue(short valueOffset, byte[] dstBuffer, short dstOffset, short dstLength) throws ToolkitException;

    byte compareValue(short valueOffset, byte[] compareBuffer, short compareOffset, short compareLength)
            throws ToolkitException;

    short findAndCopyValue(byte tag, byte[] dstBuffer, short dstOffset) throws ToolkitException;

    short findAndCopyValue(byte tag, byte occurrence, short valueOffset, byte[] dstBuffer, short dstOffset,
            short dstLength) throws ToolkitException;

    byte findAndCompareValue(byte tag, byte[] compareBuffer, short compareOffset) throws ToolkitException;

    byte findAndCompareValue(byte tag, byte occurrence, short valueOffset, byte[] compareBuffer, short compareOffset,
            short compareLength) throws ToolkitException;

    short getCapacity();
}
