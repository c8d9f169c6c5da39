package refused;

class Types {

    private int number; // the class file has no line for a declaration
    private short[][] table; // nor here

    short use() {
        number = 5; // refuse: field number: int; number: int
        return table[0][0]; // refuse: field table: arrays have one dimension; table: arrays
    }

    short wide(long x) {
        return (short) x; // refuse: wide: long; long is not; variable x: long
    }

    short floating(float x) {
        return (short) (x + 1); // refuse: floating: float; float and double; variable x: float
    }

    short letter(char c) {
        return (short) c; // refuse: letter: char; variable c: char
    }

    void text() {
        String s = "text"; // refuse: String is not in the subset; class java.lang.String is not in the API
        if (s == null) {
            return;
        }
    }

    void literal() {
        Object o = Types.class; // refuse: class literals
        if (o == null) {
            return;
        }
    }
}
