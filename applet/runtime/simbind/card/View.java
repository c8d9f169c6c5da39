package simbind.card;

import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import uicc.access.FileView;
import uicc.access.UICCConstants;
import uicc.access.UICCException;

/** A file view: the files, their current one and the rights on them are the card's (TS 102 241 clause 7). */
public final class View implements FileView, Leaf {
    private final byte[] adf; // null: the MF tree
    private final byte event;
    private final int number;

    View(byte[] adf, byte event, int number) {
        this.adf = adf;
        this.event = event;
        this.number = number;
    }

    /** A new view; null before the applet is registered, and of an ADF that is not there. */
    public static View open(byte[] adf, byte event) {
        Card card = Call.now().card;
        if (event != JCSystem.CLEAR_ON_RESET) { // the only kind this card has room for
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        if (!card.registered()) {
            return null;
        }
        card.heap.allocating();
        if (Call.now().service(Service.OPEN_VIEW, new Frame.Out().bytes(adf)).u16() != 0) {
            return null;
        }
        return new View(adf, event, card.nextView());
    }

    @Override
    public void write(Frame.Out out) {
        out.u8('V').bytes(adf).u8(event).u8(number);
    }

    private Frame.Out arguments() {
        return new Frame.Out().u8(number).bytes(adf);
    }

    private static Frame check(Frame answer) {
        int reason = answer.u16();
        if (reason != 0) {
            throw new UICCException((short) reason);
        }
        return answer;
    }

    private static Frame ask(int service, Frame.Out arguments) {
        return check(Call.now().service(service, arguments));
    }

    @Override
    public short select(short fid, byte[] fcp, short fcpOffset, short fcpLength) {
        byte[] all = ask(Service.SELECT, arguments().u16(fid)).bytes();
        int n = Math.min(all.length, fcpLength);
        Call.now().card.heap.copy(all, 0, fcp, fcpOffset, n);
        return (short) n;
    }

    @Override
    public void select(short fid) {
        ask(Service.SELECT, arguments().u16(fid));
    }

    @Override
    public short readBinary(short fileOffset, byte[] resp, short respOffset, short respLength) {
        Heap.bounds(resp, respOffset, respLength);
        byte[] all = ask(Service.READ_BINARY, arguments().u16(fileOffset).u16(respLength)).bytes();
        Call.now().card.heap.copyNonAtomic(all, 0, resp, respOffset, all.length);
        return (short) (respOffset + all.length);
    }

    @Override
    public void updateBinary(short fileOffset, byte[] data, short dataOffset, short dataLength) {
        Heap.bounds(data, dataOffset, dataLength);
        ask(Service.UPDATE_BINARY, arguments().u16(fileOffset).bytes(data, dataOffset, dataLength));
    }

    @Override
    public short readRecord(short recNumber, byte mode, short recOffset, byte[] resp, short respOffset, short respLength) {
        Heap.bounds(resp, respOffset, respLength);
        if (mode != UICCConstants.REC_ACC_MODE_ABSOLUTE_CURRENT || recNumber < 1) {
            throw new UICCException(UICCException.INVALID_MODE);
        }
        byte[] all = ask(Service.READ_RECORD, arguments().u16(recNumber)).bytes();
        if (recOffset < 0 || recOffset + respLength > all.length) {
            throw new UICCException(UICCException.OUT_OF_RECORD_BOUNDARIES);
        }
        Call.now().card.heap.copyNonAtomic(all, recOffset, resp, respOffset, respLength);
        return (short) (respOffset + respLength);
    }

    /** PREVIOUS is the oldest record of a cyclic file. */
    @Override
    public void updateRecord(short recNumber, byte mode, short recOffset, byte[] data, short dataOffset, short dataLength) {
        Heap.bounds(data, dataOffset, dataLength);
        boolean oldest = mode == UICCConstants.REC_ACC_MODE_PREVIOUS && recNumber == 0;
        if (!oldest && (mode != UICCConstants.REC_ACC_MODE_ABSOLUTE_CURRENT || recNumber < 1)) {
            throw new UICCException(UICCException.INVALID_MODE);
        }
        ask(Service.UPDATE_RECORD, arguments().u16(oldest ? 0 : recNumber).u16(recOffset).bytes(data, dataOffset, dataLength));
    }

    @Override
    public void deactivateFile() {
        ask(Service.DEACTIVATE, arguments());
    }

    @Override
    public void activateFile() {
        ask(Service.ACTIVATE, arguments());
    }

    @Override
    public void select(byte sfi) {
        throw new Fatal("FileView.select by SFI: not on this card");
    }

    @Override
    public short status(byte[] fcp, short fcpOffset, short fcpLength) {
        throw new Fatal("FileView.status: not on this card");
    }

    @Override
    public short searchRecord(byte mode, short recordNumber, short responseMaxLength, byte[] pattern, short pattOffset, short pattLength,
            short[] response, short respOffset, short respLength) {
        throw new Fatal("FileView.searchRecord: not on this card");
    }

    @Override
    public short increase(byte[] incr, short incrOffset, short incrLength, byte[] resp, short respOffset) {
        throw new Fatal("FileView.increase: not on this card");
    }
}
