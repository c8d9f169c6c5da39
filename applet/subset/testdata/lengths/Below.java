package lengths;

/** Names what the class above declares: one constant, whichever class names it. */
class Below extends Above {
    private static final byte[] TABLE = {1, 2, 3};

    byte sum() { // card 12: getstatic_a 3, sconst_0 1, baload 1, aload_0 1, invokevirtual 3, sadd 1, s2b 1, sreturn 1
        return (byte) (TABLE[0] + one());
    }

    public void shown() { // card 6: aload_0 1, invokevirtual 3, pop 1, return 1
        one();
    }
}
