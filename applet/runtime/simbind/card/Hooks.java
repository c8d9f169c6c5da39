package simbind.card;

/** Where the code of an applet comes by after Rewriter went over it. */
public final class Hooks {
    private Hooks() {
    }

    /** Stands before every backward branch and at the head of every method. */
    public static void step() {
        Call.now().step();
    }

    /** Stands before every new. */
    public static void allocating() {
        Call.now().card.heap.allocating();
    }

    /** Stands before a store into a field; a Class stands for its static fields. */
    public static void writing(Object target) {
        Call.now().card.heap.writing(target, 2);
    }

    /** Stands after a store into a field. */
    public static void written(Object target) {
        Call.now().card.heap.written(target);
    }

    /** Stands for bastore: an element of a byte[] or boolean[]. */
    public static void bastore(Object array, int index, int value) {
        Heap heap = Call.now().card.heap;
        heap.inBounds(array, index);
        heap.writing(array, 1);
        if (array instanceof boolean[]) {
            ((boolean[]) array)[index] = (value & 1) != 0;
        } else {
            ((byte[]) array)[index] = (byte) value;
        }
        heap.written(array);
    }

    /** Stands for sastore. */
    public static void sastore(short[] array, int index, int value) {
        Heap heap = Call.now().card.heap;
        heap.inBounds(array, index);
        heap.writing(array, 2);
        array[index] = (short) value;
        heap.written(array);
    }

    /** Stands for aastore. */
    public static void aastore(Object[] array, int index, Object value) {
        Heap heap = Call.now().card.heap;
        heap.inBounds(array, index);
        heap.writing(array, 2);
        array[index] = value;
        heap.written(array);
    }
}
