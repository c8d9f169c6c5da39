package simbind.card;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The constant pool of a class (Java virtual machine specification 4.4), with what Hooks needs added at its end. */
final class ConstantPool {
    private static final int UTF8 = 1;
    private static final int CLASS = 7;
    private static final int FIELD = 9;
    private static final int METHOD = 10;
    private static final int NAME_AND_TYPE = 12;

    private final byte[] read;
    private final int[] places; // of each entry in read
    private final ByteArrayOutputStream added = new ByteArrayOutputStream();
    private final Map<String, Integer> hooks = new HashMap<>();
    private int count;
    private int hooksClass;

    ConstantPool(DataInputStream in) throws IOException {
        count = in.readUnsignedShort();
        places = new int[count];
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 1; i < count; i++) {
            places[i] = all.size();
            int tag = in.readUnsignedByte();
            all.write(tag);
            switch (tag) {
                case UTF8 -> {
                    int n = in.readUnsignedShort();
                    all.write(n >> 8);
                    all.write(n);
                    all.write(in.readNBytes(n));
                }
                case 3, 4, FIELD, METHOD, 11, NAME_AND_TYPE -> all.write(in.readNBytes(4));
                case CLASS, 8 -> all.write(in.readNBytes(2));
                default -> throw new IOException("constant of kind " + tag + ": not for a Java Card");
            }
        }
        read = all.toByteArray();
    }

    void write(DataOutputStream out) throws IOException {
        out.writeShort(count);
        out.write(read);
        out.write(added.toByteArray());
    }

    String text(int index) {
        int at = places[index];
        return new String(read, at + 3, u16(at + 1), StandardCharsets.UTF_8);
    }

    /** The Class entry a Fieldref or Methodref names. */
    int classOf(int member) {
        return u16(places[member] + 1);
    }

    /** The descriptor of a Fieldref. */
    String descriptor(int member) {
        return text(u16(places[u16(places[member] + 3)] + 3));
    }

    private int u16(int at) {
        return (read[at] & 0xFF) << 8 | read[at + 1] & 0xFF;
    }

    /** The Methodref of a static method of Hooks. */
    int hook(String name, String descriptor) {
        Integer known = hooks.get(name);
        if (known != null) {
            return known;
        }
        if (hooksClass == 0) {
            hooksClass = add(CLASS, addText("simbind/card/Hooks"));
        }
        int nameAndType = add(NAME_AND_TYPE, addText(name), addText(descriptor));
        int index = add(METHOD, hooksClass, nameAndType);
        hooks.put(name, index);
        return index;
    }

    private int addText(String s) {
        byte[] b = s.getBytes(StandardCharsets.UTF_8);
        int index = add(UTF8, b.length);
        added.writeBytes(b);
        return index;
    }

    private int add(int tag, int... parts) {
        added.write(tag);
        for (int p : parts) {
            added.write(p >> 8);
            added.write(p);
        }
        return count++;
    }
}
