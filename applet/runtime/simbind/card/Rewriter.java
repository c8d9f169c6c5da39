package simbind.card;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * Rewrites one class in memory so that every store into an array or a field, every new, every loop and every method entry comes
 * by at Hooks. The class file on disk stays as it is.
 *
 * <p>Inserted code moves branch targets; instead of moving the stack maps along, they are left out and the class is called
 * version 49, for which the virtual machine infers them itself. So this needs no library, and works on every JDK from 11 on.
 */
final class Rewriter {
    private static final int VERSION = 49;
    private static final int FINAL = 0x0010;

    private final DataInputStream in;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream out = new DataOutputStream(bytes);

    Rewriter(byte[] classFile) {
        in = new DataInputStream(new ByteArrayInputStream(classFile));
    }

    byte[] rewritten() throws IOException {
        if (in.readInt() != 0xCAFEBABE) {
            throw new IOException("not a class file");
        }
        in.readInt();
        ConstantPool pool = new ConstantPool(in);
        ByteArrayOutputStream tail = new ByteArrayOutputStream();
        body(new DataOutputStream(tail), pool);
        out.writeInt(0xCAFEBABE);
        out.writeInt(VERSION);
        pool.write(out); // after the body, which adds to it
        out.write(tail.toByteArray());
        return bytes.toByteArray();
    }

    /** Everything behind the constant pool. Of the attributes of the class itself the name of its source is kept. */
    private void body(DataOutputStream o, ConstantPool pool) throws IOException {
        for (int i = 0; i < 3; i++) {
            o.writeShort(in.readUnsignedShort()); // flags, this class, super class
        }
        int interfaces = in.readUnsignedShort();
        o.writeShort(interfaces);
        for (int i = 0; i < interfaces; i++) {
            o.writeShort(in.readUnsignedShort());
        }
        fields(o, pool);
        methods(o, pool);
        source(o, pool);
    }

    private void source(DataOutputStream o, ConstantPool pool) throws IOException {
        byte[] kept = new byte[0];
        for (int n = in.readUnsignedShort(); n > 0; n--) {
            int name = in.readUnsignedShort();
            byte[] value = in.readNBytes(in.readInt());
            if (pool.text(name).equals("SourceFile")) {
                kept = new byte[] {(byte) (name >> 8), (byte) name, 0, 0, 0, 2, value[0], value[1]};
            }
        }
        o.writeShort(kept.length > 0 ? 1 : 0);
        o.write(kept);
    }

    /** Fields lose "final": the memory of a card that is opened again is put back into them. */
    private void fields(DataOutputStream o, ConstantPool pool) throws IOException {
        int n = in.readUnsignedShort();
        o.writeShort(n);
        for (int i = 0; i < n; i++) {
            int flags = in.readUnsignedShort();
            byte[] rest = in.readNBytes(4);
            int attributes = in.readUnsignedShort();
            byte[] constant = null;
            for (int k = 0; k < attributes; k++) {
                int name = in.readUnsignedShort();
                byte[] value = in.readNBytes(in.readInt());
                if (pool.text(name).equals("ConstantValue")) {
                    constant = new byte[] {(byte) (name >> 8), (byte) name, 0, 0, 0, 2, value[0], value[1]};
                }
            }
            o.writeShort(constant != null ? flags : flags & ~FINAL);
            o.write(rest);
            o.writeShort(constant != null ? 1 : 0);
            if (constant != null) {
                o.write(constant);
            }
        }
    }

    private void methods(DataOutputStream o, ConstantPool pool) throws IOException {
        int n = in.readUnsignedShort();
        o.writeShort(n);
        for (int i = 0; i < n; i++) {
            o.write(in.readNBytes(6)); // flags, name, descriptor
            int attributes = in.readUnsignedShort();
            ByteArrayOutputStream kept = new ByteArrayOutputStream();
            int count = 0;
            for (int k = 0; k < attributes; k++) {
                int name = in.readUnsignedShort();
                byte[] value = in.readNBytes(in.readInt());
                if (pool.text(name).equals("Code")) {
                    DataOutputStream a = new DataOutputStream(kept);
                    byte[] code = new Code(value, pool).rewritten();
                    a.writeShort(name);
                    a.writeInt(code.length);
                    a.write(code);
                    count++;
                }
            }
            o.writeShort(count);
            o.write(kept.toByteArray());
        }
    }
}
