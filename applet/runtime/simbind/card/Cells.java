package simbind.card;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import javacard.framework.AID;
import sun.misc.Unsafe;

/**
 * The content of objects as bytes: a letter for the kind, then
 *
 * <pre>
 * i  class name, fields        object        c  class name, fields   static fields of a class
 * b  bytes                     byte[]        z  bytes                boolean[]
 * s  shorts                    short[]       o  class name, numbers  Object[]
 * t  element letter, event, length           transient array
 * A  bytes                     AID           V  AID or none, event   FileView
 * R                            ToolkitRegistry                       S  SecureChannel
 * </pre>
 *
 * A reference is the number of an object, FFFF for null.
 */
final class Cells {
    private static final int NULL = 0xFFFF;
    private static final Unsafe UNSAFE = unsafe();

    private final Card card;
    private final Heap heap;

    Cells(Card card, Heap heap) {
        this.card = card;
        this.heap = heap;
    }

    private static Unsafe unsafe() {
        try {
            Field f = Unsafe.class.getDeclaredField("theUnsafe");
            f.setAccessible(true);
            return (Unsafe) f.get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What an object refers to. */
    List<Object> references(Object o) {
        List<Object> out = new ArrayList<>();
        Object[] all = o instanceof Object[] ? (Object[]) o : o.getClass().isArray() ? new Object[0] : Fields.values(o);
        for (Object v : all) {
            if (v != null && !(v instanceof Number) && !(v instanceof Boolean)) {
                out.add(v);
            }
        }
        return out;
    }

    static Object copy(Object o) {
        if (!o.getClass().isArray()) {
            return Fields.values(o);
        }
        int n = Array.getLength(o);
        Object out = Array.newInstance(o.getClass().getComponentType(), n);
        System.arraycopy(o, 0, out, 0, n);
        return out;
    }

    static void restore(Object o, Object copy) {
        if (o.getClass().isArray()) {
            System.arraycopy(copy, 0, o, 0, Array.getLength(o));
            return;
        }
        Field[] fields = Fields.of(o);
        for (int i = 0; i < fields.length; i++) {
            Fields.set(fields[i], o, ((Object[]) copy)[i]);
        }
    }

    static int arrayBytes(Object array) {
        Class<?> element = array.getClass().getComponentType();
        return Array.getLength(array) * (element == byte.class || element == boolean.class ? 1 : 2);
    }

    /** Bytes of memory an object takes on a card, without its header. */
    int size(Object o) {
        if (heap.eventOf(o) != 0) {
            return 0;
        }
        if (o.getClass().isArray()) {
            return arrayBytes(o);
        }
        int n = 0;
        for (Field f : Fields.of(o)) {
            n += f.getType() == byte.class || f.getType() == boolean.class ? 1 : 2;
        }
        return n;
    }

    byte[] content(Object o) {
        Frame.Out out = new Frame.Out();
        byte event = heap.eventOf(o);
        if (event != 0) {
            out.u8('t').u8(letter(o.getClass())).u8(event).u16(Array.getLength(o));
        } else if (o instanceof Leaf) {
            ((Leaf) o).write(out);
        } else if (o.getClass().isArray()) {
            array(out, o);
        } else {
            boolean statics = o instanceof Class;
            out.u8(statics ? 'c' : 'i').text(statics ? ((Class<?>) o).getName() : o.getClass().getName());
            for (Object v : fieldsOf(o)) {
                out.i32((Integer) v);
            }
        }
        return out.toBytes();
    }

    private List<Object> fieldsOf(Object o) {
        List<Object> out = new ArrayList<>();
        for (Field f : Fields.of(o)) {
            Object v = Fields.get(f, o);
            if (!f.getType().isPrimitive()) {
                out.add(v == null ? NULL : heap.numberOf(v));
            } else {
                out.add(v instanceof Boolean ? ((Boolean) v ? 1 : 0) : ((Number) v).intValue());
            }
        }
        return out;
    }

    private static char letter(Class<?> array) {
        Class<?> e = array.getComponentType();
        return e == byte.class ? 'b' : e == boolean.class ? 'z' : e == short.class ? 's' : 'o';
    }

    private void array(Frame.Out out, Object o) {
        char letter = letter(o.getClass());
        out.u8(letter);
        if (letter == 'o') {
            out.text(o.getClass().getComponentType().getName());
        }
        int n = Array.getLength(o);
        out.u16(n);
        for (int i = 0; i < n; i++) {
            switch (letter) {
                case 'b' -> out.u8(((byte[]) o)[i]);
                case 'z' -> out.u8(((boolean[]) o)[i] ? 1 : 0);
                case 's' -> out.u16(((short[]) o)[i]);
                default -> out.u16(((Object[]) o)[i] == null ? NULL : heap.numberOf(((Object[]) o)[i]));
            }
        }
    }

    /** An object for a cell, without its content yet. */
    Object shell(byte[] cell) {
        Frame f = new Frame(0, 0, cell);
        int kind = f.u8();
        switch (kind) {
            case 'i':
                return allocate(card.classOf(f.text()));
            case 'c':
                return card.classOf(f.text());
            case 't':
                Class<?> element = element(f.u8(), null);
                byte event = (byte) f.u8();
                Object array = Array.newInstance(element, f.u16());
                heap.adoptTransient(array, event);
                return array;
            case 'A':
                byte[] aid = f.bytes();
                return new AID(aid);
            case 'V':
                card.nextView();
                return new View(f.bytes(), (byte) f.u8(), f.u8());
            case 'R':
                return card.registry;
            case 'S':
                return card.channel;
            default:
                String name = kind == 'o' ? f.text() : null;
                return Array.newInstance(element(kind, name), f.u16());
        }
    }

    private static Object allocate(Class<?> c) {
        try {
            return UNSAFE.allocateInstance(c);
        } catch (InstantiationException e) {
            throw new IllegalStateException(e);
        }
    }

    private Class<?> element(int letter, String name) {
        switch (letter) {
            case 'b':
                return byte.class;
            case 'z':
                return boolean.class;
            case 's':
                return short.class;
            default:
                return name == null ? Object.class : card.classOf(name);
        }
    }

    /** Puts the content of a cell into its object. */
    void fill(Object o, byte[] cell) {
        Frame f = new Frame(0, 0, cell);
        int kind = f.u8();
        if (kind == 'i' || kind == 'c') {
            f.text();
            for (Field field : Fields.of(o)) {
                Fields.set(field, o, value(field.getType(), f.i32()));
            }
            return;
        }
        if ("bzso".indexOf(kind) < 0) {
            return; // never changes
        }
        if (kind == 'o') {
            f.text();
        }
        int n = f.u16();
        for (int i = 0; i < n; i++) {
            switch (kind) {
                case 'b' -> ((byte[]) o)[i] = (byte) f.u8();
                case 'z' -> ((boolean[]) o)[i] = f.u8() != 0;
                case 's' -> ((short[]) o)[i] = (short) f.u16();
                default -> ((Object[]) o)[i] = reference(f.u16());
            }
        }
    }

    private Object value(Class<?> type, int v) {
        if (type == byte.class) {
            return (byte) v;
        }
        if (type == boolean.class) {
            return v != 0;
        }
        if (type == short.class) {
            return (short) v;
        }
        return type == int.class ? (Object) v : reference(v);
    }

    private Object reference(int number) {
        return number == NULL ? null : heap.object(number);
    }
}
