package seed;

class Seed {

    static final byte[] CONSTANT = {1, 2, 3};

    private final byte[] made = new byte[16];

    short find(byte tag, short at) {
        try {
            while (at < (short) made.length && made[at] != tag) {
                at += 2;
            }
            switch (tag) {
                case 1:
                case 2:
                    return CONSTANT[0];
                case 100:
                    return at;
                default:
                    return (short) (at > 0 ? at + 1 : 0);
            }
        } catch (ArrayIndexOutOfBoundsException e) {
            return -1;
        }
    }
}
