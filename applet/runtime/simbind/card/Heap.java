package simbind.card;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import javacard.framework.SystemException;
import javacard.framework.TransactionException;

/**
 * The memory of one applet. Objects made by install are persistent (Java Card runtime specification clause 5); when install ends
 * they are numbered, and from then on each is a cell of the card's memory: a store outside a transaction writes its cell at once, a
 * transaction writes all it touched as one. Transient arrays and the card's own buffers are not written.
 */
public final class Heap {
    /** Bytes a transaction can hold, every conditional store costing its bytes and some to find them again. */
    public static final short CAPACITY = 512;
    private static final int COST = 4;

    private final Card card;
    private final Cells cells;
    private final List<Object> objects = new ArrayList<>(); // by number
    private final IdentityHashMap<Object, Integer> numbers = new IdentityHashMap<>();
    private final IdentityHashMap<Object, Byte> transients = new IdentityHashMap<>();
    private boolean installing;

    private boolean open;
    private int used;
    int largest; // transaction so far
    private final Map<Object, Object> saved = new IdentityHashMap<>(); // touched in the transaction: content before it
    private Object before; // content of the target of the store under way

    Heap(Card card) {
        this.card = card;
        cells = new Cells(card, this);
    }

    // Allocation.

    void installing(boolean on) {
        installing = on;
    }

    /** Memory is got at installation alone: a card may have no garbage collector. */
    void allocating() {
        if (!installing) {
            card.remark("an object was allocated after installation");
            throw new SystemException(SystemException.NO_RESOURCE);
        }
    }

    public Object transientArray(Class<?> element, short length, byte event) {
        if (event != 1 && event != 2) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        if (length < 0) {
            throw new NegativeArraySizeException();
        }
        allocating();
        Object array = Array.newInstance(element, length);
        transients.put(array, event);
        return array;
    }

    void adoptTransient(Object array, byte event) {
        transients.put(array, event);
    }

    public byte eventOf(Object array) {
        return transients.getOrDefault(array, (byte) 0);
    }

    void clearTransients(boolean reset) {
        transients.forEach((array, event) -> {
            if (reset || event == 2) {
                clear(array);
            }
        });
    }

    private static void clear(Object array) {
        Object empty = Array.newInstance(array.getClass().getComponentType(), Array.getLength(array));
        System.arraycopy(empty, 0, array, 0, Array.getLength(array));
    }

    // Numbers.

    /** Install is over: everything that can be reached gets its number, and all of it is written as one. */
    void number(List<Object> roots) {
        roots.forEach(this::add);
        for (int i = 0; i < objects.size(); i++) {
            cells.references(objects.get(i)).forEach(this::add);
        }
        write(objects);
    }

    private void add(Object o) {
        if (o != null && !numbers.containsKey(o)) {
            numbers.put(o, objects.size());
            objects.add(o);
        }
    }

    int numberOf(Object o) {
        Integer n = numbers.get(o);
        if (n == null) {
            throw new Fatal("a reference to an object the applet did not hold when it was installed: " + o.getClass().getName());
        }
        return n;
    }

    Object object(int number) {
        return objects.get(number);
    }

    int persistentBytes() {
        return objects.stream().mapToInt(cells::size).sum();
    }

    int transientBytes(int event) {
        return transients.entrySet().stream().filter(e -> e.getValue() == event).mapToInt(e -> Cells.arrayBytes(e.getKey())).sum();
    }

    /** Takes the content of cells as the card has it: at opening of all, after a power cut of those that differ. */
    void load(Map<Integer, byte[]> content) {
        content.keySet().stream().sorted().forEach(number -> {
            if (number == objects.size()) {
                add(cells.shell(content.get(number)));
            }
        });
        content.forEach((number, bytes) -> cells.fill(objects.get(number), bytes));
    }

    // Stores.

    void inBounds(Object array, int index) {
        if (index < 0 || index >= Array.getLength(array)) {
            throw new ArrayIndexOutOfBoundsException(index);
        }
    }

    private boolean volatileArray(Object target) {
        return transients.containsKey(target) || card.isGlobal(target);
    }

    /** Before a store of some bytes into an array or object: what a transaction has no room for is refused. */
    void writing(Object target, int bytes) {
        Call.now().alive();
        if (volatileArray(target)) {
            return;
        }
        if (!open) {
            before = Cells.copy(target);
            return;
        }
        if (used + bytes + COST > CAPACITY) {
            throw new TransactionException(TransactionException.BUFFER_FULL);
        }
        used += bytes + COST;
        largest = Math.max(largest, used);
        if (!saved.containsKey(target)) {
            saved.put(target, Cells.copy(target));
        }
    }

    /** After a store. */
    void written(Object target) {
        if (volatileArray(target)) {
            forbid(target, null);
            return;
        }
        forbid(target, open ? saved.get(target) : before);
        if (open || installing) {
            return;
        }
        Object old = before;
        if (!write(List.of(target))) {
            Cells.restore(target, old);
            throw new TransactionException(TransactionException.INTERNAL_FAILURE);
        }
    }

    /** What the card lends for one call cannot be kept (runtime specification clause 6.2.1 and 6.2.2). */
    private void forbid(Object target, Object old) {
        for (Object o : cells.references(target)) {
            if (card.isGlobal(o) || o instanceof Lent) {
                if (old != null) {
                    Cells.restore(target, old);
                }
                throw new SecurityException("a reference to " + o.getClass().getSimpleName() + " was stored");
            }
        }
    }

    private boolean write(List<Object> targets) {
        Frame.Out out = new Frame.Out().u16(targets.size());
        for (Object o : targets) {
            out.u16(numberOf(o)).bytes(cells.content(o));
        }
        return Call.now().service(Service.WRITE, out).u16() == 0;
    }

    /** Copies as one write (Util.arrayCopy, setShort, and what the API methods give back). */
    public void copy(byte[] from, int fromOffset, byte[] to, int toOffset, int length) {
        bounds(from, fromOffset, length);
        bounds(to, toOffset, length);
        if (length == 0) {
            return;
        }
        if (!open && length > CAPACITY && !volatileArray(to)) {
            throw new TransactionException(TransactionException.BUFFER_FULL);
        }
        writing(to, length);
        System.arraycopy(from, fromOffset, to, toOffset, length);
        written(to);
    }

    /** Writes byte after byte, and past an open transaction, so that the power can go between any two. */
    public void copyNonAtomic(byte[] from, int fromOffset, byte[] to, int toOffset, int length) {
        bounds(from, fromOffset, length);
        bounds(to, toOffset, length);
        Call.now().alive();
        if (volatileArray(to) || installing) {
            System.arraycopy(from, fromOffset, to, toOffset, length);
            return;
        }
        if (open && saved.containsKey(to)) {
            throw new Fatal("one array was written conditionally and unconditionally in one transaction: what holds is undefined");
        }
        byte[] source = from.clone(); // the arrays may overlap
        boolean transaction = open;
        open = false;
        try {
            for (int i = 0; i < length; i++) {
                writing(to, 1);
                to[toOffset + i] = source[fromOffset + i];
                written(to);
            }
        } finally {
            open = transaction;
        }
    }

    public static void bounds(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset + length > array.length) {
            throw new ArrayIndexOutOfBoundsException();
        }
    }

    // Transactions.

    public boolean inTransaction() {
        return open;
    }

    public short unused() {
        return (short) (CAPACITY - used);
    }

    public void begin() {
        Call.now().alive();
        if (open) {
            throw new TransactionException(TransactionException.IN_PROGRESS);
        }
        open = true;
    }

    public void commit() {
        Call.now().alive();
        inProgress();
        if (!installing && !saved.isEmpty() && !write(new ArrayList<>(saved.keySet()))) {
            abort();
            throw new TransactionException(TransactionException.INTERNAL_FAILURE);
        }
        close();
    }

    /** Gives back what was there before; at a reset, and at the end of a call that left a transaction open, too. */
    public void abort() {
        inProgress();
        saved.forEach(Cells::restore);
        close();
    }

    private void inProgress() {
        if (!open) {
            throw new TransactionException(TransactionException.NOT_IN_PROGRESS);
        }
    }

    private void close() {
        saved.clear();
        used = 0;
        open = false;
    }
}
