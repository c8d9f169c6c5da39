package refused;

import javacard.framework.Util;

class Numbers {

    private byte[] array;
    private short field;

    short sum(short a, short b, short c) {
        return (short) (a + b * c - (a << 3) & ~b | c ^ -a);
    }

    boolean compared(short a, short b) {
        return a + b < 3; // refuse: if_icmp
    }

    byte index(short a) {
        return array[a + 1]; // refuse: baload of an int
    }

    short divided(short a, short b) {
        return (short) ((a + b) / 2); // refuse: idiv of an int
    }

    short quotient(short a, short b) {
        return array[a / b]; // refuse: baload of an int
    }

    short shifted(short a, short b) {
        return (short) ((a * b) >> 2); // refuse: ishr of an int
    }

    short unsigned(short a) {
        return (short) (a >>> 1); // refuse: >>> of a short
    }

    short masked(short a, short b) {
        return (short) (a - b & 7);
    }

    void called(short a) {
        Util.getShort(array, (short) (a + 1));
    }

    void variable(short a) {
        int i = a; // refuse: variable i: int
        field = (short) i;
    }

    void wideVariable(short a) {
        int sum = a + 1; // refuse: variable sum: int; istore_2 of an int
        field = (short) sum;
    }

    void counted() {
        for (int i = 0; i < 4; i++) { // refuse: int is not; variable i: int
            field = 0;
        }
    }

    void constant() {
        field = (short) (field & 0xFFFF); // refuse: constant 65535 is no short
    }

    void chosen(boolean first, short a) {
        field = (short) (first ? a + 1 : a);
        if ((first ? a + 1 : a) == 0) { // refuse: ifne of an int
            field = 0;
        }
    }

    void switched(short a) {
        switch (a + 1) { // refuse: switch of an int
            case 1:
                field = 1;
                break;
            default:
                field = 2;
        }
    }
}
