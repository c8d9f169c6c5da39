package simbind.card;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** The Code attribute of one method (Java virtual machine specification 4.7.3), rewritten. */
final class Code {
    private static final int LDC_W = 0x13;
    private static final int AASTORE = 0x53;
    private static final int BASTORE = 0x54;
    private static final int SASTORE = 0x56;
    private static final int POP = 0x57;
    private static final int DUP2 = 0x5C;
    private static final int IFEQ = 0x99;
    private static final int GOTO = 0xA7;
    private static final int TABLESWITCH = 0xAA;
    private static final int LOOKUPSWITCH = 0xAB;
    private static final int PUTSTATIC = 0xB3;
    private static final int PUTFIELD = 0xB5;
    private static final int INVOKESTATIC = 0xB8;
    private static final int NEW = 0xBB;
    private static final int ANEWARRAY = 0xBD;
    private static final int IFNULL = 0xC6;
    private static final int IFNONNULL = 0xC7;

    private static final int MORE_STACK = 4;
    private static final int HEADER = 8; // max_stack, max_locals, code_length
    private static final int MAX_CODE = 0x7FFF;

    /** Length of every instruction from 00 on; 0: none that a Java Card converter takes, 9: a switch. */
    private static final String LENGTHS = "11111111111111112323022222111111"
            + "11111111111111111111112222211111"
            + "11111111111111100001101111111111"
            + "11111111111111111111111111111111"
            + "11113111111111111111111113333333"
            + "33333333009911111133333335032311"
            + "3300003300";

    private final ConstantPool pool;
    private final byte[] attribute;
    private final byte[] code;
    private final int[] moved; // old place to new place, the end included
    private final int[] at; // old place to the new place of the instruction itself, behind what stands before it
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream out = new DataOutputStream(bytes);

    Code(byte[] attribute, ConstantPool pool) {
        this.attribute = attribute;
        this.pool = pool;
        code = new byte[i32(attribute, 4)];
        System.arraycopy(attribute, HEADER, code, 0, code.length);
        moved = new int[code.length + 1];
        at = new int[code.length + 1];
    }

    byte[] rewritten() throws IOException {
        instructions(); // finds the places
        bytes.reset();
        instructions(); // writes them
        byte[] body = bytes.toByteArray();
        if (body.length > MAX_CODE) {
            throw new IOException("method too long");
        }
        bytes.reset();
        out.writeShort(u16(attribute, 0) + MORE_STACK);
        out.writeShort(u16(attribute, 2));
        out.writeInt(body.length);
        out.write(body);
        tables();
        return bytes.toByteArray();
    }

    /** Handlers and line numbers move along; other attributes are dropped. */
    private void tables() throws IOException {
        int from = HEADER + code.length;
        int handlers = u16(attribute, from);
        out.writeShort(handlers);
        from += 2;
        for (int i = 0; i < handlers; i++, from += 8) {
            for (int k = 0; k < 6; k += 2) {
                out.writeShort(moved[u16(attribute, from + k)]);
            }
            out.writeShort(u16(attribute, from + 6));
        }
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        int count = 0;
        int attributes = u16(attribute, from);
        from += 2;
        for (int i = 0; i < attributes; i++) {
            int name = u16(attribute, from);
            int length = i32(attribute, from + 2);
            if (pool.text(name).equals("LineNumberTable")) {
                lineNumbers(new DataOutputStream(lines), from, length);
                count++;
            }
            from += 6 + length;
        }
        out.writeShort(count);
        out.write(lines.toByteArray());
    }

    private void lineNumbers(DataOutputStream o, int from, int length) throws IOException {
        o.write(attribute, from, 8); // name, length, count
        for (int k = 8; k < 6 + length; k += 4) {
            o.writeShort(moved[u16(attribute, from + k)]);
            o.writeShort(u16(attribute, from + k + 2));
        }
    }

    private void instructions() throws IOException {
        hook("step", "()V");
        int length;
        for (int pc = 0; pc < code.length; pc += length) {
            length = length(pc);
            moved[pc] = bytes.size();
            instruction(pc, code[pc] & 0xFF, length);
        }
        moved[code.length] = bytes.size();
    }

    private int length(int pc) throws IOException {
        int opcode = code[pc] & 0xFF;
        int n = opcode < LENGTHS.length() ? LENGTHS.charAt(opcode) - '0' : 0;
        if (n == 0) {
            throw new IOException(String.format("instruction %02X: not for a Java Card", opcode));
        }
        if (n != 9) {
            return n;
        }
        int aligned = pc + 4 - pc % 4;
        if (opcode == TABLESWITCH) {
            return aligned + 12 + 4 * (i32(code, aligned + 8) - i32(code, aligned + 4) + 1) - pc;
        }
        return aligned + 8 + 8 * i32(code, aligned + 4) - pc;
    }

    private void instruction(int pc, int opcode, int length) throws IOException {
        switch (opcode) {
            case BASTORE -> hook("bastore", "(Ljava/lang/Object;II)V");
            case SASTORE -> hook("sastore", "([SII)V");
            case AASTORE -> hook("aastore", "([Ljava/lang/Object;ILjava/lang/Object;)V");
            case PUTFIELD -> putField(pc);
            case PUTSTATIC -> putStatic(pc);
            case TABLESWITCH, LOOKUPSWITCH -> aSwitch(pc, opcode, length);
            default -> {
                if (opcode >= NEW && opcode <= ANEWARRAY) {
                    hook("allocating", "()V");
                }
                if (opcode >= IFEQ && opcode <= GOTO || opcode == IFNULL || opcode == IFNONNULL) {
                    branch(pc, opcode);
                } else {
                    out.write(code, pc, length);
                }
            }
        }
    }

    private void branch(int pc, int opcode) throws IOException {
        int target = pc + (short) u16(code, pc + 1);
        if (target <= pc) {
            hook("step", "()V");
        }
        at[pc] = bytes.size();
        out.write(opcode);
        out.writeShort(moved[target] - at[pc]);
    }

    private void aSwitch(int pc, int opcode, int length) throws IOException {
        hook("step", "()V"); // a target may lie before it
        at[pc] = bytes.size();
        out.write(opcode);
        while (bytes.size() % 4 != 0) {
            out.write(0);
        }
        int from = pc + 4 - pc % 4;
        out.writeInt(moved[pc + i32(code, from)] - at[pc]);
        int head = opcode == TABLESWITCH ? 8 : 4;
        out.write(code, from + 4, head);
        for (from += 4 + head; from < pc + length; from += 4) {
            if (opcode == LOOKUPSWITCH) {
                out.write(code, from, 4); // the match
                from += 4;
            }
            out.writeInt(moved[pc + i32(code, from)] - at[pc]);
        }
    }

    /** object, value → object, value, object → told; then the store, and told again with the object that was kept below. */
    private void putField(int pc) throws IOException {
        narrow(pc);
        out.write(DUP2);
        out.write(POP);
        hook("writing", "(Ljava/lang/Object;)V");
        out.write(DUP2);
        out.write(code, pc, 3);
        out.write(POP);
        hook("written", "(Ljava/lang/Object;)V");
    }

    private void putStatic(int pc) throws IOException {
        narrow(pc);
        ofClass("writing", pc);
        out.write(code, pc, 3);
        ofClass("written", pc);
    }

    private void ofClass(String name, int pc) throws IOException {
        out.write(LDC_W);
        out.writeShort(pool.classOf(u16(code, pc + 1)));
        hook(name, "(Ljava/lang/Object;)V");
    }

    private void narrow(int pc) throws IOException {
        String d = pool.descriptor(u16(code, pc + 1));
        if (d.equals("J") || d.equals("D")) {
            throw new IOException("a field of type " + d + ": not for a Java Card");
        }
    }

    private void hook(String name, String descriptor) throws IOException {
        out.write(INVOKESTATIC);
        out.writeShort(pool.hook(name, descriptor));
    }

    private static int u16(byte[] b, int i) {
        return (b[i] & 0xFF) << 8 | b[i + 1] & 0xFF;
    }

    private static int i32(byte[] b, int i) {
        return u16(b, i) << 16 | u16(b, i + 2);
    }
}
