package lengths;

/** What the instructions of each method take on a card, counted by hand from the formats of JCVM 2.2.1 clause 7.5. */
final class Lengths {
    private final byte[] bytes;

    Lengths(byte[] b) { // card 9: aload_0 1, invokespecial 3, aload_0 1, aload_1 1, putfield_a 2, return 1
        bytes = b;
    }

    static short add(short a, short b) { // card 4: sload_0 1, sload_1 1, sadd 1, sreturn 1
        return (short) (a + b);
    }

    static byte narrow(short a) { // card 3: sload_0 1, s2b 1, sreturn 1
        return (byte) a;
    }

    byte get() { // card 5: getfield_a_this 2, sconst_5 1, baload 1, sreturn 1
        return bytes[5];
    }

    static byte other(Lengths o) { // card 7: no this here: aload_0 1, getfield_a 2, bspush 2, baload 1, sreturn 1
        return o.bytes[6];
    }

    static byte second(byte[] b, Lengths o) { // card 6: aload_1 1, getfield_a 2, sconst_m1 1, baload 1, sreturn 1
        return o.bytes[-1];
    }

    void set(byte v) { // card 7: getfield_a_this 2, bspush 2, sload_1 1, bastore 1, return 1
        bytes[100] = v;
    }

    short call() { // card 8: sconst_1 1, sspush 3, invokestatic 3, sreturn 1
        return add((short) 1, (short) 300);
    }

    static short dense(short v) { // card 25: sload_0 1, stableswitch 13, three of bspush 2 and sreturn 1, sconst_0 1, sreturn 1
        switch (v) {
            case 1:
                return 10;
            case 2:
                return 20;
            case 3:
                return 30;
            default:
                return 0;
        }
    }

    static short sparse(short v) { // card 29: sload_0 1, slookupswitch 17, three of bspush 2 and sreturn 1, sconst_0 1, sreturn 1
        switch (v) {
            case 1:
                return 10;
            case 100:
                return 20;
            case 1000:
                return 30;
            default:
                return 0;
        }
    }

    static boolean is(Object o) { // card 6: aload_0 1, instanceof 4, sreturn 1
        return o instanceof Lengths;
    }

    static void near(byte[] b, boolean c) { // card 124: sload_1 1, ifeq 2, thirty times aload_0 1, sconst 1, sconst 1, bastore 1, return 1
        if (c) {
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
        }
    }

    static void far(byte[] b, boolean c) { // card 133: sload_1 1, ifeq_w 3, thirty-two times 4, return 1
        if (c) {
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
            b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1; b[0] = 1;
            b[0] = 1; b[0] = 1;
        }
    }
}
