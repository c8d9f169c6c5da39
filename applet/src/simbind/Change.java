package simbind;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import uicc.toolkit.ToolkitConstants;

/** What a template changes once it is complete: E0, a configuration (§4), and E2, an action (§6). */
abstract class Change extends Terminal {

    private static final byte E0 = (byte) 0xE0;
    private static final byte E2 = (byte) 0xE2;

    private static final byte BACK_UP = 0x01;
    private static final byte RESTORE = 0x02;
    private static final byte UNBIND = 0x03;
    private static final byte BIND = 0x04;
    private static final byte CLEAR = 0x05;

    /**
     * Carries out the staged template: exactly one, E0 or E2, whole or not at all; 6984 when the generation on the card is another one
     * than tag 8A says. Every action but 05 begins with take, and so does a configuration, with the old denial value.
     */
    void apply(short end) {
        byte[] staged = this.staged;
        byte which = staged[0];
        short value = value(staged, (short) 0);
        if (head(scratch, (short) 0, (short) (end - value), which) != value
                || Util.arrayCompare(scratch, (short) 0, staged, (short) 0, value) != 0) {
            wrong();
        }
        Util.setShort(ram, EXPECTED, generation());
        if (which == E0) {
            accept(value, end);
        } else {
            if (which != E2) {
                wrong();
            }
            forgetImei();
            parse(value, E2_OBJECTS, end, OFF, (short) 0);
            which = ram[ACTION];
            if ((ram[IMEI] != (byte) 0xFF) != (which == BIND)) {
                wrong();
            }
        }
        if (Util.getShort(ram, EXPECTED) != generation()) {
            ISOException.throwIt(ISO7816.SW_DATA_INVALID);
        }
        if (which == CLEAR) { // counters, log and tags 89 to 93
            Util.arrayFillNonAtomic(scratch, (short) 0, SCRATCH_SIZE, (byte) 0);
            putArray(VERIFIED, scratch, (short) 0, (short) (RETIRED - VERIFIED));
        } else {
            if (take() != 0) {
                refuse();
            }
            if (which == E0) {
                configure();
            } else if (which <= RESTORE) {
                if ((either() & BACKED) == 0 || which == BACK_UP && !(backedUp(USIM) && backedUp(GSM))) {
                    notNow();
                }
                if (which == RESTORE) {
                    restore();
                }
            } else if (which <= BIND) {
                rebind(which);
            } else {
                previous();
            }
            put(VERIFIED, (short) 0);
            endStep();
            oweRefresh((byte) 0);
        }
        if (owes()) {
            registry.setEvent(ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE);
        }
    }

    /** The configuration takes effect: one transaction. First-insert after first-insert keeps the bound IMEIs. */
    private void configure() {
        byte[] data = this.data;
        byte[] active = bank((byte) 0);
        byte[] ram = this.ram;
        refuseSubscribers(USIM);
        refuseSubscribers(GSM);
        if (Util.arrayCompare(active, (short) 0, bank((byte) 1), (short) 0,
                (short) (TEMPLATE + Util.getShort(active, (short) 0))) == 0) {
            ram[FAILURE] = data[REASON]; // it says the same as what is in force: nothing changes
            return;
        }
        settle();
        JCSystem.beginTransaction();
        if (data[BOUND] > ram[TERMINALS]) {
            data[BOUND] = ram[TERMINALS];
        }
        if (data[SCHEME] != FIRST_INSERT || ram[SCHEME] != FIRST_INSERT) {
            data[BOUND] = 0;
        }
        retire(data);
        putArray(CONFIGURATION, ram, CONFIGURATION, CONFIGURATION_SIZE);
        data[ACTIVE] ^= 1;
        raise(GENERATION, (short) 1);
        data[VERIFIED] = 0;
        data[STRICT_ROW] = 0;
        data[PENDING] = 0;
        JCSystem.commitTransaction();
    }

    /** 6A80 when the denial value that is coming is a subscriber's: the content or the backup of a copy. */
    private void refuseSubscribers(short copy) {
        if ((seen(copy) & (READ | OWN)) == READ && compare(copy, ram, DENIAL) == 0
                || data[copy] != 0 && Util.arrayCompare(data, copy, ram, DENIAL, IMSI_SIZE) == 0) {
            wrong();
        }
    }

    /**
     * Copies that hold the old denial value are restored, or given the new one when the terminal of this card session was
     * denied: location and keys go first then (§4).
     */
    private void settle() {
        byte[] ram = this.ram;
        short copy = USIM;
        if ((either() & SHUT) == 0) {
            return;
        }
        pend(BACKUP); // what a cut ends in, before the configuration is in force
        boolean deny = ram[DENIED] != 0 && ram[SCHEME] != OFF && (ram[POLICY] & OBSERVE) == 0;
        if (deny) {
            retire(ram); // until the configuration is in force nothing else knows it
            if ((ram[POLICY] & KEEP_LOCATION) == 0) {
                resetLocation();
            }
        }
        if (ram[SPOILED] != 0) {
            refuse();
        }
        do {
            if ((seen(copy) & SHUT) != 0 && !(deny ? write(copy, ram, DENIAL) : write(copy, data, copy))) {
                refuse();
            }
        } while ((copy ^= GSM) != 0);
    }

    private static void notNow() {
        ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }

    /** After take a copy has its backup, and shows it or the denial value. */
    private boolean backedUp(short copy) {
        short seen = seen(copy);
        return seen == 0 || (seen & (BACKED | READ | OWN)) == (BACKED | READ | OWN);
    }

    /** 03 and 04: EF_IMSI is restored, then the bound IMEIs and the generation change. */
    private void rebind(byte which) {
        byte[] data = this.data;
        if (data[SCHEME] != FIRST_INSERT) {
            notNow();
        }
        restore();
        JCSystem.beginTransaction();
        if (which == UNBIND) {
            data[BOUND] = 0;
        } else if (bound() != 0) {
            if (data[BOUND] >= data[TERMINALS]) {
                data[BOUND] = 0;
            }
            bind();
        }
        raise(GENERATION, (short) 1);
        JCSystem.commitTransaction();
    }

    /** 06: the replaced backups become the backups; a copy that shows the present one follows. */
    private void previous() {
        boolean any = false;
        boolean shown = false;
        short copy = USIM;
        JCSystem.beginTransaction();
        do {
            short replaced = (short) (copy + REPLACED);
            if (seen(copy) != 0 && data[replaced] != 0 && !isDenial(data, replaced)) { // a denial value of today is none to go back to
                any = true;
                shown |= (seen(copy) & (BACKED | BACKUP << OTHER | READ)) == (BACKED | READ);
                Util.arrayCopyNonAtomic(data, replaced, scratch, (short) 0, IMSI_SIZE);
                putArray(replaced, data, copy, IMSI_SIZE);
                putArray(copy, scratch, (short) 0, IMSI_SIZE);
            }
        } while ((copy ^= GSM) != 0);
        if (shown) {
            pend((short) (BACKUP | PENDING_REPLACED));
        }
        JCSystem.commitTransaction();
        if (!any) {
            notNow();
        }
        ram[LEFT] = PENDING_REPLACED;
        if (shown && !writeAll(BACKUP)) {
            refuse();
        }
    }
}
