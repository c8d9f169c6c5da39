package uicc.access;

import javacard.framework.Shareable;

/** A view on the files under the instance's access domain, with a current file of its own (TS 102 241 clause 7). */
public interface FileView extends Shareable {

    short select(short fid, byte[] fcp, short fcpOffset, short fcpLength) throws UICCException;

    void select(short fid) throws UICCException;

    void select(byte sfi) throws UICCException;

    short status(byte[] fcp, short fcpOffset, short fcpLength) throws UICCException;

    short readBinary(short fileOffset, byte[] resp, short respOffset, short respLength) throws UICCException;

    void updateBinary(short fileOffset, byte[] data, short dataOffset, short dataLength) throws UICCException;

    short readRecord(short recNumber, byte mode, short recOffset, byte[] resp, short respOffset, short respLength)
            throws UICCException;

    void updateRecord(short recNumber, byte mode, short recOffset, byte[] data, short dataOffset, short dataLength)
            throws UICCException;

    short searchRecord(byte mode, short recordNumber, short responseMaxLength, byte[] pattern, short pattOffset,
            short pattLength, short[] response, short respOffset, short respLength) throws UICCException;

    short increase(byte[] incr, short incrOffset, short incrLength, byte[] resp, short respOffset) throws UICCException;

    void deactivateFile() throws UICCException;

    void activateFile() throws UICCException;
}
