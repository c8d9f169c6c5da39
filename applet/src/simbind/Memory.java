package simbind;

import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Everything the applet remembers, and where it stands. Persistent bytes are written through {@link #put} and
 * {@link #putArray} alone, which leave alone what is as wanted and take part in the transaction that is open.
 *
 * Clause marks (§) in this package are those of the card interface.
 */
class Memory {

    // Persistent. A value that is absent is 0, and so is the byte in front of a value that may be absent.
    static final short ADF = 0; // length, AID of the ADF.USIM
    static final short ACTIVE = 17; // bank of the configuration in force: 0 none, 1, 2
    static final short FEATURES = 18; // E3 83
    static final short GENERATION = 19;
    static final short BOUND = 21; // count, 4 IMEIs
    static final short DECISION = 50;
    static final short LAST_IMEI = 51; // told, IMEI
    static final short COUNTERS = 59; // TERMINAL PROFILEs, allowed, denied, no IMEI
    static final short REASON = 67; // tag 89
    static final short ANSWER = 68; // told, general result, first additional byte
    static final short REFRESHED = 71; // told, qualifier, general result
    static final short RESETS = 74;
    static final short PENDING = 76; // target, see Copies, and the two bits below
    static final short VERIFIED = 77; // 1: the next start is not hidden
    static final short DENIED_LAST = 78; // 1: the last verdict that was carried out was a denial
    static final short STRICT = 79; // IMEI of the last strict restore, restores in a row
    static final short BACKUPS = 87; // EF_IMSI of the ADF.USIM copy, of the DF_GSM copy
    static final short REPLACED = 105; // the backups before
    static final short RETIRED = 123; // 4 plausible denial values that may still stand in a copy, newest first
    static final short LOG_NEWEST = 159; // entry of the log, 0 to 7
    static final short LOG = 160; // 8 entries of 10 bytes
    static final short SIZE = 240;

    static final byte PENDING_LOCATION = 0x10; // location and keys are due too
    static final byte PENDING_REPLACED = 0x04; // the replaced backup may still stand in a copy

    // Transient, cleared at reset.
    static final short CELL = 0; // 3 bytes on their way into persistent memory
    static final short FAILURE = 3; // tag 89 of the step under way
    static final short COPIES = 4; // copies there are, bits of Copies
    static final short READABLE = 5; // copies whose content was read
    static final short CHANGED = 6; // copies the step under way has written
    static final short CONTENT = 7; // EF_IMSI, 9 bytes a copy
    static final short WANTED = 25; // 9 bytes to write
    static final short IMEI = 34; // 7 bytes, FF when the terminal told none
    static final short PLAN = 41; // what the decision changes, bits of Access
    static final short SESSION = 42; // number of the terminal session
    static final short RUNNING = 43; // 1: TERMINAL PROFILE came; from here to DENIED a new session clears
    static final short SENDING = 44; // 1: a proactive command is under way
    static final short ASKING = 45; // PROVIDE LOCAL INFORMATION is owed, see Terminal
    static final short BUSY = 46; // busy answers to it
    static final short REPEATED = 47; // 1: asked anew because the generation changed
    static final short REFRESH = 48; // REFRESH is owed, see Terminal
    static final short QUALIFIER = 49; // of the REFRESH
    static final short REFRESH_BUSY = 50;
    static final short REFRESH_FILES = 51; // copies to list
    static final short STRICT_REFRESH = 52; // 1: the REFRESH follows a strict restore
    static final short WATCHING = 53; // 1: a STATUS will tell that the terminal came to rest
    static final short REFRESH_LOCATION = 54; // location and key files to list, a bit a row of Location
    static final short DENIED = 56; // 1: the terminal of this card session was denied
    static final short CHAIN = 57; // open, path, next block, length (2)
    static final short LOCATED = 62; // location and key files the step under way has written
    static final short SCRATCH = 64;
    static final short SCRATCH_SIZE = 96;
    static final short LEFT = 160; // the mark that stood before the write under way
    static final short SPOILED = 161; // 1: the memory refused part of the write under way; its mark stays
    static final short RAM = 162;

    // Reasons of tag 89 (§5).
    static final byte NOT_READABLE = 0x01;
    static final byte NOT_WRITABLE = 0x02;
    static final byte REFRESH_REFUSED = 0x03;
    static final byte MEMORY = 0x04;
    static final byte CONTENT_UNKNOWN = 0x05;
    static final byte RESTING = 0x06;
    static final byte SERVICE_130 = 0x07;

    final byte[] data = new byte[SIZE];
    final byte[] ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);

    void put(short at, byte value) {
        if (data[at] != value) {
            ram[CELL] = value;
            Util.arrayCopy(ram, CELL, data, at, (short) 1);
        }
    }

    void putArray(short at, byte[] from, short offset, short length) {
        if (Util.arrayCompare(from, offset, data, at, length) != 0) {
            Util.arrayCopy(from, offset, data, at, length);
        }
    }

    void putShort(short at, short value) {
        if (Util.getShort(data, at) != value) {
            Util.setShort(data, at, value);
        }
    }

    /** Marks the write that is about to begin (§8); what was due before stays due. */
    void pend(byte mark) {
        put(PENDING, (byte) (mark | data[PENDING] & (PENDING_LOCATION | PENDING_REPLACED)));
    }

    /** The memory refused a write: a file may hold anything. */
    void spoil() {
        ram[SPOILED] = 1;
        fail(MEMORY);
    }

    /** Takes the mark of the write away, unless the memory refused part of it. */
    void settled() {
        if (ram[SPOILED] == 0) {
            keep(PENDING, (byte) 0);
        }
        ram[SPOILED] = 0;
    }

    /** Writes one byte outside a transaction; a memory that refuses is noted. */
    void keep(short at, byte value) {
        try {
            put(at, value);
        } catch (CardRuntimeException e) {
            failed();
        }
    }

    /** Writes a pair that may be absent: told, first, second. */
    void keepPair(short at, byte first, byte second) {
        ram[CELL] = 1;
        ram[(short) (CELL + 1)] = first;
        ram[(short) (CELL + 2)] = second;
        try {
            putArray(at, ram, CELL, (short) 3);
        } catch (CardRuntimeException e) {
            failed();
        }
    }

    /** Raises a counter of two bytes, which stops at FFFF. */
    void raise(short at) {
        short n = Util.getShort(data, at);
        if (n != (short) 0xFFFF) {
            Util.setShort(data, at, (short) (n + 1));
        }
    }

    short generation() {
        return Util.getShort(data, GENERATION);
    }

    /** Raises the generation, FFFF to 0001 (§4), inside a transaction. */
    void nextGeneration() {
        short n = generation();
        putShort(GENERATION, n == (short) 0xFFFF ? (short) 1 : (short) (n + 1));
    }

    /** Ends a transaction that the memory refused. */
    void failed() {
        if (JCSystem.getTransactionDepth() != 0) {
            JCSystem.abortTransaction();
        }
        fail(MEMORY);
    }

    /** Notes why the step under way fails; the first reason counts. */
    void fail(byte reason) {
        if (ram[FAILURE] == 0) {
            ram[FAILURE] = reason;
        }
    }

    void beginStep() {
        ram[FAILURE] = 0;
        ram[CHANGED] = 0;
        ram[SPOILED] = 0;
        Util.setShort(ram, LOCATED, (short) 0);
    }

    /** Stores the reason of a step that failed, or that it did not; a step that only looks leaves an older reason standing. */
    void endStep(boolean looked) {
        byte reason = ram[FAILURE];
        if (reason != 0 || !looked) {
            keep(REASON, reason);
        }
        ram[FAILURE] = 0;
    }

    static boolean same(byte[] a, short aOffset, byte[] b, short bOffset, short length) {
        return Util.arrayCompare(a, aOffset, b, bOffset, length) == 0;
    }
}
