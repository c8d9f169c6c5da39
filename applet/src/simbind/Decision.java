package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** The decision (§8.5, S4 to S6) on the IMEI in transient memory, and the transaction it is stored in. */
abstract class Decision extends Access {

    // Tag 82 (§5).
    static final short BOUND_NOW = 0x01;
    static final short ALLOWED = 0x02;
    static final short DENIED_OTHER = 0x03;
    static final short DENIED_NO_IMEI = 0x04;
    // 0x05 is ALLOWED_NO_IMEI, the one behind DENIED_NO_IMEI
    static final short ALLOWED_OFF = 0x06;
    static final short NOT_ENFORCED = 0x07;
    static final short PENDING_NOW = 0x08;

    /** The log (§7, E4): decision, IMEI, number of the TERMINAL PROFILE. */
    static final short ENTRY = 10;
    static final short ENTRIES_LOGGED = 8;

    /** Where the counter of a decision stands behind that of TERMINAL PROFILEs (§5, tag 85), which pending counts; 07 has none. */
    private static final byte[] COUNTER = {0, 2, 2, 4, 6, 6, 2, 0, 0};

    /** The terminal told no IMEI, or none that is valid. */
    void forgetImei() {
        Util.arrayFillNonAtomic(ram, IMEI, IMEI_SIZE, (byte) 0xFF);
    }

    /**
     * Decides, after take, scheme off or unconfigured (§8.3) or on the IMEI, and carries the decision out: location and keys, then the
     * copies, then EF_IPS; when a copy did change, REFRESH is owed.
     */
    void decide() {
        short decision = NOT_ENFORCED;
        if (data[SCHEME] == OFF) {
            forgetImei();
            decision = ALLOWED_OFF;
        } else if ((either() & BACKED) != 0) {
            decision = verdict();
        }
        if (decision == DENIED_OTHER || decision == DENIED_NO_IMEI) {
            ram[DENIED] = 1;
        }
        short plan = store(decision);
        if (plan < 0) {
            endStep();
            return;
        }
        if ((plan & PENDING_LOCATION) != 0) {
            resetLocation();
        }
        if (plan > TO_DENIAL) {
            writeAll(plan);
        }
        if (plan != 0 && decision != ALLOWED_OFF && has(EF_IPS) != 0) {
            writePairingStatus((short) ((plan & TO_DENIAL) << 1));
        }
        endStep();
        oweRefresh((byte) (plan & STRICTLY));
    }

    private short verdict() {
        if (ram[IMEI] == (byte) 0xFF) {
            return (short) (DENIED_NO_IMEI + has(ALLOW_NO_IMEI));
        }
        if (data[SCHEME] == PRESET) {
            return (short) (ALLOWED + admits((short) 1));
        }
        if (data[BOUND] == 0) {
            return (short) (BOUND_NOW + (admits((short) 0) << 1));
        }
        return (short) (ALLOWED + bound());
    }

    /** 0 when the IMEI is a bound one, else 1: only equality counts. */
    short bound() {
        for (short n = data[BOUND]; --n >= 0;) {
            if (Util.arrayCompare(data, place(n), ram, IMEI, IMEI_SIZE) == 0) {
                return 0;
            }
        }
        return 1;
    }

    /** Where the nth bound IMEI stands. */
    static short place(short n) {
        return (short) (BOUND + 1 + n * IMEI_SIZE);
    }

    /** Adds the IMEI to the bound ones, inside a transaction. */
    void bind() {
        byte count = data[BOUND];
        putArray(place(count), ram, IMEI, IMEI_SIZE);
        put(BOUND, (short) (count + 1));
    }

    /**
     * Decision, IMEI, bound entry, counters, log and pending target, or that the decision is pending: one transaction. Gives the plan,
     * -1 when the memory refused.
     */
    short store(short decision) {
        short plan = 0;
        try {
            JCSystem.beginTransaction();
            put(DECISION, decision);
            if (decision != NOT_ENFORCED) {
                raise((short) (COUNTERS + COUNTER[decision]), (short) -1);
            }
            if (decision != PENDING_NOW) {
                if (decision == BOUND_NOW) {
                    bind();
                }
                log(decision);
                Util.setShort(data, RESETS, (short) 0);
                if (decision != NOT_ENFORCED && (decision == ALLOWED_OFF || has(OBSERVE) == 0)) {
                    plan = mark();
                }
            }
            JCSystem.commitTransaction();
        } catch (CardRuntimeException e) {
            failed();
            plan = -1;
        }
        return plan;
    }

    /** Where the nth newest entry of the log stands. */
    short logEntry(short n) {
        return (short) (LOG + ENTRY * (data[LOG_NEWEST] - n & ENTRIES_LOGGED - 1));
    }

    /** Keeps the IMEI that was told, and adds an entry when decision or IMEI differs from the newest. */
    private void log(short decision) {
        byte[] scratch = this.scratch;
        byte[] data = this.data;
        scratch[0] = (byte) decision;
        Util.arrayCopyNonAtomic(ram, IMEI, scratch, (short) 1, IMEI_SIZE);
        if (ram[IMEI] != (byte) 0xFF) {
            putArray(LAST_IMEI, scratch, (short) 0, (short) (1 + IMEI_SIZE));
        }
        if (Util.arrayCompare(data, logEntry((short) 0), scratch, (short) 0, (short) (1 + IMEI_SIZE)) != 0) {
            Util.arrayCopyNonAtomic(data, COUNTERS, scratch, (short) (1 + IMEI_SIZE), (short) 2);
            put(LOG_NEWEST, (short) (data[LOG_NEWEST] + 1));
            putArray(logEntry((short) 0), scratch, (short) 0, ENTRY);
        }
    }
}
