package simbind;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;
import uicc.access.UICCSystem;

/**
 * The two trees the applet sees: ADF.USIM, when its AID was told at installation, and MF. Rights are those of the access
 * domain (TS 102 226 clause 8.2.1.3.2.5).
 */
abstract class Files extends Configuration {

    /** Where a file stands: USIM, GSM, or this. */
    static final byte USIM_5GS = 1;

    static final short EF_IMSI = 0x6F07;

    private static final short ADF_USIM = 0x7FFF;
    private static final short DF_GSM = 0x7F20;
    private static final short DF_5GS = 0x5FC0;
    private static final short EF_UST = 0x6F38;

    private static final byte TAG_FCP = 0x62;
    private static final byte TAG_PROPRIETARY = (byte) 0xA5;
    private static final byte TAG_LINK = (byte) 0x9B;

    private FileView mf;
    private FileView adf;

    /** Gets the views, once, after the instance is registered. A card without the ADF leaves it unreadable. */
    void openFiles() {
        mf = UICCSystem.getTheUICCView(JCSystem.CLEAR_ON_RESET);
        if (data[ADF] != 0) {
            adf = UICCSystem.getTheFileView(data, (short) (ADF + 1), data[ADF], JCSystem.CLEAR_ON_RESET);
        }
    }

    /** Makes a file current and leaves its FCP in SCRATCH (TS 102 221 clause 11.1.1.3). */
    FileView select(short where, short fid) {
        FileView view = adf;
        short directory = ADF_USIM;
        if (where == GSM) {
            view = mf;
            directory = DF_GSM; // below the MF, or current already
        }
        if (view == null) {
            UICCException.throwIt(UICCException.FILE_NOT_FOUND);
        }
        view.select(directory);
        if (where == USIM_5GS) {
            view.select(DF_5GS);
        }
        view.select(fid, scratch, (short) 0, SCRATCH_SIZE);
        return view;
    }

    /** An object of the FCP in SCRATCH: where its value stands, -1 when it is not there. */
    short attribute(byte tag) {
        return scratch[0] == TAG_FCP ? find(tag, value(scratch, (short) 0)) : (short) -1;
    }

    /**
     * Where the value of the first object with the tag stands in the template whose value begins at that place of SCRATCH, -1 when
     * there is none. Its length is the byte before.
     */
    private short find(byte tag, short next) {
        byte[] b = scratch;
        short end = (short) (next + (b[(short) (next - 1)] & 0xFF));
        if (end > SCRATCH_SIZE) {
            end = SCRATCH_SIZE;
        }
        short at;
        do {
            at = (short) (next + 2);
            if (at > end) {
                return (short) -1;
            }
            next = (short) (at + (b[(short) (at - 1)] & 0xFF));
        } while (next > end || b[(short) (at - 2)] != tag);
        return at;
    }

    /** Whether the FCP says that the file is the image of another EF_IMSI: tag 9B, a path, among the proprietary objects. */
    boolean linked() {
        short at = attribute(TAG_PROPRIETARY);
        if (at >= 0) {
            at = find(TAG_LINK, at);
        }
        return at >= 0 && Util.getShort(scratch, (short) (at + (scratch[(short) (at - 1)] & 0xFF) - 2)) == EF_IMSI;
    }

    /** Why no copy can be read: UST service 130 (TS 31.102 clause 4.2.8, byte 17 b2) says that there is no EF_IMSI, or else. */
    byte unreadable() {
        try {
            select(USIM, EF_UST).readBinary((short) 16, scratch, (short) 0, (short) 1);
            if ((scratch[0] & 0x02) != 0) {
                return SERVICE_130;
            }
        } catch (UICCException e) {
            // it does not say
        }
        return NOT_READABLE;
    }
}
