package simbind;

import javacard.framework.Util;

/** Counters (§5, tag 85) and the log (§7, E4). Written inside the transaction of a decision. */
class Log extends Backup {

    static final short ENTRY = 10; // decision, IMEI, number of the TERMINAL PROFILE
    static final short ENTRIES = 8;
    private static final short LAST = 7; // a mask, ENTRIES being a power of two

    // Places in the counters.
    private static final short PROFILES = 0;
    private static final short ALLOWED = 2;
    private static final short DENIED = 4;
    private static final short NO_IMEI = 6;

    void countProfile() {
        raise((short) (Memory.COUNTERS + PROFILES));
    }

    /** Files a decision under its counter; 07 is none of them. */
    void countDecision(byte decision) {
        switch (decision) {
            case Decision.BOUND_NOW:
            case Decision.ALLOWED:
            case Decision.ALLOWED_OFF:
                raise((short) (Memory.COUNTERS + ALLOWED));
                break;
            case Decision.DENIED:
                raise((short) (Memory.COUNTERS + DENIED));
                break;
            case Decision.DENIED_NO_IMEI:
            case Decision.ALLOWED_NO_IMEI:
                raise((short) (Memory.COUNTERS + NO_IMEI));
                break;
            default:
                break;
        }
    }

    /** Where the n-th newest entry stands. */
    short logEntry(short n) {
        return (short) (Memory.LOG + ENTRY * ((data[Memory.LOG_NEWEST] - n) & LAST));
    }

    /** Adds an entry when decision or IMEI differs from the newest. */
    void addLog(byte decision) {
        short newest = logEntry((short) 0);
        if (data[newest] == decision && Memory.same(ram, Memory.IMEI, data, (short) (newest + 1), Imei.SIZE)) {
            return;
        }
        ram[Memory.SCRATCH] = decision;
        Util.arrayCopyNonAtomic(ram, Memory.IMEI, ram, (short) (Memory.SCRATCH + 1), Imei.SIZE);
        Util.arrayCopyNonAtomic(data, Memory.COUNTERS, ram, (short) (Memory.SCRATCH + 1 + Imei.SIZE), (short) 2);
        put(Memory.LOG_NEWEST, (byte) ((data[Memory.LOG_NEWEST] + 1) & LAST));
        putArray(logEntry((short) 0), ram, Memory.SCRATCH, ENTRY);
    }
}
