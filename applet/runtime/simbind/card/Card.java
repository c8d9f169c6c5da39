package simbind.card;

import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.MultiSelectable;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import org.globalplatform.Application;
import uicc.toolkit.ToolkitInterface;

/** One applet instance on one card. */
public final class Card {
    private static final int BUFFER = 261; // a header and 256 bytes
    private static final int INSTALL_OFFSET = 7; // install must not count on its array beginning at 0
    private static final byte TOOLKIT = 1; // parameter of getShareableInterfaceObject (TS 102 241 clause 6.1)
    private static final int OK = 0;
    private static final int FATAL = 1;
    private static final int UNWOUND = 2;

    public final Heap heap = new Heap(this);
    final Registry registry = new Registry();
    final Channel channel = new Channel();
    private final Loader loader;
    private final String className;
    private final byte[] buffer = new byte[BUFFER];
    private final Set<Integer> selected = new HashSet<>(); // channels
    private final StringBuilder remarks = new StringBuilder();
    private AID aid;
    private Applet applet;
    private byte[] parameters; // of install, while it runs
    private boolean selecting;
    private int views;

    private Card(String root, String className, byte[] aid) {
        loader = new Loader(Path.of(root));
        this.className = className;
        this.aid = new AID(aid);
    }

    // The calls of the card.

    /** Runs one call and gives the body of its RETURN: outcome, status word, data, remarks. */
    static byte[] run(Pipe pipe, Map<Integer, Card> cards, Frame f) {
        int number = f.i32();
        int operation = f.u8();
        if (operation == 'f') {
            cards.remove(number);
            return result(OK, ISO7816.SW_NO_ERROR, null, "");
        }
        Card card = cards.get(number);
        if (operation == 'o') {
            card = new Card(f.text(), f.text(), f.bytes());
            cards.put(number, card);
        }
        return card.guarded(pipe, operation, f);
    }

    private static byte[] result(int outcome, int sw, byte[] data, String remarks) {
        return new Frame.Out().u8(outcome).u16(sw).bytes(data == null ? new byte[0] : data).text(remarks).toBytes();
    }

    private byte[] guarded(Pipe pipe, int operation, Frame f) {
        remarks.setLength(0);
        try {
            Command command = null;
            if ("spd".indexOf(operation) >= 0) {
                command = new Command(buffer, f.bytes(), f.bytes(), f.u16());
            }
            Call call = new Call(pipe, f.call, this, command, operation == 't');
            short sw = operate(call, operation, f);
            return result(OK, sw, command == null ? info(operation) : command.answer(), remarks.toString());
        } catch (Unwound e) {
            return result(UNWOUND, 0, null, "");
        } catch (StackOverflowError e) {
            return result(FATAL, 0, null, "the applet ran away: its stack is too deep");
        } catch (Fatal | LinkageError | ReflectiveOperationException e) {
            return result(FATAL, 0, null, e.toString() + where(e));
        } catch (RuntimeException e) {
            return result(FATAL, 0, null, "runtime: " + e + where(e));
        }
    }

    private short operate(Call call, int operation, Frame f) throws ReflectiveOperationException {
        switch (operation) {
            case 'o':
                open(f);
                return ISO7816.SW_NO_ERROR;
            case 'i':
                return install(f.bytes());
            case 's':
                return select(call);
            case 'p':
                return contained(() -> applet.process(APDU.CURRENT));
            case 'd':
                return processData(call);
            case 'x':
                call.channel = f.u8();
                deselect(call.channel);
                return ISO7816.SW_NO_ERROR;
            case 't':
                short event = (short) f.u16();
                return contained(() -> toolkit().processToolkit(event));
            case 'u':
                return contained(() -> {
                    if (applet instanceof AppletEvent) {
                        ((AppletEvent) applet).uninstall();
                    }
                });
            case 'r':
                poweredUp(f);
                return ISO7816.SW_NO_ERROR;
            default:
                return ISO7816.SW_NO_ERROR; // 'm': info tells
        }
    }

    /** Runs applet code as a card does: ISOException is the status word, anything else 6F00; an open transaction is aborted. */
    private short contained(Runnable code) {
        short sw = ISO7816.SW_NO_ERROR;
        try {
            code.run();
        } catch (ISOException e) {
            sw = e.getReason();
        } catch (RuntimeException e) {
            remark("uncaught " + name(e) + where(e));
            sw = ISO7816.SW_UNKNOWN;
        }
        if (heap.inTransaction()) {
            remark("a transaction was left open");
            heap.abort();
        }
        return sw;
    }

    private static String name(RuntimeException e) {
        if (e instanceof CardRuntimeException) {
            return e.getClass().getSimpleName() + " " + ((CardRuntimeException) e).getReason();
        }
        return e.toString();
    }

    /** The place in the applet, as far as it is told. */
    private static String where(Throwable e) {
        for (StackTraceElement s : e.getStackTrace()) {
            if (!s.getClassName().matches("(simbind\\.card|java|javacard|uicc|org\\.globalplatform)\\..*")) {
                return " at " + s.getFileName() + ":" + s.getLineNumber();
            }
        }
        return "";
    }

    void remark(String what) {
        if (remarks.length() < 4096) {
            remarks.append(what).append('\n');
        }
    }

    // Installation and memory.

    private List<Object> roots(List<Class<?>> classes) {
        List<Object> roots = new ArrayList<>();
        roots.add(applet);
        for (Class<?> c : classes) {
            if (Fields.of(c).length > 0) {
                roots.add(c);
            }
        }
        return roots;
    }

    /** Loads the package, and takes the memory of a card that was opened: number of cells, then each. */
    private void open(Frame f) throws ReflectiveOperationException {
        heap.installing(true);
        loader.loadPackage(className);
        heap.installing(false);
        Map<Integer, byte[]> cells = cells(f);
        if (!cells.isEmpty()) {
            heap.load(cells);
            applet = (Applet) heap.object(0);
        }
    }

    private static Map<Integer, byte[]> cells(Frame f) {
        Map<Integer, byte[]> out = new HashMap<>();
        for (int n = f.u16(); n > 0; n--) {
            int number = f.u16();
            out.put(number, f.bytes());
        }
        return out;
    }

    /** Runs install with LV instance AID, LV privileges, LV parameters; what it made is stored if it registered, and only then. */
    private short install(byte[] p) throws ReflectiveOperationException {
        parameters = new byte[INSTALL_OFFSET + p.length + 1];
        System.arraycopy(p, 0, parameters, INSTALL_OFFSET, p.length);
        List<Class<?>> classes = loader.loadPackage(className);
        var install = Class.forName(className, true, loader).getMethod("install", byte[].class, short.class, byte.class);
        heap.installing(true);
        short sw = contained(() -> invoke(install, (short) INSTALL_OFFSET, (byte) p.length));
        heap.installing(false);
        parameters = null;
        if (sw == ISO7816.SW_NO_ERROR && applet == null) {
            remark("install did not register");
            sw = ISO7816.SW_UNKNOWN;
        }
        if (sw == ISO7816.SW_NO_ERROR) {
            heap.number(roots(classes));
        }
        return sw;
    }

    private void invoke(java.lang.reflect.Method install, short offset, byte length) {
        try {
            install.invoke(null, parameters, offset, length);
        } catch (IllegalAccessException e) {
            throw new Fatal("install is not public");
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException) {
                throw (RuntimeException) e.getCause();
            }
            throw (Error) e.getCause();
        }
    }

    public void register(Applet a, AID own) {
        if (applet != null || parameters == null) {
            throw new SystemException(SystemException.ILLEGAL_AID);
        }
        applet = a;
        if (own != null) {
            aid = own;
        }
    }

    public boolean registered() {
        return applet != null;
    }

    public AID aid() {
        return aid;
    }

    boolean isGlobal(Object o) {
        return o == buffer || o == parameters && o != null;
    }

    /** Numbers the views of the applet; they are made in one order, so that a card that is opened counts on from the same. */
    int nextView() {
        return ++views;
    }

    Class<?> classOf(String name) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw new Fatal("the memory of the card names a class that is not there: " + name);
        }
    }

    private void poweredUp(Frame f) {
        if (heap.inTransaction()) {
            heap.abort();
        }
        heap.clearTransients(true);
        selected.clear();
        selecting = false;
        heap.load(cells(f));
    }

    /** 'm': bytes of persistent memory, of transient memory by event, of the largest transaction. */
    private byte[] info(int operation) {
        if (operation != 'm') {
            return null;
        }
        return new Frame.Out().i32(heap.persistentBytes()).i32(heap.transientBytes(1)).i32(heap.transientBytes(2)).i32(heap.largest).toBytes();
    }

    // Selection.

    public boolean selecting() {
        return selecting;
    }

    /** SELECT (runtime specification clause 4.5). An applet that is not MultiSelectable is active on one channel alone. */
    private short select(Call call) {
        int ch = call.command.channel();
        if (selected.contains(ch)) {
            deselect(ch);
        }
        boolean twice = !selected.isEmpty();
        if (twice && !(applet instanceof MultiSelectable)) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        boolean[] accepted = new boolean[1];
        short sw = contained(() -> accepted[0] = twice ? ((MultiSelectable) applet).select(true) : applet.select());
        if (sw != ISO7816.SW_NO_ERROR || !accepted[0]) {
            return ISO7816.SW_APPLET_SELECT_FAILED;
        }
        selected.add(ch);
        selecting = true;
        sw = contained(() -> applet.process(APDU.CURRENT));
        selecting = false;
        if (sw != ISO7816.SW_NO_ERROR) {
            selected.remove(ch);
        }
        return sw;
    }

    private void deselect(int ch) {
        if (!selected.remove(ch)) {
            return;
        }
        if (selected.isEmpty()) {
            contained(applet::deselect);
            heap.clearTransients(false);
        } else {
            contained(() -> ((MultiSelectable) applet).deselect(true));
        }
    }

    /** STORE DATA through the security domain: the whole command in the global buffer (org.globalplatform.Application). */
    private short processData(Call call) {
        if (!(applet instanceof Application)) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        short n = call.command.receive();
        return contained(() -> ((Application) applet).processData(buffer, (short) 0, (short) (ISO7816.OFFSET_CDATA + n)));
    }

    private ToolkitInterface toolkit() {
        Shareable s = applet.getShareableInterfaceObject(null, TOOLKIT);
        if (!(s instanceof ToolkitInterface)) {
            throw new Fatal("getShareableInterfaceObject(null, 1) gives no ToolkitInterface");
        }
        return (ToolkitInterface) s;
    }
}
