package probe;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.TransactionException;
import javacard.framework.Util;
import org.globalplatform.Application;
import org.globalplatform.GPSystem;
import org.globalplatform.SecureChannel;
import uicc.access.FileView;
import uicc.access.UICCException;
import uicc.access.UICCSystem;
import uicc.toolkit.ProactiveHandler;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ProactiveResponseHandler;
import uicc.toolkit.ProactiveResponseHandlerSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;

/** Uses every service of the card, one command each, for the tests of the runtime. */
public class Probe extends Applet implements ToolkitInterface, AppletEvent, Application {
    static final byte[] TABLE = {0x11, 0x22, 0x33};
    static byte count = 7;
    static boolean once;

    private byte[] memory;
    private short[] shorts;
    private boolean[] flags;
    private Node[] nodes;
    private Node first;
    private byte b;
    private short s;
    private boolean z;
    private byte[] transientReset;
    private byte[] transientDeselect;
    private byte[] parameters;
    private AID adf;
    private FileView mf;
    private FileView usim;
    private ToolkitRegistry registry;
    private byte timer;
    private byte[] log;
    private short logged;
    private Object any;

    private Probe(byte[] bArray, short offset) {
        short aid = offset;
        short privileges = (short) (aid + bArray[aid] + 1);
        short own = (short) (privileges + bArray[privileges] + 1);
        memory = new byte[64];
        shorts = new short[4];
        flags = new boolean[4];
        nodes = new Node[3];
        first = new Node(new Node(null, (byte) 2), (byte) 1);
        nodes[0] = first;
        transientReset = JCSystem.makeTransientByteArray((short) 16, JCSystem.CLEAR_ON_RESET);
        transientDeselect = JCSystem.makeTransientByteArray((short) 8, JCSystem.CLEAR_ON_DESELECT);
        parameters = new byte[bArray[own]];
        Util.arrayCopy(bArray, (short) (own + 1), parameters, (short) 0, bArray[own]);
        log = new byte[48];
        if (parameters.length > 0 && parameters[0] == (byte) 0xEE) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        if (UICCSystem.getTheUICCView(JCSystem.CLEAR_ON_RESET) != null || ToolkitRegistrySystem.getEntry() != null) {
            ISOException.throwIt(ISO7816.SW_UNKNOWN); // there is neither before register
        }
        register(bArray, (short) (aid + 1), bArray[aid]);
        mf = UICCSystem.getTheUICCView(JCSystem.CLEAR_ON_RESET);
        if (parameters.length > 2) {
            adf = new AID(parameters, (short) 2, parameters[1]);
            usim = UICCSystem.getTheFileView(adf, JCSystem.CLEAR_ON_RESET);
        }
        registry = ToolkitRegistrySystem.getEntry();
        if (registry != null) {
            registry.setEvent(ToolkitConstants.EVENT_PROFILE_DOWNLOAD);
            registry.setEvent(ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR);
            timer = registry.allocateTimer();
        }
        // A transaction in install that is taken back.
        b = 5;
        JCSystem.beginTransaction();
        b = 6;
        memory[0] = 1;
        JCSystem.abortTransaction();
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new Probe(bArray, bOffset);
    }

    public Shareable getShareableInterfaceObject(AID clientAID, byte parameter) {
        return clientAID == null && parameter == 1 ? this : null;
    }

    private void note(byte what) {
        if (logged < log.length) {
            log[logged++] = what;
        }
    }

    public boolean select() {
        return s != (short) 0x7777;
    }

    public void deselect() {
        note((byte) 0xD5);
    }

    public void uninstall() {
        note((byte) 0xDE);
    }

    public void processData(byte[] baBuffer, short sOffset, short sLength) {
        Util.arrayCopyNonAtomic(baBuffer, sOffset, memory, (short) 0, sLength);
        if (baBuffer[(short) (sOffset + ISO7816.OFFSET_P2)] == 9) {
            ISOException.throwIt(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    public void process(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        if (selectingApplet()) {
            buffer[0] = 0x6F;
            buffer[1] = 0x00;
            apdu.setOutgoingAndSend((short) 0, (short) 2);
            return;
        }
        short n = apdu.setIncomingAndReceive();
        short out = command(apdu, buffer, n);
        if (out > 0) {
            apdu.setOutgoing();
            apdu.setOutgoingLength(out);
            apdu.sendBytes((short) 0, (short) (out / 2));
            apdu.sendBytesLong(buffer, (short) (out / 2), (short) (out - out / 2));
        }
    }

    private short command(APDU apdu, byte[] buffer, short n) {
        byte p1 = buffer[ISO7816.OFFSET_P1];
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x20:
                return echo(buffer, n);
            case 0x11:
                for (short i = 0; i < n; i++) {
                    memory[i] = buffer[(short) (5 + i)];
                }
                return 0;
            case 0x21:
                return Util.arrayCopy(memory, p1, buffer, (short) 0, (short) 16);
            case 0x22:
                Util.arrayCopy(buffer, (short) 5, memory, p1, n);
                return 0;
            case 0x13:
                Util.arrayCopyNonAtomic(buffer, (short) 5, memory, p1, n);
                return 0;
            case 0x24:
                transaction(p1, buffer);
                return 0;
            case 0x15:
                return state(buffer);
            case 0x16:
                return scratch(p1, buffer);
            case 0x17:
                return files(p1, buffer, n);
            case 0x18:
                wrong(p1, apdu, buffer);
                return 0;
            case 0x19:
                for (short i = 0; i < logged; i++) {
                    buffer[i] = log[i];
                }
                return logged;
            case 0x1A:
                registry(p1, buffer[ISO7816.OFFSET_P2]);
                return 0;
            case 0x1B:
                change();
                return 0;
            case 0x50:
            case (byte) 0x82:
                return secure(apdu, buffer);
            case (byte) 0x84:
                return unwrapped(buffer, n);
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
                return 0;
        }
    }

    private short echo(byte[] buffer, short n) {
        for (short i = 0; i < n; i++) {
            buffer[i] = buffer[(short) (5 + i)];
        }
        buffer[n] = JCSystem.getAssignedChannel();
        return (short) (n + 1);
    }

    /** Every kind of persistent store once. */
    private void change() {
        memory[1] = 0x5A;
        shorts[2] = (short) 0x1234;
        flags[3] = true;
        nodes[1] = first.next;
        nodes[1].value = 0x55;
        nodes[1].flag = true;
        b = (byte) (b + 1);
        s = (short) 0xBEEF;
        z = true;
        count++;
        once = true;
        Node.made = 9;
        Util.setShort(memory, (short) 2, (short) 0x0102);
        Util.arrayFillNonAtomic(memory, (short) 8, (short) 3, (byte) 0x77);
    }

    private void transaction(byte how, byte[] buffer) {
        if (how == 5) {
            JCSystem.commitTransaction();
        }
        JCSystem.beginTransaction();
        memory[0] = (byte) 0xAA;
        shorts[0] = (short) 0xABCD;
        flags[0] = true;
        nodes[2] = first;
        s = 0x1111;
        count = 9;
        Util.arrayCopy(TABLE, (short) 0, memory, (short) 4, (short) 3);
        buffer[0] = JCSystem.getTransactionDepth();
        switch (how) {
            case 0:
                JCSystem.commitTransaction();
                return;
            case 1:
                JCSystem.abortTransaction();
                return;
            case 3:
                JCSystem.beginTransaction();
                return;
            case 4:
                for (;;) {
                    memory[10]++;
                }
            case 6:
                Util.arrayCopyNonAtomic(TABLE, (short) 0, memory, (short) 4, (short) 3);
                return;
            default: // 2: left open
        }
    }

    private short state(byte[] buffer) {
        short at = Util.arrayCopy(memory, (short) 0, buffer, (short) 0, (short) 16);
        for (short i = 0; i < shorts.length; i++) {
            at = Util.setShort(buffer, at, shorts[i]);
        }
        for (short i = 0; i < flags.length; i++) {
            buffer[at++] = (byte) (flags[i] ? 1 : 0);
        }
        for (short i = 0; i < nodes.length; i++) {
            buffer[at++] = nodes[i] == null ? 0 : nodes[i].mark;
            buffer[at++] = (byte) (nodes[i] == null ? 0 : nodes[i].value + (nodes[i].flag ? 1 : 0));
        }
        buffer[at++] = b;
        at = Util.setShort(buffer, at, s);
        buffer[at++] = (byte) (z ? 1 : 0);
        buffer[at++] = count;
        buffer[at++] = (byte) (once ? 1 : 0);
        buffer[at++] = (byte) Node.made;
        buffer[at++] = TABLE[1];
        return at;
    }

    private short scratch(byte write, byte[] buffer) {
        if (write != 0) {
            transientReset[1] = write;
            transientDeselect[2] = write;
        }
        buffer[0] = transientReset[1];
        buffer[1] = transientDeselect[2];
        return 2;
    }

    /** P1: 00 read a binary file, 01 write, 02 read a record, 03 write, 04 the oldest, 05 FCP, 06 deactivate, 07 activate; 8X: the same in the ADF. */
    private short files(byte p1, byte[] buffer, short n) {
        FileView v = p1 < 0 ? usim : mf;
        short at = 5;
        short more = (short) (n - 6);
        short record = buffer[4 + 5];
        short length = buffer[4 + 6];
        try {
            v.select(Util.getShort(buffer, at));
            v.select(Util.getShort(buffer, (short) (at + 2)));
            switch ((byte) (p1 & 0x7F)) {
                case 0:
                    return v.readBinary(record, buffer, (short) 0, length);
                case 1:
                    v.updateBinary(record, buffer, (short) (at + 6), more);
                    return 0;
                case 2:
                    return v.readRecord(record, (byte) 4, (short) 0, buffer, (short) 0, length);
                case 3:
                    v.updateRecord(record, (byte) 4, length, buffer, (short) (at + 6), more);
                    return 0;
                case 4:
                    v.updateRecord((short) 0, (byte) 3, (short) 0, buffer, (short) (at + 6), more);
                    return 0;
                case 5:
                    return v.select(Util.getShort(buffer, (short) (at + 2)), buffer, (short) 0, (short) 200);
                case 6:
                    v.deactivateFile();
                    return 0;
                default:
                    v.activateFile();
                    return 0;
            }
        } catch (UICCException e) {
            ISOException.throwIt((short) (0x6F80 + e.getReason()));
            return 0;
        }
    }

    private void wrong(byte how, APDU apdu, byte[] buffer) {
        switch (how) {
            case 0:
                memory[(short) (memory.length)] = 1;
                return;
            case 1:
                memory[0] = (byte) (how / (byte) (b - b));
                return;
            case 2:
                any = (Node) any((Object) memory);
                return;
            case 3:
                ISOException.throwIt((short) 0x6A81);
                return;
            case 4:
                any = new byte[3];
                return;
            case 5:
                memory = buffer;
                return;
            case 6:
                while (memory[0] == memory[0]) {
                    s = s;
                }
                return;
            case 7:
                wrong(how, apdu, buffer);
                return;
            case 8:
                nodes[2].mark = 1;
                return;
            case 9:
                Object[] o = nodes;
                o[0] = memory;
                return;
            case 10:
                any = apdu;
                return;
            case 11:
                ProactiveHandlerSystem.getTheHandler();
                return;
            case 12:
                try {
                    GPSystem.getSecureChannel().unwrap(memory, (short) 0, (short) 10);
                } finally {
                    count = 99;
                }
                return;
            case 13:
                TransactionException.throwIt((short) 42);
                return;
            default:
                Util.arrayCopy(memory, (short) 0, memory, (short) 60, (short) 5);
        }
    }

    private static Object any(Object o) {
        return o;
    }

    private void registry(byte p1, byte p2) {
        try {
            switch (p1) {
                case 0:
                    registry.setEvent(p2);
                    return;
                case 1:
                    registry.clearEvent(p2);
                    return;
                case 2:
                    ISOException.throwIt((short) (0x6F00 + (registry.isEventSet(p2) ? 1 : 0)));
                    return;
                case 3:
                    registry.requestPollInterval(p2);
                    return;
                case 4:
                    registry.allocateTimer();
                    return;
                case 5:
                    registry.releaseTimer(p2);
                    return;
                default:
                    registry.registerFileEvent(ToolkitConstants.EVENT_EXTERNAL_FILE_UPDATE, PATH, (short) 0, (short) PATH.length, parameters,
                            (short) 2, parameters[1]);
            }
        } catch (ToolkitException e) {
            ISOException.throwIt((short) (0x6F80 + e.getReason()));
        }
    }

    static final byte[] PATH = {1, 0x3F, 0x00, 0x7F, (byte) 0xFF, 0x6F, 0x07};

    private short secure(APDU apdu, byte[] buffer) {
        // setIncomingAndReceive was called already, as an applet may
        short n = GPSystem.getSecureChannel().processSecurity(apdu);
        for (short i = 0; i < n; i++) {
            buffer[i] = buffer[(short) (5 + i)];
        }
        return n;
    }

    /** Echoes the plain data of a command under the session, with the security level before it. */
    private short unwrapped(byte[] buffer, short n) {
        SecureChannel channel = GPSystem.getSecureChannel();
        short length = channel.unwrap(buffer, (short) 0, (short) (5 + n));
        short data = (short) (length - 5);
        byte level = channel.getSecurityLevel();
        for (short i = 0; i < data; i++) {
            buffer[(short) (1 + i)] = buffer[(short) (5 + i)];
        }
        buffer[0] = level;
        Util.setShort(buffer, (short) (1 + data), ISO7816.SW_NO_ERROR);
        return channel.wrap(buffer, (short) 0, (short) (3 + data));
    }

    public void processToolkit(short event) {
        note((byte) event);
        switch (event) {
            case ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR:
                try {
                    ProactiveHandlerSystem.getTheHandler();
                } catch (ToolkitException e) {
                    note((byte) (0xF0 | e.getReason()));
                }
                return;
            case ToolkitConstants.EVENT_PROFILE_DOWNLOAD:
                ask();
                return;
            default:
        }
    }

    private void ask() {
        try {
            ProactiveResponseHandlerSystem.getTheHandler();
        } catch (ToolkitException e) {
            note((byte) (0xE0 | e.getReason()));
        }
        ProactiveHandler h = ProactiveHandlerSystem.getTheHandler();
        transientReset[0] = 0x42;
        h.init(ToolkitConstants.PRO_CMD_PROVIDE_LOCAL_INFORMATION, (byte) 1, ToolkitConstants.DEV_ID_TERMINAL);
        memory[20]++;
        byte result = h.send();
        memory[21]++;
        note(result);
        ProactiveResponseHandler r = ProactiveResponseHandlerSystem.getTheHandler();
        if (r.getAdditionalInformationLength() > 0) {
            r.copyAdditionalInformation(memory, (short) 22, (short) 1);
        }
        if (r.findTLV(ToolkitConstants.TAG_IMEI, (byte) 1) != ToolkitConstants.TLV_NOT_FOUND) {
            note((byte) r.getValueLength());
            r.copyValue((short) 0, memory, (short) 24, r.getValueLength());
            note(r.getValueByte((short) 0));
        }
        h.init(ToolkitConstants.PRO_CMD_REFRESH, (byte) 2, ToolkitConstants.DEV_ID_TERMINAL);
        h.appendTLV((byte) (ToolkitConstants.TAG_FILE_LIST | ToolkitConstants.TAG_SET_CR), (byte) 1, PATH, (short) 1, (short) 6);
        note(h.send());
    }
}
