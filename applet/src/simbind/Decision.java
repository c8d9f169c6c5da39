package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** The decision (§8.5, S4 to S6) on the IMEI in transient memory, and the transaction it is stored in. */
class Decision extends Access {

    // Tag 82 (§5).
    static final byte BOUND_NOW = 0x01;
    static final byte ALLOWED = 0x02;
    static final byte DENIED = 0x03;
    static final byte DENIED_NO_IMEI = 0x04;
    static final byte ALLOWED_NO_IMEI = 0x05;
    static final byte ALLOWED_OFF = 0x06;
    static final byte NOT_ENFORCED = 0x07;
    static final byte PENDING = 0x08;

    static boolean denies(byte decision) {
        return decision == DENIED || decision == DENIED_NO_IMEI;
    }

    /** The terminal told no IMEI, or none that is valid. */
    void forgetImei() {
        Util.arrayFillNonAtomic(ram, Memory.IMEI, Imei.SIZE, (byte) 0xFF);
    }

    private boolean told() {
        return ram[Memory.IMEI] != (byte) 0xFF;
    }

    /** Scheme off or unconfigured (§8.3): allowed. */
    void allowOff() {
        forgetImei();
        commit(ALLOWED_OFF);
    }

    /** Decides on the IMEI. Take runs first, so that what an issuer wrote while the terminal was thinking counts. */
    void decide() {
        beginStep();
        take();
        if (!deciding()) { // switched off while the terminal was thinking
            allowOff();
            return;
        }
        if (!anyBackup()) {
            commit(NOT_ENFORCED);
            return;
        }
        byte decision = verdict();
        ram[Memory.DENIED] = denies(decision) ? (byte) 1 : (byte) 0;
        commit(decision);
    }

    private byte verdict() {
        if (!told()) {
            return has(ALLOW_NO_IMEI) ? ALLOWED_NO_IMEI : DENIED_NO_IMEI;
        }
        if (scheme(active()) == PRESET) {
            return admits(ram, Memory.IMEI, false) ? ALLOWED : DENIED;
        }
        if (data[Memory.BOUND] == 0) {
            return admits(ram, Memory.IMEI, true) ? BOUND_NOW : DENIED;
        }
        return bound(ram, Memory.IMEI) ? ALLOWED : DENIED;
    }

    /** Whether the IMEI is a bound one: only equality counts. */
    boolean bound(byte[] b, short at) {
        for (byte n = data[Memory.BOUND]; n > 0; n--) {
            if (Memory.same(data, place((byte) (n - 1)), b, at, Imei.SIZE)) {
                return true;
            }
        }
        return false;
    }

    /** Where the n-th bound IMEI stands. */
    static short place(byte n) {
        return (short) (Memory.BOUND + 1 + n * Imei.SIZE);
    }

    /** Adds a bound IMEI, inside a transaction. */
    void bind(byte[] b, short at) {
        byte count = data[Memory.BOUND];
        putArray(place(count), b, at, Imei.SIZE);
        put(Memory.BOUND, (byte) (count + 1));
    }

    /** Decision, IMEI, bound entry, counters, log and pending target: one transaction. Then the switch. */
    private void commit(byte decision) {
        plan(decision);
        try {
            JCSystem.beginTransaction();
            put(Memory.DECISION, decision);
            if (told()) {
                put(Memory.LAST_IMEI, (byte) 1);
                putArray((short) (Memory.LAST_IMEI + 1), ram, Memory.IMEI, Imei.SIZE);
            }
            if (decision == BOUND_NOW) {
                bind(ram, Memory.IMEI);
            }
            countDecision(decision);
            addLog(decision);
            putShort(Memory.RESETS, (short) 0);
            mark();
            JCSystem.commitTransaction();
        } catch (CardRuntimeException e) {
            failed();
            endStep(false);
            return;
        }
        carryOut();
    }
}
