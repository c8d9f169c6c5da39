package simbind;

import javacard.framework.Applet;
import javacard.framework.CardRuntimeException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Everything the applet remembers, and where it stands. Persistent bytes are written through {@link #put} and
 * {@link #putArray}, which leave alone what is as wanted and take part in the transaction that is open; inside a transaction that
 * writes all the same, also straight.
 *
 * What code names often has a place below 128: it takes a byte less to push.
 *
 * Clause marks (§) in this package are those of the card interface.
 */
abstract class Memory extends Applet {

    /** Bytes of an IMEI: TAC and SNR, 14 digits, first digit high (§0, TS 23.003 clause 6); the check digit is never looked at. */
    static final short IMEI_SIZE = 7;

    /** Bytes of EF_IMSI (TS 31.102 clause 4.2.2). */
    static final short IMSI_SIZE = 9;

    // The two copies of EF_IMSI (§1). A copy is named by the place of its bytes, in data and in ram alike.
    static final short USIM = 0;
    static final short GSM = 18;
    static final short REPLACED = 9; // in data, behind the backup: the one before
    static final short STATE = 9; // in ram, behind the content: 0 absent, else 1, and READ

    // Both in data and in ram: the configuration in force, and the one that is coming (§4), as it is read back.
    static final short CONFIGURATION = 36; // 80 01 s 83 01 p 84 09 … 85 01 r 86 01 n
    static final short SCHEME = 38;
    static final short POLICY = 41;
    static final short DENIAL = 44;
    static final short QUALIFIER = 55;
    static final short TERMINALS = 58;
    static final short CONFIGURATION_SIZE = 23;

    // Persistent. A value that is absent is 0, and so is the byte in front of a value that may be absent.
    static final short VERSION = 59; // applet (2), interface, patterns and ranges
    static final short FEATURES = 63; // E3 83
    static final short GENERATION = 64;
    static final short ACTIVE = 66; // which bank holds the template in force
    static final short PENDING = 67; // target, see Copies, and the two bits below
    static final short DENIED_LAST = 68; // not 0: the last verdict that was carried out was a denial
    static final short DECISION = 69;
    static final short STRICT_ROW = 70; // strict restores in a row
    static final short ADF = 71; // length, AID of the ADF.USIM
    static final short BOUND = 88; // count, 4 IMEIs
    static final short VERIFIED = 117; // 1: the next start is not hidden; from here to RETIRED action 05 clears
    static final short LOG_NEWEST = 118; // entry of the log, its last three bits
    static final short RESETS = 119;
    static final short REASON = 121; // tag 89
    static final short COUNTERS = 122; // TERMINAL PROFILEs, allowed, denied, no IMEI
    static final short ANSWER = 130; // told, general result, first additional byte
    static final short REFRESHED = 133; // told, qualifier, general result
    static final short LOG = 136; // 8 entries of 10 bytes
    static final short RETIRED = 216; // 4 denial values that may still stand in a copy, newest first; the default one where none was
    static final short RETIRED_END = 252;
    static final short LAST_IMEI = 252; // told (the decision), IMEI
    static final short STRICT = 260; // IMEI of the last strict restore
    static final short SIZE = 267;

    static final byte PENDING_LOCATION = 0x10; // location and keys are due too
    static final byte PENDING_REPLACED = 0x04; // the replaced backup may still stand in a copy

    // Transient, cleared at reset.
    static final short LEFT = 10; // the mark that stood before the write under way
    static final short SPOILED = 11; // 1: the memory refused part of the write under way; its mark stays
    static final short FAILURE = 12; // tag 89 of the step under way
    static final short CHANGED = 13; // 3 bytes: files the step under way has written, a bit a row of Location, the copies first
    static final short IMEI = 59; // 7 bytes, FF when the terminal told none
    static final short DENIED = 66; // 1: the terminal of this card session was denied; from here to ACTION a new session clears
    static final short RUNNING = 67; // 1: TERMINAL PROFILE came
    static final short SENDING = 68; // 1: a proactive command is under way
    static final short ASKING = 69; // PROVIDE LOCAL INFORMATION is owed, see Terminal
    static final short BUSY = 70; // busy answers to it
    static final short REPEATED = 71; // 1: asked anew because the generation changed
    static final short REFRESH = 72; // REFRESH is owed, see Terminal
    static final short LISTED = 73; // files to list in it, as CHANGED
    static final short REFRESH_QUALIFIER = 76;
    static final short REFRESH_BUSY = 77;
    static final short STRICT_REFRESH = 78; // not 0: the REFRESH follows a strict restore
    static final short WATCHING = 79; // not 0: a STATUS will tell that the terminal came to rest
    static final short ACTION = 80; // of E2
    static final short EXPECTED = 81; // generation of tag 8A
    static final short CHAIN = 83; // path, next block, length (2), see BindingApplet
    static final short SHOWN = 87; // what a report works out: tag 80 of E1, whether there is an 81, 81, 87, 89; 85 of E3
    static final short SENT = 93; // files the REFRESH under way lists
    static final short RAM = 96;

    /** Files are looked at here, and lists and log entries are put together. */
    static final short SCRATCH_SIZE = 118;

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
    final byte[] scratch = JCSystem.makeTransientByteArray(SCRATCH_SIZE, JCSystem.CLEAR_ON_RESET);

    void put(short at, short value) {
        if (data[at] != value) {
            data[at] = (byte) value;
        }
    }

    void putArray(short at, byte[] from, short offset, short length) {
        if (Util.arrayCompare(from, offset, data, at, length) != 0) {
            Util.arrayCopy(from, offset, data, at, length);
        }
    }

    /** Marks the write that is about to begin (§8); what was due before stays due. */
    void pend(short mark) {
        put(PENDING, (short) (mark | data[PENDING] & (PENDING_LOCATION | PENDING_REPLACED)));
    }

    /** Writes one byte outside a transaction; a memory that refuses is noted. */
    void keep(short at, short value) {
        try {
            put(at, value);
        } catch (CardRuntimeException e) {
            failed();
        }
    }

    /** Writes a pair that may be absent: told, first, second. */
    void keepPair(short at, byte first, byte second) {
        scratch[0] = 1;
        scratch[1] = first;
        scratch[2] = second;
        try {
            putArray(at, scratch, (short) 0, (short) 3);
        } catch (CardRuntimeException e) {
            failed();
        }
    }

    /** Raises a counter of two bytes, behind FFFF to the end: FFFF, where it stops, or for a generation 0001 (§4). */
    void raise(short at, short end) {
        short n = (short) (Util.getShort(data, at) + 1);
        Util.setShort(data, at, n == 0 ? end : n);
    }

    short generation() {
        return Util.getShort(data, GENERATION);
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

    /** Stores the reason of a step that failed, or that it did not. */
    void endStep() {
        keep(REASON, ram[FAILURE]);
        ram[FAILURE] = 0;
    }
}
