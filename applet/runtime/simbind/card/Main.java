package simbind.card;

/**
 * The runtime that carries applets for the virtual card: it speaks over standard input and output, see vuicc/jvm/protocol.go
 * for the frames. What an applet sees is in the packages javacard.framework, uicc.* and org.globalplatform beside this one.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) {
        Pipe pipe = new Pipe(System.in, System.out);
        System.setOut(System.err); // nothing but frames goes into the pipe
        pipe.serve();
    }
}
