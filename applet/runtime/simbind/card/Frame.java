package simbind.card;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** One frame read from the pipe: whose it is, what it is, and a cursor over the rest. Lengths were checked by Pipe. */
public final class Frame {
    static final int CALL = 'C';
    static final int ANSWER = 'A';
    static final int UNWIND = 'X';
    static final int SERVICE = 'S';
    static final int RETURN = 'R';

    final int call;
    final int kind;
    private final byte[] body;
    private int at;

    Frame(int call, int kind, byte[] body) {
        this.call = call;
        this.kind = kind;
        this.body = body;
    }

    int u8() {
        return body[at++] & 0xFF;
    }

    int u16() {
        return u8() << 8 | u8();
    }

    int i32() {
        return u16() << 16 | u16();
    }

    /** A length of four bytes, then so many; FFFFFFFF stands for none at all. */
    byte[] bytes() {
        int n = i32();
        if (n < 0) {
            return null;
        }
        byte[] out = new byte[n];
        System.arraycopy(body, at, out, 0, n);
        at += n;
        return out;
    }

    String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** Writes what Frame reads. */
    public static final class Out {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        public Out u8(int v) {
            out.write(v);
            return this;
        }

        public Out u16(int v) {
            return u8(v >> 8).u8(v);
        }

        public Out i32(int v) {
            return u16(v >> 16).u16(v);
        }

        public Out bytes(byte[] v) {
            return v == null ? i32(-1) : bytes(v, 0, v.length);
        }

        public Out bytes(byte[] v, int offset, int length) {
            i32(length);
            out.write(v, offset, length);
            return this;
        }

        public Out text(String s) {
            return bytes(s.getBytes(StandardCharsets.UTF_8));
        }

        byte[] toBytes() {
            return out.toByteArray();
        }
    }
}
