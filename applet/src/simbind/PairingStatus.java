package simbind;

import uicc.access.FileView;
import uicc.access.UICCException;

/** EF_IPS (§8.8, TS 31.102 clause 4.2.101): OK or KO in ASCII, for the staff at the place. A diagnosis, not a decision. */
class PairingStatus extends Location {

    private static final short FID = 0x6FF1;
    private static final short RECORD = 4;
    private static final byte PREVIOUS = 0x03;
    private static final byte ABSOLUTE = 0x04;
    private static final byte[] OK = {0x4F, 0x4B, (byte) 0xFF, (byte) 0xFF};
    private static final byte[] KO = {0x4B, 0x4F, (byte) 0xFF, (byte) 0xFF};

    /** Writes the outcome as the oldest record, when it differs from the newest. A newest with a link is another applet's. */
    void writePairingStatus(boolean allowed) {
        byte[] outcome = allowed ? OK : KO;
        try {
            FileView view = select(Files.USIM, FID);
            view.readRecord((short) 1, ABSOLUTE, (short) 0, ram, Memory.SCRATCH, RECORD);
            if (ram[(short) (Memory.SCRATCH + 2)] == (byte) 0xFF && !Memory.same(ram, Memory.SCRATCH, outcome, (short) 0, RECORD)) {
                view.updateRecord((short) 0, PREVIOUS, (short) 0, outcome, (short) 0, RECORD);
            }
        } catch (UICCException e) {
            // absent, or refused
        }
    }
}
